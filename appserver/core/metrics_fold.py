"""Samples to fewer: averages and greatest values of equal stretches of time, for keeping and for showing. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add

from appserver.core.metrics import FIELDS, Sample, Subject


@dataclass(frozen=True, slots=True)
class Level:
    """One way in which history is kept: a sample for every `step_s`, for `keep_s`."""

    name: str
    step_s: int
    keep_s: int


@dataclass(slots=True)
class Part:
    """One subject's stretch of time: what is not known of a field counts neither way."""

    sums: list[float]
    peaks: list[float]
    missing: list[int]
    taken: int = 0

    @classmethod
    def of(cls, subject: Subject) -> Part:
        width = len(FIELDS[subject.kind])
        return cls([0.0] * width, [-math.inf] * width, [0] * width)

    def take(self, means: Sequence[float], peaks: Sequence[float]) -> None:
        """What was written when there were fewer fields has fewer numbers; of more than there are, the rest is left."""
        self.taken += 1
        total = sum(means)
        if len(means) == len(self.sums) and total == total:  # false where one of them is NaN
            self.sums = list(map(add, self.sums, means))
            self.peaks = list(map(max, self.peaks, peaks))
            return
        for i in range(len(self.sums)):
            if i < len(means) and means[i] == means[i]:
                self.sums[i] += means[i]
                self.peaks[i] = max(self.peaks[i], peaks[i])
            else:
                self.missing[i] += 1

    def means(self) -> list[float]:
        counts = (self.taken - missing for missing in self.missing)
        return [total / count if count else math.nan for total, count in zip(self.sums, counts, strict=True)]

    def greatest(self) -> list[float]:
        return [
            peak if self.taken > missing else math.nan for peak, missing in zip(self.peaks, self.missing, strict=True)
        ]


@dataclass(slots=True)
class Fold:
    """Takes samples in the order of time, and gives one for every whole stretch that is over."""

    step_s: int
    begin: int | None = None
    parts: dict[Subject, Part] = field(default_factory=dict)

    def take(self, sample: Sample) -> Sample | None:
        """The stretch that this sample's coming ended, if it did. A sample belongs to where its `at` is."""
        begin = sample.at - sample.at % self.step_s
        over = self.pending() if begin != self.begin else None
        if begin != self.begin:
            self.begin, self.parts = begin, {}
        for subject, means in sample.means.items():
            if subject not in self.parts:
                self.parts[subject] = Part.of(subject)
            self.parts[subject].take(means, sample.peaks[subject])
        return over

    def pending(self) -> Sample | None:
        """What is known of the stretch that is not over."""
        if self.begin is None or not self.parts:
            return None
        return Sample(
            self.begin,
            {subject: part.means() for subject, part in self.parts.items()},
            {subject: part.greatest() for subject, part in self.parts.items()},
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One number of one subject over time; None where nothing is known."""

    subject: Subject
    field: str
    unit: str
    means: tuple[float | None, ...]
    peaks: tuple[float | None, ...]


def lines(samples: Iterable[Sample], times: range) -> tuple[Line, ...]:
    """
    Args:
        samples: any order, finer and coarser ones; those outside of `times` are left out.
        times: beginnings of the stretches, equally long.
    """
    found: dict[Subject, dict[int, Part]] = {}
    for sample in samples:
        index = (sample.at - times.start) // times.step
        if 0 <= index < len(times):
            for subject, means in sample.means.items():
                stretches = found.setdefault(subject, {})
                if index not in stretches:
                    stretches[index] = Part.of(subject)
                stretches[index].take(means, sample.peaks[subject])
    return tuple(line for subject in sorted(found) for line in _of(subject, found[subject], len(times)))


def _of(subject: Subject, stretches: Mapping[int, Part], many: int) -> Iterable[Line]:
    means = {index: part.means() for index, part in stretches.items()}
    peaks = {index: part.greatest() for index, part in stretches.items()}
    for i, one in enumerate(FIELDS[subject.kind]):
        yield Line(subject, one.name, one.unit, _column(means, i, many), _column(peaks, i, many))


def _column(rows: Mapping[int, Sequence[float]], i: int, many: int) -> tuple[float | None, ...]:
    return tuple(_told(rows[index][i]) if index in rows else None for index in range(many))


def _told(number: float) -> float | None:
    """Whole numbers as they are; six digits of others: they mean no more, and answers are half as long."""
    if not math.isfinite(number):
        return None
    return float(number) if number == int(number) else float(f"{number:.6g}")
