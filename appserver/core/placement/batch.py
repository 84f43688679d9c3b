"""Requests as arrays, for an index: read once, decided as often as one likes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement import amounts, filters, marks, schedulers
from appserver.core.placement.amounts import SLOTS
from appserver.core.placement.expressions import parse
from appserver.core.placement.filters import OF_NODE, Filter
from appserver.core.placement.marks import Mark, Marks
from appserver.core.placement.masks import Masks
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Claim, Request
from appserver.core.placement.table import Ints, Table

Shorts = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Batch:
    """requests × resources, × shapes, then by request, then × marks, filled up with -1.

    `mask` is a row of masks, or -1 for every node. `forbids` are rows of marks, `bears` numbers of marks. `special` has
    the requests that wish, want to be near to or far from others, or choose by chance: they are decided one by one.
    """

    requests: tuple[Request, ...]
    asked: Ints
    offsets: Ints
    mask: Shorts
    forbids: Shorts
    bears: Shorts
    special: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.requests)


class Reader:
    """Reads requests for one table, its masks and its marks."""

    def __init__(self, table: Table, masks: Masks, held: Marks) -> None:
        self._table, self._masks, self._marks = table, masks, held
        self._column = {name: column for column, name in enumerate(table.resources)}
        self._all_usable = all(not node.against for node in table.nodes)
        self._any_slots = SLOTS in self._column

    def __call__(self, requests: Sequence[Request]) -> Batch:
        """
        Raises:
            Invalid: an expression, a type, or a range of ports that nobody can evaluate.
        """
        asked = np.zeros((len(requests), len(self._column)), dtype=np.int64)
        mask = np.empty(len(requests), dtype=np.int32)
        forbids, bears = [], []
        for number, wanted in enumerate(requests):
            known = self._amounts(wanted, asked[number])
            mask[number] = self._mask(wanted) if known else self._nowhere()
            forbids.append([self._marks.row(mark) for mark in forbidden(wanted)])
            bears.append([self._marks.number(mark) for mark in marks.of_request(wanted)])
        return Batch(
            requests=tuple(requests),
            asked=asked,
            offsets=self._table.offsets(asked),
            mask=mask,
            forbids=_filled(forbids),
            bears=_filled(bears),
            special=tuple(n for n, wanted in enumerate(requests) if is_special(wanted, self._table.strategy)),
        )

    def _amounts(self, wanted: Request, into: Ints) -> bool:
        """False where it asks for a resource that no node has."""
        for name, much in amounts.asked(wanted.claim).items():
            if name in self._column:
                into[self._column[name]] = min(much, 2**50)
            elif much > 0:
                return False
        if self._any_slots:
            into[self._column[SLOTS]] = 1
        return True

    def _mask(self, wanted: Request) -> int:
        of_type = schedulers.scheduler(wanted.type).filters
        if self._all_usable and not (of_type or wanted.constraints or wanted.whitelist):
            return -1
        tests = (*OF_NODE, *(test for test in of_type if test not in _MARKED))
        hard = tuple(text for text in wanted.constraints if not parse(text).soft)
        image = wanted.image if filters.holds_image in tests else ""
        labels = wanted.labels if of_type else ()
        question: Hashable = ("filters", tests, hard, labels, wanted.whitelist, image)
        named = bool(
            wanted.whitelist or image or filters.is_host in tests or any(parse(text).key == "node" for text in hard)
        )
        if not named and self._all_usable and not hard and tests == OF_NODE:
            return -1
        return self._masks.of_filters(wanted, tests, question, named)

    def _nowhere(self) -> int:
        return self._masks.of_filters(Request("", Claim()), (_never,), "nowhere", False)


_MARKED: frozenset[Filter] = frozenset({filters.is_alone, filters.is_new_name})
"""Filters that depend on what runs, and are kept as marks. Any other of a scheduler's is asked of the snapshot."""


def forbidden(wanted: Request) -> list[Mark]:
    """Marks that no node may have that it is put on."""
    found = list(marks.forbidden_by_ports(wanted.claim.ports)) if wanted.claim.ports else []
    tests = schedulers.scheduler(wanted.type).filters
    if filters.is_alone in tests:
        found.append(("running", wanted.image))
    if filters.is_new_name in tests and wanted.name:
        found.append(("name", wanted.name.lstrip("/")))
    return found


def is_special(wanted: Request, strategy: Strategy) -> bool:
    return bool(
        strategy == "random"
        or wanted.stays_on
        or wanted.affinities
        or wanted.beside
        or wanted.spread_by
        or wanted.prefer_image
        or (wanted.constraints and any(parse(text).soft for text in wanted.constraints))
    )


def _never(_: Request, node: object) -> str:
    return "has none of it"


def _filled(rows: Sequence[Sequence[int]]) -> Shorts:
    wide = max(map(len, rows), default=0)
    return np.array([[*row, *[-1] * (wide - len(row))] for row in rows], dtype=np.int32).reshape(len(rows), wide)
