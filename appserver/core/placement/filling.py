"""Many containers that are all alike, decided at once: the same nodes as one after the other would get, in one go.

Spread fills nodes like water: whoever has the least takes the next, so the containers go where the ranks they would
have are least, and the search is for the level up to which they are taken. Binpack fills the best node, which only gets
better by it, then the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement.table import Ints, Table

_MOST = np.iinfo(np.int64).max


def fill(table: Table, asked: Ints, offsets: Ints, admitted: NDArray[np.bool_], each: int, count: int) -> Ints:
    """How many each node gets; fewer than `count` in all where there is not room for more.

    Args:
        asked: by resource; offsets: by shape, as `Table.offsets` has them; admitted: by node.
        each: the most that one node may get.
    """
    room = np.where(admitted, min(each, count), 0)
    for resource, much in enumerate(asked.tolist()):
        if much:
            np.minimum(room, np.maximum(table.free[resource], 0) // much, out=room)
    if int(room.sum()) <= count:
        return room
    if table.strategy == "binpack":
        return _packed(table.key + offsets[table.shape], room, count)
    return _Water(table, offsets, room).level(count)


def _packed(ranks: Ints, room: Ints, count: int) -> Ints:
    found = np.zeros_like(room)
    best = np.where(room > 0, ranks, _MOST).argsort()
    before = np.cumsum(room[best])
    found[best] = np.clip(count - (before - room[best]), 0, room[best])
    return found


class _Water:
    """The first container of a node has rank `first`, and each further one `step` more."""

    def __init__(self, table: Table, offsets: Ints, room: Ints) -> None:
        self._key, self._room = table.key, room
        self._step = offsets[table.shape]
        bounds = table.starts.tolist()
        self._parts = [
            (slice(start, end), step)
            for start, end, step in zip(bounds, bounds[1:], offsets.tolist(), strict=False)
            if room[start:end].any()
        ]

    def level(self, count: int) -> Ints:
        """The `count` containers of least rank, which are fewer than there is room for."""
        open_ = self._room > 0
        low = int(self._key[open_].min())
        high = int((self._key + self._room * self._step)[open_].max())
        found, taken = np.zeros_like(self._room), 0
        while taken < count:
            if count - taken <= len(found) and self._next(found, count - taken):
                return found
            level = self._guess(found, low, high, count - taken)
            tried = self._up_to(level)
            total = int(tried.sum())
            if total <= count:
                found, taken, low = tried, total, level
            else:
                high = level - 1
        return found

    def _up_to(self, level: int) -> Ints:
        """How many each node has whose rank is not above `level`."""
        found = np.zeros_like(self._room)
        for part, step in self._parts:
            np.floor_divide(level - self._key[part], step, out=found[part])
        return np.clip(found, 0, self._room, out=found)

    def _guess(self, found: Ints, low: int, high: int, missing: int) -> int:
        """Where the level would be, if every node that takes some went on taking; if that says little, the middle."""
        active = (found < self._room) & (self._key <= low)
        rate = float((active / self._step).sum())
        guess = low + int(missing / rate) if rate > 0 else high
        return guess if low < guess < high else low + (high - low + 1) // 2

    def _next(self, found: Ints, missing: int) -> bool:
        """Gives the `missing` containers of least rank to a node each; False where one node would have to take two."""
        after = np.where(found < self._room, self._key + (found + 1) * self._step, _MOST)
        last = np.partition(after, missing - 1)[missing - 1]
        chosen = after <= last
        more = chosen & (found + 1 < self._room)
        if last == _MOST or (more.any() and int((after + self._step)[more].min()) <= last):
            return False
        found[chosen] += 1
        return True
