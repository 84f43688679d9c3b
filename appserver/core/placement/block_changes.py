"""An index kept in order while what is free changes, one node at a time: machine code, over the arrays of `Blocks`."""

from __future__ import annotations

from appserver.core.placement.blocks import (
    BLOCK,
    COUNT,
    CPUS,
    DIRTY,
    FIRST,
    KEY,
    MEMORY,
    NODE,
    STAIR,
    Ints,
    compiled,
    level_of,
    measure,
)


@compiled
def change(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints,
    node: int, shape: int, old: int, key: int, cpus: int, memory: int,
) -> bool:  # fmt: skip
    """The node's key and what it has free are other than they were. False: no block is left, `fill` again."""
    block = block_of[node]
    last = heads[COUNT, block] - 1
    place = _place(entries, heads, block, old)
    heads[DIRTY, block] = 1
    if place > 0 and entries[block, KEY, 0] < key < entries[block, KEY, last]:
        new = _place(entries, heads, block, key)
        if new <= place:
            _shift(entries, block, new, place, 1)
        else:
            new -= 1
            _shift(entries, block, place + 1, new + 1, -1)
        _write(entries, heads, block, new, node, key, cpus, memory)
        return True
    _take_out(entries, heads, order, unused, block, place, shape, old)
    return _put_in(entries, heads, order, unused, block_of, node, shape, key, cpus, memory)


@compiled
def _place(entries: Ints, heads: Ints, block: int, key: int) -> int:
    """Place in the block of the first entry whose key is not below this."""
    low, high = 0, heads[COUNT, block]
    while low < high:
        middle = (low + high) >> 1
        if entries[block, KEY, middle] < key:
            low = middle + 1
        else:
            high = middle
    return int(low)


@compiled
def _shift(entries: Ints, block: int, first: int, end: int, by: int) -> None:
    """Entries from `first` to before `end` go one place up or down."""
    for field in range(4):
        row = entries[block, field]
        if by > 0:
            for place in range(end, first, -1):
                row[place] = row[place - 1]
        else:
            for place in range(first, end):
                row[place - 1] = row[place]


@compiled
def _write(entries: Ints, heads: Ints, block: int, place: int, node: int, key: int, cpus: int, memory: int) -> None:
    entries[block, KEY, place] = key
    entries[block, CPUS, place] = cpus
    entries[block, MEMORY, place] = memory
    entries[block, NODE, place] = node
    heads[FIRST, block] = entries[block, KEY, 0]
    level = level_of(cpus)
    while level >= 0 and heads[STAIR + level, block] < memory:
        heads[STAIR + level, block] = memory
        level -= 1


@compiled
def find(heads: Ints, order: Ints, shape: int, key: int) -> int:
    """Which of the shape's blocks has, or is to get, this key: the last that does not begin beyond it, or the first."""
    low, high = 1, order[shape, 0]
    while low < high:
        middle = (low + high + 1) >> 1
        if heads[FIRST, order[shape, middle]] <= key:
            low = middle
        else:
            high = middle - 1
    return low


@compiled
def _take_out(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block: int, place: int, shape: int, key: int
) -> None:
    count = heads[COUNT, block] - 1
    if count == 0:
        for later in range(find(heads, order, shape, key), order[shape, 0]):
            order[shape, later] = order[shape, later + 1]
        order[shape, 0] -= 1
        unused[0] += 1
        unused[unused[0]] = block
    _shift(entries, block, place + 1, count + 1, -1)
    heads[COUNT, block] = count
    heads[FIRST, block] = entries[block, KEY, 0]


@compiled
def _put_in(
    entries: Ints, heads: Ints, order: Ints, unused: Ints, block_of: Ints,
    node: int, shape: int, key: int, cpus: int, memory: int,
) -> bool:  # fmt: skip
    if order[shape, 0] == 0:
        order[shape, 0] = 1
        order[shape, 1] = unused[unused[0]]
        unused[0] -= 1
        heads[COUNT, order[shape, 1]] = 0
        measure(entries, heads, order[shape, 1])
    at = find(heads, order, shape, key)
    block = order[shape, at]
    if heads[COUNT, block] == BLOCK:
        if unused[0] == 0 or order[shape, 0] == order.shape[1] - 1:
            return False
        block = _split(entries, heads, order, unused, block_of, shape, at, key)
    place = _place(entries, heads, block, key)
    _shift(entries, block, place, heads[COUNT, block], 1)
    heads[COUNT, block] += 1
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
    heads[COUNT, block] = heads[COUNT, new] = half
    heads[FIRST, new] = entries[new, KEY, 0]
    measure(entries, heads, block)
    measure(entries, heads, new)
    for later in range(order[shape, 0], at, -1):
        order[shape, later + 1] = order[shape, later]
    order[shape, at + 1] = new
    order[shape, 0] += 1
    return int(new if key > entries[new, KEY, 0] else block)
