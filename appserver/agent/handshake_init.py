"""What `init-new` and `init-recovery` mean on this node. Neither deletes anything.

`init-new` makes the agent's own directories. `init-recovery` has every application that is wanted here looked at once
more, beside the work that goes on anyway: the agent reconciles from its first moment, whatever its state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Lock

from appserver.agent.lanes import Turn, Work
from appserver.agent.wishes import Wishes
from appserver.core.entities import AppKey
from appserver.errors import AppServerError, EngineError, StoreError


class Init:
    """The work of the lanes, counted; `begin` starts a count, `left` says what is still to be done."""

    def __init__(
        self, work: Work, wishes: Wishes, listed: Event, directories: Sequence[Path], wake_all: Callable[[], None]
    ) -> None:
        """
        Args:
            listed: set once `wishes` holds what is wanted.
        """
        self._work = work
        self._wishes = wishes
        self._listed = listed
        self._directories = directories
        self._wake_all = wake_all
        self._lock = Lock()
        self._round = 0
        self._looked: set[AppKey] = set()
        self._recovers = False
        self._fault = ""

    def __call__(self, key: AppKey, turn: Turn) -> float | None:
        """See `lanes.Work`. What cannot be brought up was looked at; what could not be seen was not."""
        with self._lock:
            begun_in = self._round
        try:
            again = self._work(key, turn)
        except (EngineError, StoreError):
            raise
        except AppServerError:
            self._note(key, begun_in)
            raise
        self._note(key, begun_in)
        return again

    def begin(self, state: str) -> None:
        """`init-new` or `init-recovery`."""
        self._fault = _made(self._directories)
        with self._lock:
            self._round += 1
            self._looked = set()
            self._recovers = state == "init-recovery"
        if self._recovers:
            self._wake_all()

    def left(self) -> str:
        """What keeps the node from `work`, in words; "" when nothing does."""
        if self._fault:
            self._fault = _made(self._directories)
            return self._fault
        if not self._recovers:
            return ""
        if not self._listed.is_set():
            return "what is wanted here is not known yet"
        wanted = self._wishes.all()
        with self._lock:
            left = [key for key in wanted if key not in self._looked]
        if not left:
            return ""
        return f"{len(wanted) - len(left)} of {len(wanted)} applications looked at, next {min(map(str, left))}"

    def _note(self, key: AppKey, begun_in: int) -> None:
        with self._lock:
            if begun_in == self._round:
                self._looked.add(key)


def _made(directories: Sequence[Path]) -> str:
    """Why one of them cannot be; "" when all are there."""
    for path in directories:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            return f"{path} cannot be made: {error.strerror}"
    return ""
