"""Measuring in turns: what is asked of the engine, what is written at which level, what a range is answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appserver.adapters.metrics_history import MetricFiles
from appserver.agent.metrics import Meter, Metering
from appserver.agent.metrics_page import page
from appserver.core.containers import ContainerProcess, EngineEvent
from appserver.core.metrics import FIELDS, Reading, Sample, Subject
from appserver.core.metrics_fold import Level
from appserver.errors import EngineError, Invalid
from appserver.ports import Engine, Host

LEVELS = (Level("10s", 10, 43_200), Level("1m", 60, 604_800), Level("10m", 600, 7_776_000))
BEGIN = 1_763_710_200
"""On a whole ten minutes."""
WEB = ContainerProcess("c1", "shop-web-1", 77, "default.shop", "web", "shop")
STRAY = ContainerProcess("c2", "old-db-1", 78, "", "db", "old")
NODE = Subject("node")


@dataclass
class FakeHost:
    """Its cpu is busy by one core more with every reading; containers are there unless they are `gone`."""

    at: float = BEGIN
    busy: float = 0.0
    step: float = 0.0
    gone: frozenset[str] = frozenset()

    def read(self, containers: Sequence[ContainerProcess]) -> Reading:
        self.at += 10
        self.step += 1
        self.busy += 10 * self.step
        values: dict[Subject, Sequence[float]] = {NODE: [self.busy] + [0.0] * 11}
        for one in containers:
            if one.id not in self.gone:
                values[Subject("container", one.name, one.application, one.service)] = [0.0] * 9
        return Reading(self.at, self.at, values)


@dataclass
class FakeEngine:
    found: tuple[ContainerProcess, ...] = (WEB, STRAY)
    asked: list[set[str]] = field(default_factory=list)
    away: bool = False

    def processes(self, known: Mapping[str, ContainerProcess]) -> tuple[ContainerProcess, ...]:
        self.asked.append(set(known))
        if self.away:
            raise EngineError("away")
        return self.found


@dataclass
class Bench:
    host: FakeHost
    engine: FakeEngine
    history: MetricFiles
    meter: Meter

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.host.at, UTC)

    def range(self, **query: str) -> Any:
        return self.meter.range({name.replace("from_", "from"): text for name, text in query.items()}, self.now())

    def again(self) -> Bench:
        """An agent that was started anew on the same files."""
        return bench_of(self.host, self.engine, self.history)


def bench_of(host: FakeHost, engine: FakeEngine, history: MetricFiles) -> Bench:
    given = Metering(cast(Host, host), history, LEVELS, 10)
    owner = {"old": "default.legacy"}.get
    meter = Meter(given, cast(Engine, engine), lambda project: owner(project, ""))
    return Bench(host, engine, history, meter)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_of(FakeHost(), FakeEngine(), MetricFiles(tmp_path, LEVELS, 1 << 20))


def event(action: str, id_: str) -> EngineEvent:
    return EngineEvent(action, id_, "", "", 0)


def test_the_engine_is_asked_when_something_happened(bench: Bench) -> None:
    """Once at first; then of a container that was started or is gone, which is looked at anew."""
    for _ in range(3):
        bench.meter.measure()
    assert bench.engine.asked == [set()]
    bench.meter.note(event("health_status: healthy", "c1"))
    bench.meter.measure()
    assert len(bench.engine.asked) == 1
    bench.meter.note(event("start", "c1"))
    bench.meter.measure()
    assert bench.engine.asked[1:] == [{"c2"}]


def test_a_container_that_cannot_be_measured_is_looked_at_anew(bench: Bench) -> None:
    """Its process may be another one, without an event that was heard."""
    bench.meter.measure()
    bench.host.gone = frozenset({"c1"})
    bench.meter.measure()
    bench.meter.measure()
    assert bench.engine.asked == [set(), {"c2"}]


def test_without_the_engine_what_was_known_is_measured(bench: Bench) -> None:
    """Containers outlive it."""
    bench.meter.measure()
    bench.engine.away = True
    bench.meter.note(event("die", "c2"))
    bench.meter.measure()
    assert bench.meter.latest
    assert Subject("container", "shop-web-1", "default.shop", "web") in bench.meter.latest.means


def test_an_adopted_container_is_known_by_its_project(bench: Bench) -> None:
    """It bears no label of ours."""
    bench.meter.measure()
    bench.meter.measure()
    found = bench.range(kind="container", application="default.legacy")
    assert {line["name"] for line in found["lines"]} == {"old-db-1"}


def test_levels_are_written_as_their_stretches_end(bench: Bench) -> None:
    """Averages and peaks of a minute, and of ten of those."""
    for _ in range(70):
        bench.meter.measure()
    spans = bench.history.spans()
    assert spans == {
        "10s": (BEGIN + 20, BEGIN + 700),
        "1m": (BEGIN, BEGIN + 600),
        "10m": (BEGIN, BEGIN),
    }
    minute = next(bench.history.read("1m", BEGIN + 60, BEGIN + 120))
    assert (minute.means[NODE][0], minute.peaks[NODE][0]) == (8.5, 11.0)
    ten = next(bench.history.read("10m", BEGIN, BEGIN + 600))
    assert ten.peaks[NODE][0] == 59.0


def test_a_range_goes_on_where_the_coarse_level_ends(bench: Bench) -> None:
    """What was measured a moment ago is in it, and nothing twice."""
    for _ in range(70):
        bench.meter.measure()
    found = bench.range(kind="node", from_="-20m", step="1m")
    assert (found["step"], len(found["lines"])) == (60, len(FIELDS["node"]))
    cpu = found["lines"][0]
    known = [number for number in cpu["mean"] if number is not None]
    assert (known[1], known[-1], cpu["peak"][-1]) == (8.5, 68.0, 70.0)


def test_an_agent_that_is_started_anew_sums_up_what_was_before_it(bench: Bench) -> None:
    """A minute that was half over when it ended is whole in the history."""
    for _ in range(8):
        bench.meter.measure()
    later = bench.again()
    later.meter._take_up()
    for _ in range(5):
        later.meter.measure()
    minute = next(bench.history.read("1m", BEGIN + 60, BEGIN + 120))
    assert minute.peaks[NODE][0] == 11.0
    assert minute.means[NODE][0] < 8.5 + 1


@pytest.mark.parametrize(
    ("query", "where"), [({"kind": "gpu"}, "kind"), ({"from_": "x"}, "from"), ({"step": "1s"}, "step")]
)
def test_what_is_no_range_is_refused(bench: Bench, query: dict[str, str], where: str) -> None:
    """With the word."""
    with pytest.raises(Invalid) as refused:
        bench.range(**query)
    assert refused.value.where == where


def test_prometheus_gets_the_host_without_containers(bench: Bench) -> None:
    """Text that its own parser reads; nothing before anything was measured."""
    assert page(bench.meter.latest) == b""
    bench.meter.measure()
    bench.meter.measure()
    families = {one.name: one for one in text_string_to_metric_families(page(bench.meter.latest).decode())}
    assert families["moorage_host_cpu_cores"].samples[0].value == 2.0
    assert families["moorage_host_memory_bytes"].samples[0].labels == {}
    odd = Sample(1, {Subject("disk", 'a"\\b\nc'): [1.0, math.nan]}, {})
    (family, *_) = (one for one in text_string_to_metric_families(page(odd).decode()) if "disk_used" in one.name)
    assert [(one.labels, one.value) for one in family.samples] == [({"mount": 'a"\\b\nc'}, 1.0)]
    assert not any("shop" in str(sample) for family in families.values() for sample in family.samples)


def test_each_minute_is_told_once_with_the_containers_that_run(bench: Bench, tmp_path: Path) -> None:
    """To whoever learns from it."""
    told: list[tuple[int, set[str]]] = []
    given = Metering(cast(Host, bench.host), MetricFiles(tmp_path / "own", LEVELS, 1 << 20), LEVELS, 10)
    meter = Meter(given, cast(Engine, bench.engine), str, lambda at, some: told.append((at.at, {c.id for c in some})))
    for _ in range(15):
        meter.measure()
    assert told == [(BEGIN, {"c1", "c2"}), (BEGIN + 60, {"c1", "c2"})]
