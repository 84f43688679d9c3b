"""The index that Numba makes fast, over the arrays of a table. Importing this needs Numba."""

from __future__ import annotations

import numpy as np

from appserver.core.placement import blocks, kernels
from appserver.core.placement.batch import Batch, Shorts
from appserver.core.placement.marks import Marks
from appserver.core.placement.masks import Masks
from appserver.core.placement.table import Table


class Walking:
    """Decides plain requests. `forget` says that the table has changed otherwise than through this."""

    def __init__(self, table: Table, masks: Masks, marks: Marks) -> None:
        self._table, self._masks, self._marks = table, masks, marks
        self._blocks = blocks.blocks(table.starts)
        self._known = False

    def place(self, batch: Batch, sets: Shorts, first: int, end: int, found: Shorts) -> None:
        """Into `found[first:end]`: the node or -1; what is found is taken."""
        table, masks = self._table, self._masks
        part = slice(first, end)
        level = blocks.levels(batch.asked[part, 0])
        done = 0
        while done < end - first:
            done = kernels.place(
                *self._filled(), table.free, table.key, table.shape, self._marks.rows,
                batch.asked[part], batch.offsets[part], level, batch.mask[part], batch.forbids[part], sets[part],
                masks.rows, masks.few, masks.few_from, done, found[part],
            )  # fmt: skip
            self._known = done == end - first

    def move(self, batch: Batch, sets: Shorts, first: int, end: int, nodes: Shorts, times: int) -> None:
        """Requests take of `nodes[first:end]` what they ask for, or with times -1 give it back."""
        table, part = self._table, slice(first, end)
        done = 0
        while done < end - first:
            done = kernels.move(
                *self._filled(), table.free, table.key, table.shape, self._marks.rows,
                batch.asked[part], batch.offsets[part], sets[part], times, done, nodes[part],
            )  # fmt: skip
            self._known = done == end - first

    def forget(self) -> None:
        self._known = False

    def _filled(self) -> blocks.Blocks:
        if not self._known:
            table = self._table
            nodes = np.lexsort((table.key, table.shape))
            blocks.fill(*self._blocks, nodes, table.starts, table.key, table.free)
            self._known = True
        return self._blocks
