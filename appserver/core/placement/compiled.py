"""An index of the nodes, kept by machine code that Numba makes at run time, so that few of them are looked at.

The nodes of each shape are kept in order of their keys, best first, in blocks of at most BLOCK. What changes is taken
out of its block and put into another, so that the cost depends little on how many nodes there are. Each block has a
*stair*: for every level of cpu the most memory that a node of it has free which has that much cpu free or more. A
request passes over blocks whose stair at its level is too low.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
BLOCK = 64
FILLED = 40
"""How full blocks are made: neither the first insertion nor the first removal is to cost a block."""
LEVELS = 32
NEVER = -(2**63)
KEY, CPUS, MEMORY, NODE = 0, 1, 2, 3
COUNT, DIRTY, STAIR = 0, 1, 2
_F = TypeVar("_F", bound=Callable[..., Any])


class Blocks(NamedTuple):
    entries: Ints
    """Block × (key, cpus free, memory free, node) × place in the block."""
    heads: Ints
    """Block × (how many entries, whether its stair may promise too much, then the stair)."""
    order: Ints
    """Shape × (how many blocks, then these, best first)."""
    unused: Ints
    """How many blocks are in no order, then these."""
    block_of: Ints
    """By node."""


def compiled(function: _F) -> _F:
    """Numba could keep what it makes on disk, but would not notice a change in another module that this one calls."""
    return cast(_F, numba.njit(nogil=True)(function))


def blocks(starts: Ints) -> Blocks:
    """Empty ones, for nodes whose shapes begin at `starts`; enough to be filled, and as many again."""
    sizes = np.diff(starts)
    whole = int(2 * (sizes // FILLED + 1).sum()) + 8
    longest = int(min(whole, 4 * (sizes.max(initial=0) // FILLED + 1) + 8))
    return Blocks(
        entries=np.zeros((whole, 4, BLOCK), np.int64),
        heads=np.zeros((whole, 2 + LEVELS), np.int64),
        order=np.zeros((len(sizes), 1 + longest), np.int64),
        unused=np.zeros(1 + whole, np.int64),
        block_of=np.zeros(int(starts[-1]), np.int64),
    )


_STEPS = np.array([0] + [int(2 ** (4 + half / 2)) for half in range(1, LEVELS)], dtype=np.int64)


def levels(cpus: Ints) -> Ints:
    """Of amounts of cpu, the level that each reaches: half octaves from 22 thousandths of a core."""
    return np.maximum(np.searchsorted(_STEPS, cpus, side="right") - 1, 0).astype(np.int64)


@compiled
def _level(cpus: int) -> int:
    low, high = 0, LEVELS - 1
    while low < high:
        middle = (low + high + 1) >> 1
        if _STEPS[middle] <= cpus:
            low = middle
        else:
            high = middle - 1
    return low


@compiled
def fill(
    entries: Ints,
    heads: Ints,
    order: Ints,
    unused: Ints,
    block_of: Ints,
    nodes: Ints,
    starts: Ints,
    key: Ints,
    free: Ints,
) -> None:
    """Makes all blocks anew. `nodes` are by shape and within it by key; `free` is resources × nodes."""
    used = 0
    for shape in range(len(starts) - 1):
        length = 0
        for first in range(starts[shape], starts[shape + 1], FILLED):
            last = min(first + FILLED, starts[shape + 1])
            heads[used, COUNT] = last - first
            for place in range(last - first):
                node = nodes[first + place]
                entries[used, KEY, place] = key[node]
                entries[used, CPUS, place] = free[0, node]
                entries[used, MEMORY, place] = free[1, node]
                entries[used, NODE, place] = node
                block_of[node] = used
            measure(entries, heads, used)
            length += 1
            order[shape, length] = used
            used += 1
        order[shape, 0] = length
    unused[0] = len(heads) - used
    for block in range(used, len(heads)):
        unused[1 + block - used] = block


@compiled
def change(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints,
    node: int, shape: int, old: int, key: int, cpus: int, memory: int,
) -> bool:  # fmt: skip
    """The node's key and what it has free are other than they were. False: no block is left, `fill` again."""
    block = block_of[node]
    last = heads[block, COUNT] - 1
    place = 0
    while entries[block, NODE, place] != node:
        place += 1
    heads[block, DIRTY] = 1
    if place > 0 and entries[block, KEY, 0] < key < entries[block, KEY, last]:
        while entries[block, KEY, place - 1] > key:
            _copy(entries, block, place, place - 1)
            place -= 1
        while place < last and entries[block, KEY, place + 1] < key:
            _copy(entries, block, place, place + 1)
            place += 1
        _write(entries, heads, block, place, node, key, cpus, memory)
        return True
    _take_out(entries, heads, order, unused, block, place, shape, old)
    return _put_in(entries, heads, order, unused, block_of, node, shape, key, cpus, memory)


