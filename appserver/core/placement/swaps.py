"""Room for a request where no container finds room elsewhere by itself: two nodes exchange one each.

Nodes that are full of cpu and nodes that are full of memory stand beside each other: what is left of both is of no use
until something that asks for much of the one changes places with something that asks for much of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from appserver.core.placement import amounts
from appserver.core.placement.index import Index
from appserver.core.placement.request import Request
from appserver.core.placement.table import Ints

_OTHERS = 24
_TRIES = 4
"""Of each two nodes."""

Pair = tuple[Request, Request]
Movable = Sequence[tuple[Request, Ints]]
"""With what each asks for."""


def swaps(
    index: Index, wanted: Request, rows: Iterable[int], running: Callable[[str], Iterable[Request]]
) -> Iterator[tuple[int, int, Pair]]:
    """Row of the node that gets room, row of another, and what they exchange: that is enough, and each may be there.

    Args:
        rows: nodes that may have the request but for their room, the best first.
        running: the containers on a node.
    """
    known: dict[int, Movable] = {}
    asked, _ = index.admits(wanted)
    for row in rows:
        need = asked - index.table.free[:, row]
        here = _movable(index, row, running, known)
        for other in _others(index, row, need) if here else ():
            if there := _movable(index, other, running, known):
                gives, takes = (np.array([each for _, each in some]) for some in (here, there))
                gain = gives[:, None, :] - takes[None, :, :]
                enough = (gain >= need).all(axis=2) & (gain <= index.table.free[:, other]).all(axis=2)
                for give, take in np.argwhere(enough)[:_TRIES].tolist():
                    mine, its = here[give][0], there[take][0]
                    if index.admits(mine)[1][other] and index.admits(its)[1][row]:
                        yield row, other, (mine, its)


def _movable(index: Index, row: int, running: Callable[[str], Iterable[Request]], known: dict[int, Movable]) -> Movable:
    """The least first: what is moved is restarted."""
    if row not in known:
        movable = [one for one in running(index.table.nodes[row].name) if one.reschedulable]
        size = np.maximum(index.table.size[:, row], 1)
        sized = [(one, _asked(index, one)) for one in movable]
        known[row] = sorted(sized, key=lambda each: (float((each[1] / size).sum()), each[0].holder))
    return known[row]


def _asked(index: Index, one: Request) -> Ints:
    found = amounts.asked(one.claim)
    return np.array([found.get(name, 0) for name in index.table.resources], dtype=np.int64)


def _others(index: Index, row: int, need: Ints) -> list[int]:
    """Nodes that have as much as is missing, those first that have the most beyond."""
    free = index.table.free
    lacks = need > 0
    room = (free[lacks] / need[lacks, None]).min(axis=0)
    room[row] = 0.0
    order = (-room).argsort(kind="stable")[:_OTHERS]
    return [other for other in order.tolist() if room[other] >= 1]
