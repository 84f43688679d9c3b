"""Literal measurements: a host that works, a container that is restarted in between, one that nobody hears of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.metrics import FIELDS, Kind, Subject
from appserver.core.metrics_fold import Line
from appserver.core.metrics_range import asked
from appserver.errors import NodeError
from appserver.services.metrics import Measured, OfApplication, Range
from tests.web.values import EVIL, NOW

GIB = float(1 << 30)
_SUBJECTS: tuple[tuple[Subject, dict[str, float]], ...] = (
    (
        Subject("node"),
        {
            "cpu": 2.4,
            "iowait": 0.3,
            "steal": 0.0,
            "cpus": 8.0,
            "load1": 3.1,
            "load5": 2.6,
            "load15": 2.2,
            "memory": 19 * GIB,
            "memory_total": 31 * GIB,
            "swap": 0.2 * GIB,
            "swap_total": 2 * GIB,
        },
    ),
    (Subject("disk", "/"), {"used": 61 * GIB, "size": 100 * GIB, "inodes_used": 4e5, "inodes": 6e6}),
    (Subject("disk", "/var/lib/docker"), {"used": 430 * GIB, "size": 500 * GIB, "inodes_used": 9e5, "inodes": 0}),
    (Subject("device", "nvme0n1"), {"read": 2e5, "written": 9e6, "reads": 20, "writes": 400, "busy": 0.08}),
    (Subject("network", "enp3s0"), {"received": 4e5, "sent": 2.2e6, "faults": 0}),
    *(
        (
            Subject("container", name, application, service),
            {"cpu": cpu, "memory": memory * GIB, "memory_limit": limit * GIB, "received": 3e4, "sent": 8e4, "pids": 12},
        )
        for name, application, service, cpu, memory, limit in (
            ("shop-web-1", "default.shop", "web", 0.8, 0.4, 0.5),
            ("shop-web-2", "default.shop", "web", 0.7, 0.38, 0.5),
            ("shop-db-1", "default.shop", "db", 0.3, 2.1, 0),
            ("blog-app-1", "default.blog", "app", 0.05, 0.2, 0),
            (f"backup {EVIL}", "", "", 0.01, 0.02, 0),
        )
    ),
)


_STILL = frozenset({"cpus", "memory_total", "swap_total", "size", "inodes", "memory_limit", "used", "inodes_used"})


class Measuring:
    """As `services.metrics.Measurements`; of all nodes, harbour-1 answers."""

    def node(self, _: Caller, name: str, wanted: Range, kinds: tuple[str, ...] = ()) -> Measured:
        if name != "harbour-1":
            raise NodeError(f"node {name}: its agent is away")
        return _measured(wanted, tuple(one for one, _ in _SUBJECTS if not kinds or one.kind in kinds))

    def application(self, _: Caller, key: AppKey, wanted: Range) -> OfApplication:
        if key.name == "mail":
            raise NodeError(f"node harbour-2: its agent at {EVIL} does not answer")
        found = _measured(wanted, tuple(one for one, _ in _SUBJECTS if one.application == str(key)))
        return OfApplication((found,), {"quay-7": "node quay-7: its agent is away"} if key.name == "blog" else {})


def _measured(wanted: Range, subjects: tuple[Subject, ...]) -> Measured:
    times = asked(NOW, wanted.start, wanted.end, wanted.step)
    lines = tuple(line for subject in subjects for line in _lines(subject, len(times.times)))
    begin = NOW - timedelta(seconds=NOW.timestamp() - times.start)
    return Measured("harbour-1", begin, begin + timedelta(seconds=times.end - times.start), times.step_s, lines)


def _lines(subject: Subject, many: int) -> Iterator[Line]:
    levels = dict(_SUBJECTS)[subject]
    kind: Kind = subject.kind
    for field in FIELDS[kind]:
        level = levels.get(field.name)
        still = field.name in _STILL
        means = [None if level is None else level if still else _wave(level, i / many, field.unit) for i in range(many)]
        if subject.name == "shop-web-2":
            means[many // 2 : many * 2 // 3] = [None] * (many * 2 // 3 - many // 2)
        peaks = [None if number is None else number * (1 if still else 1.25) for number in means]
        yield Line(subject, field.name, field.unit, tuple(means), tuple(peaks))


def _wave(level: float, at: float, unit: str) -> float:
    """Levels of stores rise slowly; the rest goes up and down."""
    if unit in ("bytes", "number"):
        return level * (0.97 + 0.03 * at)
    return level * (1 + 0.35 * math.sin(at * 9) + 0.25 * math.sin(at * 57))
