"""Work on applications: one thing at a time for each, a few at once, woken by whatever may have changed something."""

from __future__ import annotations

import heapq
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Event, Thread

from appserver.core.entities import AppKey
from appserver.errors import AppServerError

log = logging.getLogger(__name__)

_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What running work listens to: `news` may be of interest to it, `over` asks it to come back soon."""

    news: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)


Work = Callable[[AppKey, Turn], float | None]
"""Seconds until it wants to be called again without news; None when only news calls for it. May raise."""


class Lanes:
    """An application that is woken while it is worked on is worked on once more afterwards, so nothing is missed."""

    def __init__(self, work: Work, most: int = 4) -> None:
        self._work = work
        self._most = most
        self._changed = Condition()
        self._ready: deque[AppKey] = deque()
        self._due: list[tuple[float, int, AppKey]] = []
        self._count = 0
        self._active: dict[AppKey, Turn] = {}
        self._again: set[AppKey] = set()
        self._failures: dict[AppKey, int] = {}

    def wake(self, key: AppKey) -> None:
        with self._changed:
            if key in self._active:
                self._again.add(key)
                self._active[key].news.set()
            elif key not in self._ready:
                self._ready.append(key)
                self._changed.notify()

    def supersede(self, key: AppKey) -> None:
        """What is wanted has changed: running work is of no use any more."""
        with self._changed:
            if key in self._active:
                self._active[key].over.set()  # before the news, so that whoever waits for news sees it
        self.wake(key)

    def run(self, stop: Event) -> None:
        """Until told to stop; running work is asked to come back, and waited for."""
        workers = [Thread(target=self._serve, args=(stop,), name=f"lane-{n}") for n in range(self._most)]
        for worker in workers:
            worker.start()
        stop.wait()
        with self._changed:
            for turn in self._active.values():
                turn.over.set()
                turn.news.set()
            self._changed.notify_all()
        for worker in workers:
            worker.join()

    def _serve(self, stop: Event) -> None:
        while not stop.is_set():
            if (taken := self._take(stop)) is None:
                continue
            key, turn = taken
            again = self._done(key, turn)
            with self._changed:
                del self._active[key]
                if key in self._again:
                    self._again.discard(key)
                    self._ready.append(key)
                    self._changed.notify()
                elif again is not None:
                    self._count += 1
                    heapq.heappush(self._due, (time.monotonic() + again, self._count, key))
                    self._changed.notify()

    def _take(self, stop: Event) -> tuple[AppKey, Turn] | None:
        with self._changed:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                key = heapq.heappop(self._due)[2]
                if key not in self._ready and key not in self._active:
                    self._ready.append(key)
            if not self._ready:
                if not stop.is_set():
                    self._changed.wait(self._due[0][0] - now if self._due else None)
                return None
            key = self._ready.popleft()
            turn = self._active[key] = Turn()
            if stop.is_set():
                turn.over.set()
            return key, turn

    def _done(self, key: AppKey, turn: Turn) -> float | None:
        try:
            again = self._work(key, turn)
        except AppServerError as error:
            return self._backoff(key, error)
        except Exception as error:
            log.exception("event=lane_broke application=%s", key)
            return self._backoff(key, error)
        self._failures.pop(key, None)
        return again

    def _backoff(self, key: AppKey, error: Exception) -> float:
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        wait_s = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(count, 16))
        log.warning("event=backoff application=%s again_s=%.1f reason=%s", key, wait_s, error)
        return wait_s
