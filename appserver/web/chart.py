"""Curves to what a page draws: the outlines of an SVG, and words beside it. Pure, and without scripts or styles.

The plot is stretched to whatever width there is; everything with letters in it is HTML around it, so that it can be
read on a phone, and by those who do not see the curves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from appserver.core.metrics_words import amount

WIDTH, HEIGHT = 1_000, 100
"""Of the plot, in its own units."""
_TIPS = 48
_MARKS = 5
_DAY_S = 86_400

Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Curve:
    """One number over time. `peaks`: the greatest within each step."""

    name: str
    means: Numbers
    peaks: Numbers


@dataclass(frozen=True, slots=True)
class Told:
    """A curve in the legend. `tone` is the number of its colour."""

    name: str
    tone: int
    now: str
    mean: str
    peak: str
    line: str
    band: str
    """Outline of what is between average and peak; "" where several curves would cover each other."""


@dataclass(frozen=True, slots=True)
class Tip:
    """A stretch of the plot, and what it says when it is pointed at."""

    x: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template needs. `rows` and `marks` are labels: of heights from the top, and of times from the left."""

    title: str
    summary: str
    curves: tuple[Told, ...]
    rows: tuple[str, ...]
    marks: tuple[str, ...]
    tips: tuple[Tip, ...]
    is_known: bool


def chart(title: str, unit: str, times: range, curves: Sequence[Curve], whole: float = 0.0) -> Chart:
    """
    Args:
        times: beginnings of the steps, in Unix time.
        whole: what there is of it: the plot reaches up to there, or further where the curves do.
    """
    highest = max((n for curve in curves for n in (*curve.means, *curve.peaks) if n is not None), default=0.0)
    top = max(whole, highest) if whole else ceiling(highest, unit)
    told = tuple(_told(curve, tone, unit, top, len(curves) == 1) for tone, curve in enumerate(curves, 1))
    return Chart(
        title,
        f"{title}: " + "; ".join(f"{one.name} {one.now or 'unknown'}, at most {one.peak or 'unknown'}" for one in told),
        told,
        tuple(amount(top * share, unit) for share in (1, 0.5, 0)),
        tuple(moment(times.start + (times.stop - times.start) * i / (_MARKS - 1), times) for i in range(_MARKS)),
        tuple(_tips(times, curves, unit)),
        any(one.line for one in told),
    )


_LEAST = 1e-12
"""Below it nothing is to be seen, and powers of ten lose their digits."""


def ceiling(highest: float, unit: str) -> float:
    """The least round number above: of 1, 2 and 5 times a power of ten, or of two where bytes are counted."""
    if highest < _LEAST:
        return 1.0
    if unit in ("bytes", "bytes/s"):
        return 2.0 ** math.ceil(math.log2(highest))
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest * (1 - 1e-9))


def moment(at: float, times: range) -> str:
    """As finely as the range asks for; UTC."""
    found, span = datetime.fromtimestamp(at, UTC), times.stop - times.start
    if span <= _DAY_S:
        return f"{found:%H:%M}"
    return f"{found:%-d %b, %H:%M}" if span <= 3 * _DAY_S else f"{found:%-d %b}"


def _told(curve: Curve, tone: int, unit: str, top: float, alone: bool) -> Told:
    known = [number for number in curve.means if number is not None]
    peaks = [number for number in curve.peaks if number is not None]
    return Told(
        curve.name,
        tone,
        amount(known[-1], unit) if known else "",
        amount(sum(known) / len(known), unit) if known else "",
        amount(max(peaks), unit) if peaks else "",
        "".join(_lines(curve.means, top)),
        "".join(_bands(curve, top)) if alone else "",
    )


def _lines(numbers: Numbers, top: float) -> Iterator[str]:
    """From point to point, in the middle of each step; a new beginning after what is not known."""
    for begin, end in _stretches(numbers):
        points = [_point(i, numbers[i], len(numbers), top) for i in range(begin, end)]
        if len(points) == 1:  # nothing to draw it to: a short dash
            half = WIDTH / len(numbers) / 2
            x, y = points[0]
            points = [(max(0.0, x - half), y), (min(float(WIDTH), x + half), y)]
        yield "M" + "L".join(f"{x:.4g} {y:.4g}" for x, y in points)


def _bands(curve: Curve, top: float) -> Iterator[str]:
    for begin, end in _stretches(curve.means):
        over = [_point(i, curve.peaks[i], len(curve.peaks), top) for i in range(begin, end)]
        under = [_point(i, curve.means[i], len(curve.means), top) for i in reversed(range(begin, end))]
        if len(over) > 1:
            yield "M" + "L".join(f"{x:.4g} {y:.4g}" for x, y in (*over, *under)) + "Z"


def _point(i: int, number: float | None, many: int, top: float) -> tuple[float, float]:
    return (i + 0.5) / many * WIDTH, HEIGHT - HEIGHT * min(max((number or 0.0) / top, 0.0), 1.0)


def _stretches(numbers: Numbers) -> Iterator[tuple[int, int]]:
    """Beginning and end of each run of what is known."""
    begin = None
    for i, number in enumerate((*numbers, None)):
        if number is None and begin is not None:
            yield begin, i
            begin = None
        elif number is not None and begin is None:
            begin = i


def _tips(times: range, curves: Sequence[Curve], unit: str) -> Iterator[Tip]:
    """Stretches of equal width; each says the averages and the greatest within it."""
    many = min(_TIPS, len(times))
    for tip in range(many):
        begin, end = len(times) * tip // many, len(times) * (tip + 1) // many
        lines = []
        for curve in curves:
            means = [n for n in curve.means[begin:end] if n is not None]
            peaks = [n for n in curve.peaks[begin:end] if n is not None]
            if means and peaks:
                at_most = f", at most {amount(max(peaks), unit)}"
                lines.append(f"{curve.name}: {amount(sum(means) / len(means), unit)}{at_most}")
        if lines:
            head = f"{datetime.fromtimestamp(times[begin], UTC):%-d %b %Y, %H:%M:%S} UTC"
            yield Tip(
                round(begin / len(times) * WIDTH, 2),
                round((end - begin) / len(times) * WIDTH, 2),
                "\n".join((head, *lines)),
            )
