"""A bucket for each sender: so many at once, so many a second, in memory of this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from appserver.errors import TooMany

_HELD = 10_000
"""Senders remembered; one forgotten has a full bucket again."""


class Flood:
    def __init__(self, per_second: float, at_once: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._at_once = float(at_once)
        self._now = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def enter(self, sender: str) -> None:
        """
        Raises:
            TooMany: with the seconds until there is room again.
        """
        now = self._now()
        with self._lock:
            left, at = self._left.pop(sender, (self._at_once, now))
            left = min(self._at_once, left + (now - at) * self._per_second)
            room = left >= 1.0
            self._left[sender] = (left - 1.0 if room else left, now)
            while len(self._left) > _HELD:
                self._left.popitem(last=False)
        if not room:
            raise TooMany("too many at once; slow down", retry_after_s=(1.0 - left) / self._per_second)