@compiled
def measure(entries: Ints, heads: Ints, block: int) -> None:
    """Makes the stair of a block anew."""
    heads[block, DIRTY] = 0
    for level in range(LEVELS):
        heads[block, STAIR + level] = NEVER
    for place in range(heads[block, COUNT]):
        level = _level(entries[block, CPUS, place])
        heads[block, STAIR + level] = max(heads[block, STAIR + level], entries[block, MEMORY, place])
    for level in range(LEVELS - 2, -1, -1):
        heads[block, STAIR + level] = max(heads[block, STAIR + level], heads[block, STAIR + level + 1])


@compiled
def _copy(entries: Ints, block: int, into: int, place: int) -> None:
    for field in range(4):
        entries[block, field, into] = entries[block, field, place]


@compiled
def _write(entries: Ints, heads: Ints, block: int, place: int, node: int, key: int, cpus: int, memory: int) -> None:
    entries[block, KEY, place] = key
    entries[block, CPUS, place] = cpus
    entries[block, MEMORY, place] = memory
    entries[block, NODE, place] = node
    level = _level(cpus)
    while level >= 0 and heads[block, STAIR + level] < memory:
        heads[block, STAIR + level] = memory
        level -= 1


@compiled
def _find(entries: Ints, order: Ints, shape: int, key: int) -> int:
    """Which of the shape's blocks has, or is to get, this key: the last that does not begin beyond it, or the first."""
    low, high = 1, order[shape, 0]
    while low < high:
        middle = (low + high + 1) >> 1
        if entries[order[shape, middle], KEY, 0] <= key:
            low = middle
        else:
            high = middle - 1
    return low


@compiled
def _take_out(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block: int, place: int, shape: int, key: int
) -> None:
    count = heads[block, COUNT] - 1
    if count == 0:
        for later in range(_find(entries, order, shape, key), order[shape, 0]):
            order[shape, later] = order[shape, later + 1]
        order[shape, 0] -= 1
        unused[0] += 1
        unused[unused[0]] = block
    for later in range(place, count):
        _copy(entries, block, later, later + 1)
    heads[block, COUNT] = count


@compiled
def _put_in(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints,
    node: int, shape: int, key: int, cpus: int, memory: int,
) -> bool:  # fmt: skip
    if order[shape, 0] == 0:
        order[shape, 0] = 1
        order[shape, 1] = unused[unused[0]]
        unused[0] -= 1
        heads[order[shape, 1], COUNT] = 0
        measure(entries, heads, order[shape, 1])
    at = _find(entries, order, shape, key)
    block = order[shape, at]
    if heads[block, COUNT] == BLOCK:
        if unused[0] == 0 or order[shape, 0] == order.shape[1] - 1:
            return False
        block = _split(entries, heads, order, unused, block_of, shape, at, key)
    place = heads[block, COUNT]
    heads[block, COUNT] += 1
    while place > 0 and entries[block, KEY, place - 1] > key:
        _copy(entries, block, place, place - 1)
        place -= 1
    _write(entries, heads, block, place, node, key, cpus, memory)
    block_of[node] = block
    return True


@compiled
def _split(entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints, shape: int, at: int, key: int) -> int:
    """The latter half of a full block goes to a new one. Returns which of the two is to get `key`."""
    block, new, half = order[shape, at], unused[unused[0]], BLOCK // 2
    unused[0] -= 1
    for place in range(half):
        for field in range(4):
            entries[new, field, place] = entries[block, field, half + place]
        block_of[entries[new, NODE, place]] = new
    heads[block, COUNT] = heads[new, COUNT] = half
    measure(entries, heads, block)
    measure(entries, heads, new)
    for later in range(order[shape, 0], at, -1):
        order[shape, later + 1] = order[shape, later]
    order[shape, at + 1] = new
    order[shape, 0] += 1
    return int(new if key > entries[new, KEY, 0] else block)
