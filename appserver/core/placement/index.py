"""Decisions one after the other over one set of nodes, each on what the former have left: `place.place`, fast.

    index = Index(nodes, "binpack")
    batch = index.read(requests)
    rows = index.place(batch)          # the node of each, or -1; what is chosen is taken
    index.names(rows)

The answers are those of `place.place` on nodes with all former requests on them, for requests of holders that are
new. Plain requests go through Numba's index where Numba is installed, else through a scan by NumPy, to the same nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module, util
from typing import Protocol

import numpy as np

from appserver.core.placement import filling
from appserver.core.placement.batch import Batch, Reader, Shorts
from appserver.core.placement.marks import Marks
from appserver.core.placement.masks import Masks, Truths
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.core.placement.scanning import Scan
from appserver.core.placement.stepping import Scanning, barring
from appserver.core.placement.table import Ints, table
from appserver.core.placement.wishes import Wishes


class Way(Protocol):
    """How plain requests are decided."""

    def place(self, batch: Batch, sets: Shorts, first: int, end: int, found: Shorts) -> None: ...
    def move(self, batch: Batch, sets: Shorts, first: int, end: int, nodes: Shorts, times: int) -> None: ...
    def forget(self) -> None: ...


class Index:
    """Of one snapshot. Not for two threads at once."""

    def __init__(
        self, nodes: Sequence[Candidate], strategy: Strategy = "spread", accelerated: bool | None = None, seed: int = 0
    ) -> None:
        """
        Args:
            accelerated: None for what is installed. Numba's code is made at the first use, which takes seconds.
        """
        self.table = table(nodes, strategy)
        self._masks, self._marks = Masks(self.table.nodes), Marks(self.table.nodes)
        self._scan = Scan(self.table)
        self._wishes = Wishes(self.table, self._masks, self._marks, self._scan, seed)
        self._reader = Reader(self.table, self._masks, self._marks)
        self.accelerated = can_accelerate() if accelerated is None else accelerated
        self._way: Way
        if self.accelerated:
            # Not before it is asked for: Numba takes half a second to load, and need not be there.
            self._way = import_module("appserver.core.placement.walking").Walking(self.table, self._masks, self._marks)
        else:
            self._way = Scanning(self.table, self._masks, self._marks, self._scan)

    def prepare(self) -> None:
        """Has Numba's code made now, where it is used: the first decision would have to wait for it, some seconds."""
        nothing = self.read([Request("", Claim())])
        self.give(nothing, self.place(nothing))

    def read(self, requests: Sequence[Request]) -> Batch:
        """
        Raises:
            Invalid: an expression, a type, or a range of ports that nobody can evaluate.
        """
        return self._reader(requests)

    def place(self, batch: Batch) -> Shorts:
        """In order, each on what those before have left; row of the node, or -1 where none fits."""
        found = np.full(len(batch), -1, dtype=np.int32)
        first = 0
        for special in (*batch.special, len(batch)):
            if special > first:
                self._way.place(batch, self._marks.rows_of(batch.bears), first, special, found)
                self._marks.remember(batch.bears[first:special], found[first:special], 1)
            if special < len(batch):
                found[special] = self._special(batch, special)
                self._move(batch, special, special + 1, found, 1)
            first = special + 1
        return found

    def take(self, batch: Batch, rows: Shorts) -> None:
        """What was decided elsewhere: whether it fits is not asked."""
        self._move(batch, 0, len(batch), rows, 1)

    def give(self, batch: Batch, rows: Shorts) -> None:
        """The opposite of `place`: these have left their nodes."""
        self._move(batch, 0, len(batch), rows, -1)

    def fill(self, batch: Batch, count: int) -> dict[str, int]:
        """`count` containers, each as the one that `batch` is of: how many each node gets, which may be fewer in all.

        The same nodes as that many calls of `place` would choose.
        """
        admitted = self._scan.fits(batch.asked[0].tolist(), barring(batch, 0, self._masks, self._marks))
        if batch.special:
            return self._one_by_one(batch, count)
        each = 1 if set(batch.forbids[0]) & set(self._marks.rows_of(batch.bears)[0]) - {-1} else count
        table = self.table
        found = filling.fill(table, batch.asked[0], batch.offsets[0], admitted, each, count)
        table.free -= batch.asked[0][:, None] * found
        table.key += batch.offsets[0][table.shape] * found
        rows = found.nonzero()[0]
        for row in self._marks.rows_of(batch.bears)[0]:
            if row >= 0:
                self._marks.rows[row] += found.astype(np.int32)
        if batch.bears.shape[1]:
            nodes = np.repeat(rows, found[rows]).astype(np.int32)
            self._marks.remember(np.broadcast_to(batch.bears[0], (len(nodes), batch.bears.shape[1])), nodes, 1)
        self._way.forget()
        return {table.nodes[row].name: int(found[row]) for row in rows}

    def admits(self, wanted: Request) -> tuple[Ints, Truths]:
        """What it asks of each resource; and by node, whether anything but room is against it."""
        batch = self.read([wanted])
        against = barring(batch, 0, self._masks, self._marks)
        return batch.asked[0], self._scan.fits([0] * len(batch.asked[0]), against) & self._wishes.demands(wanted)

    def names(self, rows: Shorts) -> list[str | None]:
        nodes = self.table.nodes
        return [nodes[row].name if row >= 0 else None for row in rows.tolist()]

    def _special(self, batch: Batch, number: int) -> int:
        asked = batch.asked[number].tolist()
        against = barring(batch, number, self._masks, self._marks)
        return self._wishes.best(batch.requests[number], asked, batch.offsets[number], against)

    def _move(self, batch: Batch, first: int, end: int, rows: Shorts, times: int) -> None:
        self._way.move(batch, self._marks.rows_of(batch.bears), first, end, rows, times)
        self._marks.remember(batch.bears[first:end], rows[first:end], times)

    def _one_by_one(self, batch: Batch, count: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for _ in range(count):
            name = self.names(self.place(batch))[0]
            if name is None:
                break
            found[name] = found.get(name, 0) + 1
        return found


def can_accelerate() -> bool:
    return util.find_spec("numba") is not None
