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
COUNT, DIRTY, FIRST, STAIR = 0, 1, 2, 3
_F = TypeVar("_F", bound=Callable[..., Any])


class Blocks(NamedTuple):
    entries: Ints
    """Block × (key, cpus free, memory free, node) × place in the block."""
    heads: Ints
    """(How many entries, whether the stair may promise too much, the first key, then the stair) × block.

    A request looks at one of these of many blocks, so these lie beside each other.
    """
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
        heads=np.zeros((STAIR + LEVELS, whole), np.int64),
        order=np.zeros((len(sizes), 1 + longest), np.int64),
        unused=np.zeros(1 + whole, np.int64),
        block_of=np.zeros(int(starts[-1]), np.int64),
    )


_STEPS = np.array([0] + [int(2 ** (4 + half / 2)) for half in range(1, LEVELS)], dtype=np.int64)


def levels(cpus: Ints) -> Ints:
    """Of amounts of cpu, the level that each reaches: half octaves from 22 thousandths of a core."""
    return np.maximum(np.searchsorted(_STEPS, cpus, side="right") - 1, 0).astype(np.int64)


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
            heads[COUNT, used] = last - first
            heads[FIRST, used] = key[nodes[first]]
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
    unused[0] = heads.shape[1] - used
    for block in range(used, heads.shape[1]):
        unused[1 + block - used] = block


@compiled
def measure(entries: Ints, heads: Ints, block: int) -> None:
    """Makes the stair of a block anew."""
    heads[DIRTY, block] = 0
    for level in range(LEVELS):
        heads[STAIR + level, block] = NEVER
    for place in range(heads[COUNT, block]):
        level = level_of(entries[block, CPUS, place])
        heads[STAIR + level, block] = max(heads[STAIR + level, block], entries[block, MEMORY, place])
    for level in range(LEVELS - 2, -1, -1):
        heads[STAIR + level, block] = max(heads[STAIR + level, block], heads[STAIR + level + 1, block])


@compiled
def level_of(cpus: int) -> int:
    low, high = 0, LEVELS - 1
    while low < high:
        middle = (low + high + 1) >> 1
        if _STEPS[middle] <= cpus:
            low = middle
        else:
            high = middle - 1
    return low
