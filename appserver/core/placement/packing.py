"""Many requests at once onto as few nodes as can be, where it is known beforehand what there is to place.

Node after node is filled with what suits it best. No one rule is best for all mixes, so a few are tried and the one
that needs the fewest nodes is taken. One by one, as requests come, needs some percent more: see `docs/placement.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement.table import Ints

Reals = NDArray[np.float64]
_Rule = Callable[[Reals, Reals, Reals], Reals]


def lower_bound(asked: Ints, size: Ints) -> int:
    """Nodes of one size that no packing can do without: each resource's sum, and items too large to share a node.

    Args:
        asked: items × resources; size: by resource.
    """
    if not len(asked):
        return 0
    sums = [math.ceil(int(total) / int(one)) for total, one in zip(asked.sum(axis=0), size, strict=True) if one]
    large = [int(one) for one in np.count_nonzero(2 * asked > size, axis=0)]
    return max(1, *sums, *large)


def pack(asked: Ints, free: Ints, allowed: Callable[[int], NDArray[np.bool_]] | None = None) -> NDArray[np.int64]:
    """By item the node it goes to, or -1.

    Args:
        asked: items × resources; free: nodes × resources, those that are to be filled first at the front.
        allowed: for a node, the items that it may have by anything but room.
    """
    found = [_filled(asked, free, rule, allowed) for rule in _RULES]
    return min(found, key=lambda one: (int((one < 0).sum()), len(np.unique(one[one >= 0]))))


def _filled(
    asked: Ints, free: Ints, rule: _Rule, allowed: Callable[[int], NDArray[np.bool_]] | None
) -> NDArray[np.int64]:
    found = np.full(len(asked), -1, dtype=np.int64)
    size = np.maximum(free.max(axis=0, initial=1), 1).astype(np.float64)
    shares = asked / size
    open_ = np.arange(len(asked))
    for node in range(len(free)):
        if not len(open_):
            break
        may = open_ if allowed is None else open_[allowed(node)[open_]]
        demand = shares[open_].sum(axis=0)
        one = _Node(asked, shares, may, free[node].copy(), demand / max(float(demand.sum()), 1e-12), size)
        one.fill(rule)
        one.improve()
        found[one.chosen] = node
        open_ = open_[found[open_] < 0]
    return found


class _Node:
    """One node being filled: what it has been given, and what else it may have."""

    def __init__(
        self, asked: Ints, shares: Reals, may: NDArray[np.int64], left: Ints, weight: Reals, size: Reals
    ) -> None:
        self._asked, self._shares, self._weight, self._size = asked, shares, weight, size
        self._may, self._left = may, left
        self._worth: Reals = shares @ weight
        self.chosen: list[int] = []

    def fill(self, rule: _Rule) -> None:
        while len(fitting := self._fitting(self._left)):
            scores = rule(self._shares[fitting], self._left / self._size, self._weight)
            self._give(int(fitting[int(scores.argmax())]))

    def improve(self) -> None:
        """Exchanges one item for another that is worth more, as long as there is one, and fills up again."""
        for _ in range(_MOST_EXCHANGES):
            best, gain = None, 1e-9
            for item in self.chosen:
                fitting = self._fitting(self._left + self._asked[item])
                if len(fitting):
                    other = int(fitting[int(self._worth[fitting].argmax())])
                    if self._worth[other] - self._worth[item] > gain:
                        best, gain = (item, other), float(self._worth[other] - self._worth[item])
            if best is None:
                return
            self.chosen.remove(best[0])
            self._left = self._left + self._asked[best[0]]
            self._give(best[1])
            self._may = np.append(self._may, best[0])
            self.fill(_largest)

    def _give(self, item: int) -> None:
        self.chosen.append(item)
        self._left = self._left - self._asked[item]
        self._may = self._may[self._may != item]

    def _fitting(self, left: Ints) -> NDArray[np.int64]:
        return self._may[(self._asked[self._may] <= left).all(axis=1)]


_MOST_EXCHANGES = 40


def _least_rest(items: Reals, left: Reals, weight: Reals) -> Reals:
    """What leaves the node with the least room that is worth something: L2, weighed by what is scarce."""
    rest: Reals = -(((left - items) ** 2) * weight).sum(axis=1)
    return rest


def _aligned(items: Reals, left: Reals, weight: Reals) -> Reals:
    """What is shaped as the room is, and large."""
    norm = np.linalg.norm(items, axis=1) * max(float(np.linalg.norm(left)), 1e-12)
    aligned: Reals = (items @ left) / np.maximum(norm, 1e-12) + 0.5 * items.sum(axis=1)
    return aligned


def _largest(items: Reals, left: Reals, weight: Reals) -> Reals:
    """First-fit decreasing."""
    total: Reals = (items * weight).sum(axis=1)
    return total


_RULES: Sequence[_Rule] = (_least_rest, _aligned)
