"""Timing in turn: A B A B …, so that a machine whose speed drifts is fair to both; medians and ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds of every round, theirs and ours, in the order they were run; `bound` is what the ratio may be."""

    name: str
    theirs: tuple[float, ...]
    ours: tuple[float, ...]
    bound: float

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.theirs)

    def row(self) -> str:
        cells = (
            _shown(self.theirs),
            _shown(self.ours),
            f"{self.ratio:.2f}",
            f"≤ {self.bound:g}",
            _verdict(self.ratio <= self.bound),
        )
        return f"| {self.name} | " + " | ".join(cells) + " |"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured amount beside its bound."""

    name: str
    value: float
    unit: str
    bound: float

    def row(self) -> str:
        within = _verdict(self.value <= self.bound)
        return f"| {self.name} | {self.value:.4g} {self.unit} | ≤ {self.bound:g} {self.unit} | {within} |"


def in_turn(
    name: str,
    theirs: Callable[[int], None],
    ours: Callable[[int], None],
    bound: float,
    before: Callable[[int], None] = lambda n: None,
    after: Callable[[int], None] = lambda n: None,
    rounds: int = ROUNDS,
) -> Compared:
    """Each round: `before`, theirs, ours, `after`; only theirs and ours are timed. The first round is not counted."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        before(number)
        for seconds, run in zip(taken, (theirs, ours), strict=True):
            begun = time.perf_counter()
            run(number)
            seconds.append(time.perf_counter() - begun)
        after(number)
    return Compared(name, tuple(taken[0][1:]), tuple(taken[1][1:]), bound)


def table(rows: Iterable[Compared]) -> str:
    head = "| what | theirs, median s (min–max) | ours, median s (min–max) | ratio | bound | |\n"
    head += "|---|---|---|---|---|---|\n"
    return head + "\n".join(row.row() for row in rows) + "\n"


def figures(rows: Iterable[Figure]) -> str:
    return "| what | measured | bound | |\n|---|---|---|---|\n" + "\n".join(row.row() for row in rows) + "\n"


def _shown(seconds: tuple[float, ...]) -> str:
    return f"{statistics.median(seconds):.3f} ({min(seconds):.3f}–{max(seconds):.3f})"


def _verdict(held: bool) -> str:
    return "held" if held else "**missed**"
