"""A step's run of Ansible and all that descends from it: `python -m appserver.adapters.steps_process ROOM`.

`playbooks_process.py` does the work, as its child. No namespace of processes holds it, since systemd cannot be spoken
to from within one (it takes a peer without a process number for none). Orphans become children of this process instead,
and whatever is left is killed at its end: when the run is over, on SIGTERM, and when the agent that began it has died.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS, _PAUSE_S = 200, 0.02
"""A process that forks while it is killed is killed in the next round."""


def main(room: str) -> int:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot take orphans in")
    signal.signal(signal.SIGTERM, _end)
    child = subprocess.Popen([sys.executable, "-m", "appserver.adapters.playbooks_process", room])
    try:
        return child.wait()
    finally:
        kill_all()


def kill_all() -> None:
    """All that descends from this process, until nothing does."""
    for _ in range(_ROUNDS):
        _reap()
        found = tuple(descendants(os.getpid(), parents()))
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def parents() -> Mapping[int, int]:
    """Each process of this host to its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            text = path.read_text(errors="replace")
            found[int(path.parent.name)] = int(text[text.rindex(")") + 2 :].split()[1])
    return found


def descendants(pid: int, parent: Mapping[int, int]) -> Iterator[int]:
    """Below a process, at any depth."""
    for one in [child for child, of in parent.items() if of == pid]:
        yield one
        yield from descendants(one, parent)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _end(number: int, frame: FrameType | None) -> None:
    kill_all()
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
