"""Which nodes a request may be on by what does not change with what runs: health, names, labels, images held.

Each question is asked of every node once, and its answer kept as a row of truths: most requests ask what others asked
before them. Nodes that are alike in all of this are asked as one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement.filters import Filter, first_reason
from appserver.core.placement.request import Candidate, Request
from appserver.core.placement.scanning import barred
from appserver.core.placement.table import Ints

Truths = NDArray[np.bool_]
_FEW = 64
"""Where a question admits no more than one node in so many, these are listed, and no others looked at."""


class Masks:
    """`rows` has room for more than are used; `few` and `few_from` list the nodes of rows that admit few."""

    def __init__(self, nodes: Sequence[Candidate]) -> None:
        self._nodes = nodes
        self._numbers: dict[Hashable, int] = {}
        self._barred: list[Ints] = []
        self._codes: dict[str, tuple[NDArray[np.int64], int]] = {}
        self.rows: Truths = np.zeros((4, len(nodes)), dtype=np.bool_)
        self.few: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.few_from: Ints = np.zeros(1, dtype=np.int64)
        kinds: dict[Hashable, int] = {}
        self._kind_of = np.array(
            [kinds.setdefault((tuple(sorted(n.labels.items())), n.words, n.against), len(kinds)) for n in nodes],
            dtype=np.int64,
        )
        self._samples = [nodes[int(row)] for row in np.unique(self._kind_of, return_index=True)[1]]

    def of_filters(self, wanted: Request, filters: Sequence[Filter], question: Hashable, named: bool) -> int:
        """Row of the nodes that no filter has a reason against.

        Args:
            question: the same for all requests that the filters answer alike.
            named: whether they look at more of a node than its labels and its health.
        """
        return self._row(question, lambda node: first_reason(filters, wanted, node) is None, named)

    def of_truth(self, question: Hashable, truth: Callable[[Candidate], bool], named: bool) -> Truths:
        """By node. Arguments as `of_filters`."""
        row = self._row(question, truth, named)
        answer: Truths = self.rows[row]
        return answer

    def barred(self, row: int) -> Ints:
        """A row as `Scan.best` takes it."""
        return self._barred[row]

    def values(self, label: str) -> tuple[NDArray[np.int64], int]:
        """By node a number that stands for the label's value there, and how many there are; unset is a value too."""
        if label not in self._codes:
            numbers: dict[str, int] = {}
            codes = [numbers.setdefault(node.labels.get(label, ""), len(numbers)) for node in self._nodes]
            self._codes[label] = np.array(codes, dtype=np.int64), len(numbers)
        return self._codes[label]

    def _row(self, question: Hashable, truth: Callable[[Candidate], bool], named: bool) -> int:
        found = self._numbers.get(question)
        if found is not None:
            return found
        if named:
            answer = np.array([truth(node) for node in self._nodes], dtype=np.bool_)
        else:
            answer = np.array([truth(node) for node in self._samples], dtype=np.bool_)[self._kind_of]
        return self._add(question, answer)

    def _add(self, question: Hashable, answer: Truths) -> int:
        number = len(self._numbers)
        if number == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[number] = answer
        self._numbers[question] = number
        self._barred.append(barred(answer))
        few = answer.nonzero()[0].astype(np.int32)
        self.few = np.concatenate([self.few, few[: 0 if len(few) * _FEW > len(answer) else None]])
        self.few_from = np.append(self.few_from, len(self.few))
        return number
