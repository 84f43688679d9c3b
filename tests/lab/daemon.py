"""`moorage serve` and `moorage agent` as processes that a test may hurt."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
MOORAGE = (sys.executable, "-c", "import sys; from appserver.cli.main import main; sys.exit(main())")
START_S = 30.0


@dataclass(slots=True)
class Daemon:
    """`moorage serve` or `moorage agent`: killed, frozen and started again as often as a test likes."""

    verb: str
    config: Path
    folder: Path
    health: str
    """URL, or host:port where only the connection counts, by which it is known to be up."""
    process: subprocess.Popen[bytes] | None = field(default=None)
    launched: tuple[float, int] = (0.0, 0)
    """When it was started last, by the monotonic clock, and how much its log held then."""

    @property
    def log(self) -> str:
        return (self.folder / f"{self.verb}.log").read_text(errors="replace")

    @property
    def said(self) -> str:
        """Its log since it was started last."""
        return self.log[self.launched[1] :]

    def launch(self) -> None:
        """Start the process; `wait_ready` tells when it serves. It dies with the run, even when that is killed."""
        argv = ["setpriv", "--pdeathsig=SIGKILL", *MOORAGE, self.verb, "--config", str(self.config)]
        with (self.folder / f"{self.verb}.log").open("ab") as log:
            self.launched = (time.monotonic(), log.tell())
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment(),
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        try:
            wait_until(self._is_up, f"moorage {self.verb} serves", START_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; its log:\n{self.log[-4000:]}") from None

    def start(self) -> None:
        if not self.runs:
            self.launch()
            self.wait_ready()

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """kill -9 of all its processes, and wait for the end."""
        self._end(signal.SIGKILL, 10)

    def stop(self) -> None:
        """As a supervisor stops it: SIGTERM, and time to end well."""
        self._end(signal.SIGTERM, 20)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """It hangs: its sockets stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _end(self, number: signal.Signals, patience_s: float) -> None:
        if self.process is None:
            return
        self._signal(number)
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired as error:
            self._signal(signal.SIGABRT)  # it tells where each of its threads is
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self._signal(signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"{error}; its log:\n{self.log[-8000:]}") from error
        finally:
            self.process = None

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def _is_up(self) -> bool:
        if not self.runs:
            raise RuntimeError(f"moorage {self.verb} ended: {self.log[-4000:]}")
        try:
            if "://" not in self.health:
                host, _, port = self.health.rpartition(":")
                socket.create_connection((host, int(port)), 1).close()
                return True
            with urllib.request.urlopen(self.health, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def free_port() -> int:
    """Nobody's, and below the range from which the kernel gives ports to outgoing connections."""
    while True:
        port = random.randrange(10_000, 32_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def environment() -> dict[str, str]:
    """What a daemon is started with: no setting of ours, and no proxy or CA of this machine."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}
