"""`ports.SharedTree` on a directory. It is looked at by a process of its own, since a mount whose server is away hangs
whoever touches it, sometimes beyond any signal: then the process is left behind, and no second one is sent after it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock

from appserver.core.handshake import Proof

TIMEOUT_S = 5.0
_PROGRAM = Path(__file__).with_name("shared_tree_probe.py")
_REAP_S = 0.2


class SharedDirectory:
    """See `ports.SharedTree`."""

    def __init__(self, path: str, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._left: subprocess.Popen[bytes] | None = None

    def prove(self, token: str, name: str) -> Proof:
        return self._ask({"verb": "prove", "token": token, "name": name})

    def mark(self, token: str) -> Proof:
        return self._ask({"verb": "mark", "token": token})

    def _ask(self, asked: dict[str, str]) -> Proof:
        with self._lock:
            if self._left is not None and self._left.poll() is None:
                return self._hung()
            self._left = None
            return self._send({**asked, "path": self._path})

    def _send(self, asked: dict[str, str]) -> Proof:
        # Isolated and without site: it needs the standard library alone, and is there in 15 ms.
        child = subprocess.Popen(
            (sys.executable, "-I", "-S", str(_PROGRAM)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
        )
        try:
            out, err = child.communicate(json.dumps(asked).encode(), self._timeout_s)
        except subprocess.TimeoutExpired:
            self._leave(child)
            return self._hung()
        try:
            told = json.loads(out)
            return Proof(told["kind"], told["reason"])
        except (ValueError, KeyError):
            last = err.decode(errors="replace").strip().rpartition("\n")[2]
            return Proof("broken", f"{self._path} could not be looked at: {last or f'exit {child.returncode}'}")

    def _leave(self, child: subprocess.Popen[bytes]) -> None:
        """Kill it; what waits in the kernel beyond signals ends when the file system answers, and is reaped then."""
        child.kill()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_REAP_S)
        if child.returncode is None:
            self._left = child

    def _hung(self) -> Proof:
        return Proof("hung", f"{self._path} does not answer: its server is away, or the mount hangs")
