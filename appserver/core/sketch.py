"""How a number is spread, in few words: how often it was about so much. Pure.

Buckets grow by the same factor, so that a quantile is right within `ERROR` whatever its size (the idea of DDSketch).
Counts are whole numbers: merging is adding, and neither order nor grouping changes what comes out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ERROR = 0.05
"""Of a quantile, relative to the number that it stands for. What is below the least is told as the least."""
MOST = 280
"""Buckets: a range of 1 to 10^12."""
_GROWTH = (1 + ERROR) / (1 - ERROR)
_LOG = math.log(_GROWTH)


@dataclass(frozen=True, slots=True)
class Sketch:
    """`counts`: number of a bucket and how often, by number. `highest` is of no bucket: it is the highest as told."""

    counts: tuple[tuple[int, int], ...] = ()
    highest: float = 0.0

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts)


def added(sketch: Sketch, number: float, least: float, highest: float) -> Sketch:
    """With one number more.

    Args:
        least: what is below that is not told apart.
        highest: that it rose to meanwhile, at least itself.
    """
    return merged(sketch, Sketch(((_bucket(number, least), 1),), max(number, highest)))


def merged(one: Sketch, other: Sketch) -> Sketch:
    counts = dict(one.counts)
    for bucket, count in other.counts:
        counts[bucket] = counts.get(bucket, 0) + count
    return Sketch(tuple(sorted(counts.items())), max(one.highest, other.highest))


def quantile(sketch: Sketch, share: float, least: float) -> float:
    """What so much of the numbers is at most; 0 of none.

    Args:
        share: 0 to 1.
        least: as they were added.
    """
    rank = max(1, math.ceil(share * sketch.total))
    for bucket, count in sketch.counts:
        rank -= count
        if rank <= 0:
            return min(least * 2 * _GROWTH**bucket / (_GROWTH + 1) if bucket else least, sketch.highest)
    return 0.0


def _bucket(number: float, least: float) -> int:
    """0 for what is no more than the least; else the bucket i is above least * growth^(i-1), up to least * growth^i."""
    return min(MOST - 1, max(0, math.ceil(math.log(number / least) / _LOG))) if number > least else 0
