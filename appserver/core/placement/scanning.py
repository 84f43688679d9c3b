"""Decisions by NumPy alone: every node is looked at, in a handful of operations over whole arrays.

No operation depends on the data: where a node has too little of something, `free - asked` is negative, and its sign
bit, or-ed into the key, makes it greater than any key of a node that fits. Selecting by truth values instead costs four
times as much, since the processor guesses wrongly half of the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement.rank import MOST_NODES
from appserver.core.placement.table import Ints, Table

SIGN = np.int64(np.iinfo(np.int64).min)


class Scan:
    """Finds the best node of a table for one request. Buffers are its own: not for two threads at once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._against = np.empty(len(table.nodes), dtype=np.int64)
        self._left = np.empty(len(table.nodes), dtype=np.int64)
        self._unsigned = self._against.view(np.uint64)
        self._starts = table.starts[:-1]
        self._place = np.empty(len(table.nodes), dtype=np.int64)
        self._place[table.key & (MOST_NODES - 1)] = np.arange(len(table.nodes))

    def best(self, asked: list[int], offsets: Ints, barred: list[Ints]) -> int:
        """Row of the node, or -1.

        Args:
            asked: of each resource of the table.
            offsets: by shape, of `Table.offsets`.
            barred: arrays by node: SIGN where the node may not be taken, else 0.
        """
        against = self._against
        if not len(against):
            return -1
        if self._sum_up(asked, barred):
            np.bitwise_and(against, SIGN, out=against)
            np.bitwise_or(against, self._table.key, out=against)
        else:
            np.copyto(against, self._table.key)
        least = np.minimum.reduceat(self._unsigned, self._starts).view(np.int64)
        least = np.where(least < 0, np.iinfo(np.int64).max, least + offsets)
        found = least.item(int(least.argmin()))
        return -1 if found == np.iinfo(np.int64).max else int(self._place[found & (MOST_NODES - 1)])

    def fits(self, asked: list[int], barred: list[Ints]) -> NDArray[np.bool_]:
        """By node, whether `best` could choose it."""
        if self._sum_up(asked, barred):
            return self._against >= 0
        return np.ones(len(self._against), dtype=np.bool_)

    def _sum_up(self, asked: list[int], barred: list[Ints]) -> bool:
        """`_against` is below zero where something is against the node. False where nothing can be: it is not set."""
        against, left = self._against, self._left
        some = False
        for resource, much in enumerate(asked):
            if much and some:
                np.subtract(self._table.free[resource], much, out=left)
                np.bitwise_or(against, left, out=against)
            elif much:
                np.subtract(self._table.free[resource], much, out=against)
                some = True
        for one in barred:
            np.bitwise_or(against if some else one, one, out=against)
            some = True
        return some


def barred(admitted: NDArray[np.bool_]) -> Ints:
    """Truth by node → what `best` takes."""
    return np.where(admitted, np.int64(0), SIGN)
