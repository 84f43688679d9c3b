"""The other end of `bmc_ipmi_worker`: one process, asked line by line, each time with a deadline."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from appserver.errors import BmcError, LoginRefused

LOGIN_S = 12.0
CALL_S = 30.0
"""Reading 63 slots of a slow board is the longest call."""
_WORKER = "appserver.adapters.bmc_ipmi_worker"
_ROOT = str(Path(__file__).parents[2])


class Worker:
    """To be begun with for each board anew."""

    def __init__(self) -> None:
        self._board = ""
        self._ends = 0.0
        self._process = subprocess.Popen(
            (sys.executable, "-m", _WORKER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": _ROOT},
        )

    def begin(self, board: str, limit_s: float) -> None:
        """What is asked from now on is of this board, and is over within `limit_s` altogether."""
        self._board, self._ends = board, time.monotonic() + limit_s

    def ask(self, do: str, limit_s: float = CALL_S, **arguments: object) -> Any:
        """
        Raises:
            LoginRefused: the board does not take user or password.
            BmcError: it refused, answered nonsense, or was not through within `limit_s`; the process may be gone then.
        """
        left_s = min(limit_s, self._ends - time.monotonic())
        answer = json.loads(self._exchange(json.dumps({"do": do, **arguments}).encode() + b"\n", left_s))
        if "fault" not in answer:
            return answer["told"]
        if answer["fault"] == "silent":
            raise BmcError(f"{self._board} does not answer by IPMI")
        if answer["fault"] == "refused" and do == "open":
            raise LoginRefused(f"{self._board} refuses the log-in: {answer['why']}")
        raise BmcError(f"{self._board} did not do it: {answer['why']}")

    def kill(self) -> None:
        """With what it holds; the session ends at the board by its own limit."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _exchange(self, request: bytes, limit_s: float) -> bytes:
        sent, answers = self._process.stdin, self._process.stdout
        if sent is None or answers is None:
            raise BmcError("the process that speaks IPMI has no pipes")
        try:
            sent.write(request)
            sent.flush()
        except (OSError, ValueError) as error:  # ended by itself, or by us
            raise BmcError("the process that speaks IPMI is gone") from error
        ends, line = time.monotonic() + limit_s, b""
        with selectors.DefaultSelector() as ready:
            ready.register(answers, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not ready.select(max(0.0, ends - time.monotonic())):
                    self.kill()  # what it answers later would be taken for the next answer
                    raise BmcError(f"{self._board} was not through with it in time")
                part = os.read(answers.fileno(), 65_536)
                if not part:
                    raise BmcError("the process that speaks IPMI is gone")
                line += part
        return line
