"""For how long this app server has watched what is on record: by a clock that nobody sets.

A time of day on record was written by whoever looked, and another's clock may be another: who compares the two may be
early. Who counts only what it saw is late at worst, by as long as nobody watched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from threading import Lock

from appserver.core.entities import AppKey


class Watched:
    """Moments on record of each application, as names of what is watched. Called from many threads."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._seen: dict[AppKey, Mapping[datetime, float]] = {}

    def passed(self, key: AppKey, moments: Collection[datetime]) -> Callable[[datetime], float]:
        """Seconds since each of these was first seen here; 0 of any other. Those that are not there are forgotten."""
        now = self._seconds()
        with self._lock:
            before = self._seen.pop(key, {})
            if moments:
                self._seen[key] = {moment: before.get(moment, now) for moment in moments}
            seen = self._seen.get(key, {})
        return lambda moment: now - seen.get(moment, now)
