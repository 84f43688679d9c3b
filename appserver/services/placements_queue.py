"""Requests that come while others are being placed wait, and are then placed together: one transaction for many.

Nobody waits for company: who comes alone is placed at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from appserver.errors import BackendError, UserError
from appserver.services.placements_commit import Group, Result

MOST = 256
"""Groups placed at once: what waits behind them waits no longer than they take."""

Place = Callable[[str, Sequence[Group]], list[Result]]


@dataclass(slots=True, eq=False)
class _Waiting:
    group: Group
    result: Result | None = None


class Queue:
    """Usable from any thread. Those of one cluster are placed one batch after the other."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = Lock()
        self._waiting: defaultdict[str, list[_Waiting]] = defaultdict(list)
        self._turns: defaultdict[str, Lock] = defaultdict(Lock)

    def __call__(self, cluster: str, group: Group) -> Result:
        mine = _Waiting(group)
        with self._lock:
            self._waiting[cluster].append(mine)
            turn = self._turns[cluster]
        with turn:
            while mine.result is None:  # else whoever had the turn before took it along
                self._take(cluster, mine)
        return mine.result

    def _take(self, cluster: str, mine: _Waiting) -> None:
        with self._lock:
            some = self._waiting[cluster][:MOST]
            del self._waiting[cluster][:MOST]
        try:
            results = self._results(cluster, [one.group for one in some])
        except BaseException:  # a fault of ours is told to one; the others wait for their own turn
            with self._lock:
                self._waiting[cluster] = [*(one for one in some if one is not mine), *self._waiting[cluster]]
            raise
        for one, result in zip(some, results, strict=True):
            one.result = result

    def _results(self, cluster: str, groups: Sequence[Group]) -> list[Result]:
        """An error of one of them is not the others' fault; the store's is everybody's."""
        try:
            return self._place(cluster, groups)
        except UserError as error:
            if len(groups) == 1:
                return [error]
            return [result for group in groups for result in self._results(cluster, [group])]
        except BackendError as error:
            return [error for _ in groups]
