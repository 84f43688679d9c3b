"""Room for a request that was refused, by moving a few containers. A move is a restart.

Only what is marked reschedulable is moved: at most three of one node, when every one of them fits elsewhere; or else
one, which changes places with one of another node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from appserver.core.placement import amounts
from appserver.core.placement.index import Index
from appserver.core.placement.request import Request
from appserver.core.placement.swaps import swaps
from appserver.core.placement.table import Ints

MOST_MOVES = 3
_NODES = 12
_LARGEST = 16
"""Of a node's containers these many are considered: those that come nearest to what is missing."""
_TRIES = 24


@dataclass(frozen=True, slots=True)
class Move:
    holder: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Repair:
    """The request goes to `node` once the moves are made."""

    node: str
    moves: tuple[Move, ...]


def repair(index: Index, wanted: Request, running: Callable[[str], Iterable[Request]]) -> Repair | None:
    """None where no few moves make room. What is decided is taken in the index; otherwise it is as it was.

    Args:
        running: the containers on a node.
    """
    near = tuple(_nodes(index, wanted))
    for row, missing in near:
        node = index.table.nodes[row].name
        movable = [one for one in running(node) if one.reschedulable]
        for chosen in _choices(index, movable, missing):
            if found := _try(index, wanted, row, chosen):
                return found
    change = next(swaps(index, wanted, (row for row, _ in near), running), None)
    return _swap(index, wanted, *change) if change else None


def _swap(index: Index, wanted: Request, row: int, other: int, pair: Sequence[Request]) -> Repair:
    batch = index.read(pair)
    index.give(batch, np.array([row, other], dtype=np.int32))
    index.take(batch, np.array([other, row], dtype=np.int32))
    index.take(index.read([wanted]), np.array([row], dtype=np.int32))
    here, there = (index.table.nodes[each].name for each in (row, other))
    return Repair(here, (Move(pair[0].holder, here, there), Move(pair[1].holder, there, here)))


def _nodes(index: Index, wanted: Request) -> Iterator[tuple[int, Ints]]:
    """Rows of nodes that lack nothing but room, by how little of themselves that is; with what is missing there."""
    asked, admitted = index.admits(wanted)
    missing = np.maximum(asked[:, None] - index.table.free, 0)
    size = np.maximum(index.table.size, 1)
    share = np.where(admitted, (missing / size).sum(axis=0), np.inf)
    for row in share.argsort(kind="stable")[:_NODES].tolist():
        if np.isfinite(share[row]):
            yield row, missing[:, row]


def _choices(index: Index, movable: Sequence[Request], missing: Ints) -> list[tuple[Request, ...]]:
    """Sets of containers whose room is enough: fewest first, then the least of them."""
    names = index.table.resources
    sizes = [np.array([amounts.asked(one.claim).get(name, 0) for name in names], dtype=np.int64) for one in movable]
    scale = np.maximum(missing, 1)
    useful = [n for n, size in enumerate(sizes) if ((size > 0) & (missing > 0)).any()]
    useful.sort(key=lambda n: (float(np.abs(sizes[n] - missing) @ (1 / scale)), movable[n].holder))
    found = []
    for count in range(1, MOST_MOVES + 1):
        for chosen in combinations(useful[:_LARGEST], count):
            total = np.sum([sizes[n] for n in chosen], axis=0)
            if (total >= missing).all():
                found.append((count, float((total / scale)[missing > 0].sum()), chosen))
        if len(found) >= _TRIES:
            break
    found.sort(key=lambda each: (each[0], each[1], [movable[n].holder for n in each[2]]))
    return [tuple(movable[n] for n in chosen) for _, _, chosen in found[:_TRIES]]


def _try(index: Index, wanted: Request, row: int, chosen: Sequence[Request]) -> Repair | None:
    node = index.table.nodes[row].name
    moved, one = index.read(chosen), index.read([wanted])
    here, there = np.full(len(moved), row, dtype=np.int32), np.array([row], dtype=np.int32)
    index.give(moved, here)
    index.take(one, there)
    targets = index.place(moved)
    if (targets >= 0).all() and not (targets == row).any() and (index.table.free[:, row] >= 0).all():
        names = index.names(targets)
        moves = zip(chosen, names, strict=True)
        return Repair(node, tuple(Move(each.holder, node, str(target)) for each, target in moves))
    index.give(moved, targets)
    index.give(one, there)
    index.take(moved, here)
    return None
