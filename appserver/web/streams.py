"""How many event streams each user holds: every one takes a thread for as long as it is open."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from appserver.errors import TooMany

_RETRY_S = 5.0


class Streams:
    """Counts of this process. `most` in all leaves threads free for requests that end."""

    def __init__(self, per_user: int, most: int) -> None:
        self._per_user = per_user
        self._most = most
        self._open: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def open(self) -> int:
        with self._lock:
            return self._open.total()

    def enter(self, user: str) -> None:
        """
        Raises:
            TooMany: this user, or everybody together, holds as many as there may be.
        """
        with self._lock:
            if self._open[user] >= self._per_user:
                raise TooMany(f"{user} holds {self._per_user} event streams already", _RETRY_S)
            if self._open.total() >= self._most:
                raise TooMany("this app server holds as many event streams as it can", _RETRY_S)
            self._open[user] += 1

    def leave(self, user: str) -> None:
        with self._lock:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]
