"""What is measured of this node and its containers: taken every ten seconds, kept in files, told on request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from threading import Event

from appserver.core.containers import ContainerProcess, EngineEvent
from appserver.core.in_use import Trend, follow
from appserver.core.metrics import FIELDS, Reading, Sample, Subject, sampled
from appserver.core.metrics_fold import Fold, Level, Line, lines
from appserver.core.metrics_range import asked, levels_for
from appserver.errors import BackendError, EngineError, Invalid
from appserver.ports import Engine, Host, MetricHistory

log = logging.getLogger(__name__)

_LIST_AGAIN_S = 60.0
_EVER = 1 << 40
"""A time that nobody measures at."""
_CHANGES = frozenset({"connected", "start", "die", "destroy", "rename"})


@dataclass(frozen=True, slots=True)
class Metering:
    """What the agent is given for it. `levels` are those of the history, finest first."""

    host: Host
    history: MetricHistory
    levels: Sequence[Level]
    every_s: float


class Meter:
    """`run` in one thread measures and writes; `note` and `range` may be called from any."""

    def __init__(
        self,
        given: Metering,
        engine: Engine,
        owner: Callable[[str], str],
        learn: Callable[[Sample, Collection[ContainerProcess]], None] = lambda *_: None,
    ) -> None:
        """
        Args:
            owner: a compose project's name to the application (`<cluster>.<app>`) that it is, or "".
            learn: is given each stretch of the second level, a minute, as it ends.
        """
        self._learn = learn
        self._given = given
        self._engine = engine
        self._owner = owner
        self._folds = {level.name: Fold(level.step_s) for level in given.levels[1:]}
        self._known: dict[str, ContainerProcess] = {}
        self._listed_at = float("-inf")
        self._forget: set[str] = set()
        self._before: Reading | None = None
        self._failed = ""
        self.latest: Sample | None = None
        """None until it has measured twice."""
        self.trend: Trend | None = None
        """Of the node, over some minutes."""

    def note(self, event: EngineEvent) -> None:
        """What happened to a container: its process may be another one now."""
        if event.action in _CHANGES:
            self._forget.add(event.container_id)

    def run(self, stop: Event) -> None:
        """Until told to stop."""
        self._take_up()
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            self.measure()
            due = max(due + self._given.every_s, time.monotonic())

    def measure(self) -> None:
        """Once: what was between the last time and now."""
        processes = self._processes()
        reading = self._given.host.read(processes)
        if self._before is not None and reading.steady > self._before.steady:
            self.latest = sampled(self._before, reading)
            self.trend = follow(self.trend, self.latest)
            self._keep(self.latest)
        self._before = reading
        seen = {subject.name for subject in reading.values if subject.kind == "container"}
        self._forget |= {one.id for one in processes if one.name not in seen}

    def range(self, query: Mapping[str, str], now: datetime) -> Mapping[str, object]:
        """What `/metrics-range` answers.

        Args:
            query: `from`, `to`, `step` as `core.metrics_range.asked` takes them; `kind`, some of those that are
                measured, parted by commas; `application`, `<cluster>.<app>`. Each may be left out.
        Raises:
            Invalid: one of them cannot be understood.
        """
        wanted = _wanted(query.get("kind", ""), query.get("application", ""))
        times = asked(now, query.get("from", ""), query.get("to", ""), query.get("step", ""))
        times, levels = levels_for(times, self._given.levels, self._given.history.spans())
        found = lines(self._samples(levels, times.start, times.end, wanted), times.times)
        return {
            "from": times.start,
            "to": times.end,
            "step": times.step_s,
            "lines": [_told(one) for one in found],
        }

    def _samples(
        self, levels: Sequence[Level], start: int, end: int, wanted: Callable[[Subject], bool]
    ) -> Iterator[Sample]:
        """Coarse ones as far as they go, then the finer ones that came after."""
        for level in levels:
            for sample in self._given.history.read(level.name, start, end, wanted):
                yield sample
                start = max(start, sample.at + level.step_s)

    def _processes(self) -> tuple[ContainerProcess, ...]:
        """Those of the engine's list; it is asked when something happened, and once in a while."""
        now = time.monotonic()
        changed, self._forget = self._forget, set()
        if changed or now - self._listed_at >= _LIST_AGAIN_S:
            known = {id_: one for id_, one in self._known.items() if id_ not in changed}
            try:
                found = self._engine.processes(known)
            except EngineError as error:
                log.info("event=containers_not_listed reason=%s", error)
            else:
                self._listed_at = now
                self._known = {one.id: self._owned(one) for one in found}
        return tuple(self._known.values())

    def _owned(self, one: ContainerProcess) -> ContainerProcess:
        return one if one.application else replace(one, application=self._owner(one.project))

    def _keep(self, sample: Sample) -> None:
        """Write it, and the stretches of the coarser levels that it ended."""
        try:
            self._write(0, sample)
        except BackendError as error:
            if str(error) != self._failed:
                log.warning("event=metrics_not_kept reason=%s", error)
            self._failed = str(error)
        else:
            self._failed = ""

    def _write(self, depth: int, sample: Sample) -> None:
        levels = self._given.levels
        over = self._folds[levels[depth + 1].name].take(sample) if depth + 1 < len(levels) else None
        if over is not None and depth == 0:
            self._learn(over, self._known.values())
        self._given.history.append(levels[depth].name, sample)
        if over is not None:
            self._write(depth + 1, over)

    def _take_up(self) -> None:
        """What an agent before this one measured and had not come to sum up."""
        history, levels = self._given.history, self._given.levels
        self._folds = {level.name: Fold(level.step_s) for level in levels[1:]}
        for depth, (fine, coarse) in enumerate(pairwise(levels)):
            spans = history.spans()
            begin = spans[coarse.name][1] + coarse.step_s if coarse.name in spans else 0
            for sample in tuple(history.read(fine.name, begin, _EVER, lambda _: True)):
                over = self._folds[coarse.name].take(sample)
                if over is not None:
                    self._catch_up(depth + 1, over)

    def _catch_up(self, depth: int, sample: Sample) -> None:
        try:
            self._given.history.append(self._given.levels[depth].name, sample)
        except BackendError as error:
            log.warning("event=metrics_not_kept reason=%s", error)


def _wanted(kinds: str, application: str) -> Callable[[Subject], bool]:
    """
    Raises:
        Invalid: one of the kinds is none.
    """
    named = frozenset(kinds.split(",")) if kinds else frozenset(FIELDS)
    if unknown := sorted(named - FIELDS.keys()):
        raise Invalid("kind", f"{unknown[0][:40]!r} is none of {', '.join(FIELDS)}")
    return lambda subject: subject.kind in named and application in ("", subject.application)


def _told(line: Line) -> Mapping[str, object]:
    subject = line.subject
    return {
        "kind": subject.kind,
        "name": subject.name,
        "application": subject.application,
        "service": subject.service,
        "field": line.field,
        "unit": line.unit,
        "mean": line.means,
        "peak": line.peaks,
    }
