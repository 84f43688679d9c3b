"""The loop over many requests, in machine code: find, take, mark, the next. See `blocks` for the index it walks.

Arrays are: `free` resources × nodes, `key` and `shape_of` by node, `marks` rows × nodes (how many there), `asked`
requests × resources, `offsets` requests × shapes, `level` and `mask` by request, `forbids` and `sets` requests × rows
of `marks`, filled up with -1. `mask` is a row of `masks`, or -1; of a mask that admits few nodes `few` has these, from
`few_from[mask]` to the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement.block_changes import change, find
from appserver.core.placement.blocks import (
    COUNT,
    CPUS,
    DIRTY,
    KEY,
    MEMORY,
    NEVER,
    NODE,
    STAIR,
    Ints,
    compiled,
    measure,
)

Shorts = NDArray[np.int32]
Truths = NDArray[np.bool_]
_MOST = 2**63 - 1


@compiled
def place(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints,
    free: Ints, key: Ints, shape_of: Shorts, marks: Shorts,
    asked: Ints, offsets: Ints, level: Ints, mask: Shorts, forbids: Shorts, sets: Shorts,
    masks: Truths, few: Shorts, few_from: Ints, first: int, found: Shorts,
) -> int:  # fmt: skip
    """Decides requests from `first` on: `found` gets the node or -1. Returns how far it came; before the rest, `fill`.

    The last request that it came to is decided, and taken of its node.
    """
    for number in range(first, len(mask)):
        m = mask[number]
        if m >= 0 and few_from[m + 1] > few_from[m]:
            node = _of_few(free, key, shape_of, marks, asked[number], offsets[number], forbids[number],
                           few[few_from[m]:few_from[m + 1]])  # fmt: skip
        else:
            node = _best(entries, heads, order, free, marks, asked[number], offsets[number], level[number],
                         forbids[number], masks, m)  # fmt: skip
        found[number] = node
        if node >= 0 and not _take(entries, heads, order, unused, block_of, free, key, shape_of, marks,
                                   asked[number], offsets[number], sets[number], node, 1):  # fmt: skip
            return number + 1
    return len(mask)


@compiled
def move(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints,
    free: Ints, key: Ints, shape_of: Shorts, marks: Shorts,
    asked: Ints, offsets: Ints, sets: Shorts, times: int, first: int, nodes: Shorts,
) -> int:  # fmt: skip
    """Requests take of their nodes what they ask for, or with times -1 give it back. Returns as `place`."""
    for number in range(first, len(nodes)):
        node = nodes[number]
        if node >= 0 and not _take(entries, heads, order, unused, block_of, free, key, shape_of, marks,
                                   asked[number], offsets[number], sets[number], node, times):  # fmt: skip
            return number + 1
    return len(nodes)


@compiled
def _best(
    entries: Ints, heads: Ints, order: Ints, free: Ints, marks: Shorts,
    asked: Ints, offsets: Ints, level: int, forbids: Shorts, masks: Truths, mask: int,
) -> int:  # fmt: skip
    """Within a shape the first node that fits is the best; a shape ends where its blocks can no longer be better."""
    cpus = asked[0] if asked[0] > 0 else NEVER
    memory = asked[1] if asked[1] > 0 else NEVER
    more = _asks_more(asked, forbids)
    best, chosen = _MOST, -1
    for shape in range(order.shape[0]):
        last = order[shape, 0]
        if best < _MOST and last > 0:
            last = find(heads, order, shape, best - offsets[shape])
        for at in range(1, last + 1):
            block = order[shape, at]
            if heads[STAIR + level, block] < memory:
                continue
            fitting = -1
            for place_ in range(heads[COUNT, block]):
                if entries[block, CPUS, place_] >= cpus and entries[block, MEMORY, place_] >= memory:
                    node = entries[block, NODE, place_]
                    if (mask < 0 or masks[mask, node]) and (not more or _fits(free, marks, asked, forbids, node)):
                        fitting = place_
                        break
            if fitting >= 0:
                rank = entries[block, KEY, fitting] + offsets[shape]
                if rank < best:
                    best, chosen = rank, entries[block, NODE, fitting]
                break
            if heads[DIRTY, block]:
                measure(entries, heads, block)
    return chosen


@compiled
def _of_few(
    free: Ints, key: Ints, shape_of: Shorts, marks: Shorts, asked: Ints, offsets: Ints, forbids: Shorts, few: Shorts
) -> int:
    best, chosen = _MOST, -1
    for node in few:
        rank = key[node] + offsets[shape_of[node]]
        if rank < best and _has(free, asked, node, 0) and _fits(free, marks, asked, forbids, node):
            best, chosen = rank, node
    return chosen


@compiled
def _asks_more(asked: Ints, forbids: Shorts) -> bool:
    for resource in range(2, len(asked)):
        if asked[resource] > 0:
            return True
    return len(forbids) > 0 and forbids[0] >= 0


@compiled
def _fits(free: Ints, marks: Shorts, asked: Ints, forbids: Shorts, node: int) -> bool:
    """Whatever is not cpus and memory."""
    for row in forbids:
        if row >= 0 and marks[row, node] > 0:
            return False
    return _has(free, asked, node, 2)


@compiled
def _has(free: Ints, asked: Ints, node: int, first: int) -> bool:
    for resource in range(first, len(asked)):
        if asked[resource] > 0 and free[resource, node] < asked[resource]:
            return False
    return True


@compiled
def _take(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints,
    free: Ints, key: Ints, shape_of: Shorts, marks: Shorts,
    asked: Ints, offsets: Ints, sets: Shorts, node: int, times: int,
) -> bool:  # fmt: skip
    for row in sets:
        if row >= 0:
            marks[row, node] += times
    for resource in range(len(asked)):
        free[resource, node] -= asked[resource] * times
    shape, old = shape_of[node], key[node]
    key[node] = old + offsets[shape] * times
    return change(entries, heads, order, unused, block_of, node, shape, old, key[node], free[0, node], free[1, node])
