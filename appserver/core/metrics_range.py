"""Which time is asked about, and how finely: the words of a request to a range of whole steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from appserver.core import durations
from appserver.core.metrics_fold import Level
from appserver.errors import Invalid

MOST_POINTS = 2_000
"""Of one answer, for each of its numbers."""
_POINTS = 240
_LONGEST_S = 2 * 366 * 86_400
_STEPS = (10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """From `start` until before `end`, in seconds of Unix time and whole steps."""

    start: int
    end: int
    step_s: int

    @property
    def times(self) -> range:
        return range(self.start, self.end, self.step_s)


def asked(now: datetime, start: str = "", end: str = "", step: str = "") -> Asked:
    """
    Args:
        start: `from`: ISO 8601, Unix time, or before now: `-90m`. Empty: an hour before the end.
        end: `to`, in the same words. Empty: now, which is also the latest.
        step: `30s`, `5m` or seconds. Empty: what gives at most 240 points.
    Raises:
        Invalid: one of them is none of that, nothing lies between, or there would be too many points.
    """
    second_over = int(now.timestamp()) + 1  # what was measured in this very second is asked for too
    until = min(_moment("to", end, now) if end else second_over, second_over)
    since = _moment("from", start, now) if start else until - 3_600
    if not since < until:
        raise Invalid("from", "is to be before `to`, and in the past")
    if until - since > _LONGEST_S:
        raise Invalid("from", "reaches back for more than two years")
    step_s = _seconds("step", step) if step else fitting(until - since)
    return within(Asked(int(since), int(until), step_s))


def within(found: Asked) -> Asked:
    """The same on whole steps.

    Raises:
        Invalid: of too many points.
    """
    step = found.step_s
    whole = Asked(found.start - found.start % step, found.end + -found.end % step, step)
    if len(whole.times) > MOST_POINTS:
        least = -(-(found.end - found.start) // (MOST_POINTS - 2))
        raise Invalid("step", f"is too short for this range: at most {MOST_POINTS} points, so at least {least} s")
    return whole


def fitting(span_s: float) -> int:
    """The shortest step with which a span is seen at a glance."""
    return next((step for step in _STEPS if span_s / step <= _POINTS), _STEPS[-1])


def levels_for(
    found: Asked, levels: Sequence[Level], spans: Mapping[str, tuple[int, int]]
) -> tuple[Asked, tuple[Level, ...]]:
    """What can be answered, and by which levels, coarsest first: each is asked for what comes after the one before.

    Where no level that is fine enough reaches back to the start, and a coarser one reaches further, the step is raised
    to that one's.

    Args:
        levels: finest first.
        spans: level to the Unix times of its oldest and newest sample; levels without samples are not in it.
    """
    oldest = {name: span[0] for name, span in spans.items()}
    fine = [level for level in levels if level.step_s <= found.step_s] or [levels[0]]
    reach = min((oldest[level.name] for level in fine if level.name in oldest), default=None)
    further = [
        level
        for level in levels
        if level not in fine and level.name in oldest and (reach is None or oldest[level.name] + level.step_s < reach)
    ]
    if further and (reach is None or reach > found.start + found.step_s):
        fine.append(further[0])
    step = max(found.step_s, fine[-1].step_s)
    return within(Asked(found.start, found.end, step)), tuple(reversed(fine))


def _moment(where: str, text: str, now: datetime) -> float:
    if text.startswith("-"):
        return now.timestamp() + durations.parse(text, where) / _SECOND
    try:
        if text.isascii() and text.isdecimal() and len(text) <= 12:
            return float(text)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Invalid(where, "is no time: 2026-11-21T07:00:00Z, seconds of Unix time, or -90m") from error


def _seconds(where: str, text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else 0
    found = number or durations.parse(text, where) // _SECOND
    if not 10 <= found <= _LONGEST_S:
        raise Invalid(where, "is at least 10s, the time between two samples")
    return found
