"""What an index does for the few requests that want more than room: soft expressions, neighbours, even domains, chance.

One such request is decided in a few operations over whole arrays, by the same rules as `place.place`.
"""

from __future__ import annotations

import numpy as np

from appserver.core.placement import rank
from appserver.core.placement.expressions import Expression, parse
from appserver.core.placement.marks import Marks
from appserver.core.placement.masks import Masks, Truths
from appserver.core.placement.request import Request
from appserver.core.placement.scanning import Scan, barred
from appserver.core.placement.table import Ints, Table

_WORD = 2**64 - 1


class Wishes:
    """`best` is that of the table as it is now."""

    def __init__(self, table: Table, masks: Masks, marks: Marks, scan: Scan, seed: int) -> None:
        self._table, self._masks, self._marks, self._scan, self._seed = table, masks, marks, scan, seed
        self._words: Ints | None = None

    def best(self, wanted: Request, asked: list[int], offsets: Ints, against: list[Ints]) -> int:
        """Row of the node, or -1. Arguments as `Scan.best`, which sees to all that is not a wish."""
        admitted = self.demands(wanted)
        fits = self._scan.fits(asked, [*against, barred(admitted)])
        if not fits.any():
            return -1
        for tier in self._tiers(wanted):
            fits &= tier == tier[fits].min()
        if self._table.strategy == "random":
            chances = np.where(fits, self._chances(wanted), np.iinfo(np.int64).max)
            return int(chances.argmin())
        return self._scan.best([0] * len(asked), offsets, [barred(fits)])

    def demands(self, wanted: Request) -> Truths:
        """Hard affinities, and containers it depends on."""
        admitted = np.ones(len(self._table.nodes), dtype=np.bool_)
        for name in wanted.beside:
            admitted &= self._marks.there(("container", name)) > 0
        for text in wanted.affinities:
            one = parse(text, "affinity")
            if not one.soft:
                admitted &= self._near(one)
        return admitted

    def _tiers(self, wanted: Request) -> list[Ints]:
        """Numbers by node, the least is best; the first counts most."""
        tiers = [self._unmet(wanted)]
        if wanted.stays_on:
            tiers.insert(0, self._is_not(wanted.stays_on))
        if wanted.spread_by:
            codes, count = self._masks.values(wanted.spread_by)
            row = self._marks.there(("group", wanted.group))
            alike = np.bincount(codes, weights=row, minlength=count).astype(np.int64)
            tiers.append(alike[codes])
        if wanted.prefer_image:
            held = self._masks.of_truth(("image", wanted.image), lambda node: wanted.image in node.images, True)
            tiers.append((~held).astype(np.int64))
        return tiers

    def _unmet(self, wanted: Request) -> Ints:
        unmet = np.zeros(len(self._table.nodes), dtype=np.int64)
        for text in wanted.constraints:
            one = parse(text)
            if one.soft:
                unmet += ~self._labelled(one)
        for text in wanted.affinities:
            one = parse(text, "affinity")
            if one.soft:
                unmet += ~self._near(one)
        return unmet

    def _labelled(self, one: Expression) -> Truths:
        key, named = one.key, one.key == "node"
        if named:
            return self._masks.of_truth(
                ("constraint", one.text),
                lambda node: one.holds((node.name, node.id) if node.id else (node.name,)),
                True,
            )
        return self._masks.of_truth(
            ("constraint", one.text), lambda node: one.holds((node.labels.get(key, ""),)), False
        )

    def _near(self, one: Expression) -> Truths:
        if one.key == "image":
            return self._masks.of_truth(("affinity", one.text), lambda node: one.holds(node.images), True)
        kind = ("container",) if one.key == "container" else ("label", one.key)
        there = np.zeros(len(self._table.nodes), dtype=np.bool_)
        for mark in self._marks.known(kind[0]):
            if mark[:-1] == kind and one.matches(mark[-1]):
                there |= self._marks.there(mark) > 0
        return there if one.equal else ~there

    def _is_not(self, name: str) -> Ints:
        others = np.ones(len(self._table.nodes), dtype=np.int64)
        if name in self._table.rows:
            others[self._table.rows[name]] = 0
        return others

    def _chances(self, wanted: Request) -> Ints:
        """As `rank.scattered`, for all nodes at once."""
        if self._words is None:
            self._words = np.array([rank.word(node.name) for node in self._table.nodes], dtype=np.uint64).view(np.int64)
        fixed = rank.word(wanted.holder, wanted.name) ^ (self._seed * 0x9E3779B97F4A7C15 & _WORD)
        mixed = self._words.view(np.uint64) ^ np.uint64(fixed)
        mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        mixed = (mixed ^ mixed >> np.uint64(31)) >> np.uint64(26)
        places = self._table.key & (rank.MOST_NODES - 1)
        chances: Ints = mixed.view(np.int64) << rank.ORDER_BITS | places
        return chances
