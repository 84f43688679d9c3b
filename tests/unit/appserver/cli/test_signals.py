"""A daemon ends when it is told to, whichever of its threads is told and whatever its main thread waits for."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

WAITS = """
import signal
from threading import Event, Thread
from appserver.cli.signals import set_on_signals

stop, over = Event(), Event()
Thread(target=lambda: (stop.wait(), over.set())).start()
set_on_signals(stop)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))  # another thread is given it
print("waits", flush=True)
over.wait()
print("ends", flush=True)
"""


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_while_the_main_thread_waits_without_a_limit(sign: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "waits\n"
            process.send_signal(sign)
            assert process.communicate(timeout=10)[0] == "ends\n"
        finally:
            process.kill()
    assert process.returncode == 0
