"""An update as its chart: a row for each server, a bar for each try, a line where a step began on all. Pure.

Places along the time are shares of the whole in percent, so the plot takes whatever width there is while its letters
keep theirs; places from the top are pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from appserver.core.rollout_record import Progress, Run, StepTime
from appserver.core.rollout_views import spoken

ROW = 30
"""Pixels from one server to the next."""
BAR = 20
TONES = 6
_MARKS = 5
_LEAST = 0.4
"""Percent: what was over at once is to be seen all the same."""
_DIGIT, _EDGE = 1.8, 2.6
"""Percent that a digit of a step's number takes on a phone, and what is around it."""
_PHASES = {"running": "under way", "done": "done", "failed": "failed", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A try. `label` is the number of its step, "" where there is no room for it; `middle` is where that stands."""

    x: float
    width: float
    y: int
    middle: float
    tone: int
    phase: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Barrier:
    """Where all were through with the step before."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class StepChart:
    """What a template needs. `marks` are times since the beginning, from the left."""

    summary: str
    servers: tuple[int, ...]
    bars: tuple[Bar, ...]
    barriers: tuple[Barrier, ...]
    marks: tuple[str, ...]
    height: int


def step_chart(run: Run, progress: Mapping[int, Progress], now: datetime) -> StepChart:
    """
    Args:
        now: the end of what has none.
    """
    ended = run.ended_at or now
    scale = _Scale(run.began_at, max((ended - run.began_at).total_seconds(), 1.0))
    tries = [(row, one) for row, lrn in enumerate(run.servers) for one in progress.get(lrn, _NOTHING).steps]
    return StepChart(
        _summary(run, progress, scale.whole_s),
        run.servers,
        tuple(_bar(row, one, run.servers[row], scale, ended) for row, one in tries),
        tuple(_barriers(run, [one for _, one in tries], scale)),
        tuple(spoken(scale.whole_s * i / (_MARKS - 1)) for i in range(_MARKS)),
        ROW * len(run.servers),
    )


def tone(step: int) -> int:
    """The number of a step's colour."""
    return (step - 1) % TONES + 1


def took(one: StepTime, now: datetime) -> str:
    return spoken(max(0.0, ((one.ended_at or now) - one.began_at).total_seconds()))


_NOTHING = Progress(0)


@dataclass(frozen=True, slots=True)
class _Scale:
    began: datetime
    whole_s: float

    def place(self, at: datetime) -> float:
        share = (at - self.began).total_seconds() / self.whole_s
        return round(min(max(share, 0.0), 1.0) * 100, 2)


def _bar(row: int, one: StepTime, lrn: int, scale: _Scale, ended: datetime) -> Bar:
    x = min(scale.place(one.began_at), 100 - _LEAST)
    width = round(max(scale.place(one.ended_at or ended) - x, _LEAST), 2)
    label = str(one.step) if width >= _EDGE + _DIGIT * len(str(one.step)) else ""
    told = f"Server {lrn}, step {one.step}, {one.name}, try {one.attempt}: {_PHASES[one.phase]}, {took(one, ended)}"
    text = told + (f": {one.why}" if one.why else "")
    middle = round(x + width / 2, 2)
    return Bar(x, width, row * ROW + (ROW - BAR) // 2, middle, tone(one.step), one.phase, label, text)


def _barriers(run: Run, tries: Sequence[StepTime], scale: _Scale) -> Iterator[Barrier]:
    """For each step that was begun, when the last server was through with those before it."""
    begun = max((one.step for one in tries), default=0)
    for step in range(run.first + 1, begun + 1):
        before = [one.ended_at for one in tries if one.step < step and one.ended_at]
        if before:
            yield Barrier(scale.place(max(before)), f"Step {step}, {run.steps[step - 1].name}, could begin on all")


def _summary(run: Run, progress: Mapping[int, Progress], whole_s: float) -> str:
    """What the chart shows, for those who do not see it; each try is in the table as well."""
    parts = []
    for lrn in run.servers:
        steps = progress.get(lrn, _NOTHING).steps
        last = steps[-1] if steps else None
        failed = sum(one.phase == "failed" for one in steps)
        told = f"at step {last.step} of {len(run.steps)}, {_PHASES[last.phase]}" if last else "at no step yet"
        tries = f", {failed} failed tries" if failed > 1 else ", one failed try" if failed else ""
        parts.append(f"server {lrn} {told}{tries}")
    return f"Update {run.number}, {spoken(whole_s)}: {'; '.join(parts)}"
