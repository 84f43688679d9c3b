"""Plain requests by NumPy alone: one scan after the other."""

from __future__ import annotations

import numpy as np

from appserver.core.placement.batch import Batch, Shorts
from appserver.core.placement.marks import Marks
from appserver.core.placement.masks import Masks
from appserver.core.placement.scanning import Scan
from appserver.core.placement.table import Ints, Table


class Scanning:
    """Decides plain requests. Nothing is kept that the table does not say."""

    def __init__(self, table: Table, masks: Masks, marks: Marks, scan: Scan) -> None:
        self._table, self._masks, self._marks, self._scan = table, masks, marks, scan

    def place(self, batch: Batch, sets: Shorts, first: int, end: int, found: Shorts) -> None:
        """Into `found[first:end]`: the node or -1; what is found is taken."""
        best, shape, mask = self._scan.best, self._table.shape, batch.mask[first:end].tolist()
        marked = batch.forbids.shape[1] or sets.shape[1]
        for number, asked in enumerate(batch.asked[first:end].tolist(), first):
            offsets = batch.offsets[number]
            if marked:
                against = barring(batch, number, self._masks, self._marks)
            else:
                against = [self._masks.barred(mask[number - first])] if mask[number - first] >= 0 else []
            node = best(asked, offsets, against)
            found[number] = node
            if node >= 0:
                self._table.take(node, batch.asked[number], int(offsets[shape[node]]))
                if marked:
                    self._mark(sets[number], node, 1)

    def move(self, batch: Batch, sets: Shorts, first: int, end: int, nodes: Shorts, times: int) -> None:
        """Requests take of `nodes[first:end]` what they ask for, or with times -1 give it back."""
        for number in range(first, end):
            node = int(nodes[number])
            if node >= 0:
                offset = int(batch.offsets[number, self._table.shape[node]])
                self._table.take(node, batch.asked[number], offset, times)
                self._mark(sets[number], node, times)

    def forget(self) -> None:
        """The table is all there is."""

    def _mark(self, rows: Shorts, node: int, times: int) -> None:
        for row in rows.tolist():
            if row >= 0:
                self._marks.rows[row, node] += times


def barring(batch: Batch, number: int, masks: Masks, marks: Marks) -> list[Ints]:
    """Whatever bars nodes from a request beside room and wishes, as `Scan.best` takes it."""
    found = [masks.barred(int(batch.mask[number]))] if batch.mask[number] >= 0 else []
    for row in batch.forbids[number].tolist():
        if row >= 0:
            found.append(np.negative(marks.rows[row], dtype=np.int64))
    return found
