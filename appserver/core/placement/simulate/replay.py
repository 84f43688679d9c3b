"""A trace, replayed on an index: what was placed, on how many nodes, and what was lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from appserver.core.placement.batch import Batch
from appserver.core.placement.index import Index
from appserver.core.placement.rank import Strategy
from appserver.core.placement.repair import repair
from appserver.core.placement.request import Candidate, Request
from appserver.core.placement.simulate.trace import Visit
from appserver.core.placement.table import Ints

_WINDOW = 1024
"""Arrivals decided in one call, where nothing departs between them."""


@dataclass(frozen=True, slots=True)
class Report:
    """`lost` is the share of all that was asked for (cpu and memory alike, in node shares) that found no room.

    `nodes_used` and `lower_bound` are of the moment of the greatest demand; `mean_ratio` is over all time.
    """

    nodes: int
    requests: int
    refused: int
    lost: float
    nodes_used: int
    lower_bound: int
    mean_ratio: float
    moves: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        bound = f"{self.nodes_used / self.lower_bound:.3f} × it" if self.lower_bound else "nothing ran"
        return "\n".join(
            (
                f"requests       {self.requests:,}, of which {self.refused:,} were refused",
                f"nodes used     {self.nodes_used:,} of {self.nodes:,} when most was asked for",
                f"lower bound    {self.lower_bound:,} then: {bound}; {self.mean_ratio:.3f} × over all time",
                f"lost demand    {self.lost:.2%}",
                f"moves          {self.moves:,}",
                f"rate           {self.rate:,.0f} placements/s",
            )
        )


@dataclass(slots=True)
class _State:
    on: dict[str, str] = field(default_factory=dict)
    """Node of each holder."""
    there: dict[str, dict[str, Request]] = field(default_factory=lambda: defaultdict(dict))
    taken: Ints = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    refused: int = 0
    moves: int = 0
    used: int = 0
    most: tuple[int, int] = (0, 0)
    """Lower bound and nodes used."""
    used_time: float = 0.0
    bound_time: float = 0.0

    def put(self, one: Request, name: str) -> None:
        self.used += not self.there[name]
        self.on[one.holder] = name
        self.there[name][one.holder] = one

    def remove(self, holder: str, name: str) -> Request:
        gone = self.there[name].pop(holder)
        self.used -= not self.there[name]
        return gone


def replay(
    nodes: Sequence[Candidate],
    visits: Sequence[Visit],
    strategy: Strategy,
    clock: Callable[[], float],
    seed: int = 0,
    accelerated: bool | None = None,
    repairing: bool = False,
) -> Report:
    """
    Args:
        clock: seconds; only deciding is timed.
        repairing: whether a request that is refused may have up to three containers moved.
    """
    index = Index(nodes, strategy, accelerated, seed)
    index.prepare()
    state, spent, asked, lost = _State(), 0.0, 0.0, 0.0
    bounds = _Bound(index.table.size[:2])
    last = None
    for moment, arriving, leaving in _moments(visits):
        if last is not None:
            state.used_time += (moment - last) * state.used
            state.bound_time += (moment - last) * bounds.least(state.taken)
        last = moment
        _leave(index, state, leaving)
        for first in range(0, len(arriving), _WINDOW):
            batch = index.read(arriving[first : first + _WINDOW])
            begun = clock()
            rows = index.place(batch)
            refused = _arrive(index, state, batch, index.names(rows))
            if repairing:
                refused = [one for one in refused if not _repaired(index, state, one)]
            spent += clock() - begun
            state.refused += len(refused)
            lost += sum(bounds.share(index.read([one]).asked[0]) for one in refused)
            asked += sum(bounds.share(each) for each in batch.asked)
        state.most = max(state.most, (bounds.least(state.taken), state.used))
    return Report(
        nodes=len(nodes),
        requests=len(visits),
        refused=state.refused,
        lost=lost / asked if asked else 0.0,
        nodes_used=state.most[1],
        lower_bound=state.most[0],
        mean_ratio=state.used_time / state.bound_time if state.bound_time else 1.0,
        moves=state.moves,
        seconds=spent,
    )


def _moments(visits: Sequence[Visit]) -> Iterator[tuple[float, list[Request], list[Request]]]:
    """In the order of time: who arrives and who leaves. Who leaves at a moment has left before others arrive."""
    arriving: dict[float, list[Request]] = defaultdict(list)
    leaving: dict[float, list[Request]] = defaultdict(list)
    for visit in visits:
        arriving[visit.arrival].append(visit.request)
        if visit.departure != float("inf"):
            leaving[visit.departure].append(visit.request)
    for moment in sorted({*arriving, *leaving}):
        yield moment, arriving.get(moment, []), leaving.get(moment, [])


def _leave(index: Index, state: _State, leaving: Sequence[Request]) -> None:
    there = [one for one in leaving if one.holder in state.on]
    if not there:
        return
    batch = index.read(there)
    names = [state.on.pop(one.holder) for one in there]
    index.give(batch, np.array([index.table.rows[name] for name in names], dtype=np.int32))
    for one, name in zip(there, names, strict=True):
        state.remove(one.holder, name)
    state.taken -= batch.asked[:, :2].sum(axis=0)


def _arrive(index: Index, state: _State, batch: Batch, names: Sequence[str | None]) -> list[Request]:
    refused = []
    for one, asked, name in zip(batch.requests, batch.asked, names, strict=True):
        if name is None:
            refused.append(one)
            continue
        state.put(one, name)
        state.taken += asked[:2]
    return refused


def _repaired(index: Index, state: _State, wanted: Request) -> bool:
    found = repair(index, wanted, lambda name: state.there[name].values())
    if found is None:
        return False
    for move in found.moves:
        state.put(state.remove(move.holder, move.source), move.target)
    state.put(wanted, found.node)
    state.taken += index.read([wanted]).asked[0][:2]
    state.moves += len(found.moves)
    return True


class _Bound:
    """The fewest nodes that could hold so much: the largest first, cpu and memory each by itself."""

    def __init__(self, size: Ints) -> None:
        self._sums = [np.cumsum(np.sort(one)[::-1]) for one in size]
        self._all = [max(int(one.sum()), 1) for one in size]

    def least(self, taken: Ints) -> int:
        each = zip(self._sums, taken.tolist(), strict=True)
        return max(int(np.searchsorted(sums, much)) + int(much > 0) for sums, much in each)

    def share(self, asked: Ints) -> float:
        """Of all nodes together, cpu and memory alike."""
        return float(sum(much / whole for much, whole in zip(asked[:2].tolist(), self._all, strict=True)))
