"""Which charts stand on the page of a node and of an application, and which curves in each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from appserver.core.metrics import Subject
from appserver.core.metrics_fold import Line
from appserver.services.metrics import Measured
from appserver.web.chart import Chart, Curve, Numbers, chart

MOST_CURVES = 6
"""Of one chart: of more, those that used the most."""


@dataclass(frozen=True, slots=True)
class Container:
    """A row of the table of containers: averages over the whole range; 0 for no limit, None for not known."""

    name: str
    node: str
    application: str
    service: str
    cpu: float | None
    memory: float | None
    memory_peak: float | None
    memory_limit: float | None
    received: float | None
    sent: float | None
    pids: float | None


def of_node(found: Measured) -> tuple[Chart, ...]:
    """Those of the host first; none of what the host has not."""
    times = range(int(found.start.timestamp()), int(found.end.timestamp()), found.step_s)
    told = _Lines(found.lines)
    node = Subject("node")
    swap = _greatest(told.line(node, "swap_total"))
    charts = [
        chart(
            "CPU, cores",
            "cores",
            times,
            told.curves((node,), ("cpu", "iowait", "steal"), _named("")),
            told.top(node, "cpus"),
        ),
        chart("Load", "number", times, told.curves((node,), ("load1", "load5", "load15"), _named(""))),
        chart("Memory", "bytes", times, told.curves((node,), ("memory",), _named("")), told.top(node, "memory_total")),
        *([chart("Swap", "bytes", times, told.curves((node,), ("swap",), _named("")), swap)] if swap else []),
        chart("Space on disks", "ratio", times, told.shares("disk", "used", "size"), 1.0),
        chart("Inodes on disks", "ratio", times, told.shares("disk", "inodes_used", "inodes"), 1.0),
        chart("Disks, read and written", "bytes/s", times, told.busiest("device", ("read", "written"))),
        chart("Network, received and sent", "bytes/s", times, told.busiest("network", ("received", "sent"))),
        chart("Containers, CPU in cores", "cores", times, told.busiest("container", ("cpu",))),
        chart("Containers, memory", "bytes", times, told.busiest("container", ("memory",))),
    ]
    return tuple(one for one in charts if one.curves)


def of_application(parts: Sequence[Measured]) -> tuple[Chart, ...]:
    """Of the first part's times: parts that could only be told more coarsely are left to the table."""
    if not parts:
        return ()
    first = parts[0]
    times = range(int(first.start.timestamp()), int(first.end.timestamp()), first.step_s)
    alike = [part for part in parts if (part.start, part.end, part.step_s) == (first.start, first.end, first.step_s)]
    told = _Lines([line for part in alike for line in _told_apart(part, len(parts) > 1)])
    charts = (
        chart("CPU, cores", "cores", times, told.busiest("container", ("cpu",))),
        chart("Memory", "bytes", times, told.busiest("container", ("memory",))),
        chart("Network, received and sent", "bytes/s", times, told.busiest("container", ("received", "sent"))),
        chart("Disks, read and written", "bytes/s", times, told.busiest("container", ("read", "written"))),
    )
    return tuple(one for one in charts if one.curves)


def containers(parts: Iterable[Measured]) -> tuple[Container, ...]:
    """By node and name."""
    found = []
    for part in parts:
        told = _Lines(part.lines)
        for subject in told.subjects("container"):

            def mean(field: str, told: _Lines = told, subject: Subject = subject) -> float | None:
                return _mean(told.line(subject, field))

            found.append(
                Container(
                    subject.name,
                    part.node,
                    subject.application,
                    subject.service,
                    mean("cpu"),
                    mean("memory"),
                    _greatest_or_none(told.line(subject, "memory")),
                    mean("memory_limit"),
                    mean("received"),
                    mean("sent"),
                    mean("pids"),
                )
            )
    return tuple(sorted(found, key=lambda one: (one.node, one.name)))


class _Lines:
    """Lines by what they are of."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines: Mapping[tuple[Subject, str], Line] = {(line.subject, line.field): line for line in lines}

    def line(self, subject: Subject, field: str) -> Line | None:
        return self._lines.get((subject, field))

    def subjects(self, kind: str) -> tuple[Subject, ...]:
        return tuple(sorted({subject for subject, _ in self._lines if subject.kind == kind}))

    def top(self, subject: Subject, field: str) -> float:
        return _greatest(self.line(subject, field))

    def curves(
        self, subjects: Sequence[Subject], fields: Sequence[str], named: Callable[[Subject, str], str]
    ) -> tuple[Curve, ...]:
        found = []
        for subject in subjects:
            for field in fields:
                line = self.line(subject, field)
                if line and (any(line.peaks) or field == fields[0]):
                    found.append(Curve(named(subject, field), line.means, line.peaks))
        return tuple(found)

    def busiest(self, kind: str, fields: Sequence[str]) -> tuple[Curve, ...]:
        """As many subjects as there is place for, by what they used in all; in the order of names."""

        def used(subject: Subject) -> float:
            return sum(_mean(self.line(subject, field)) or 0.0 for field in fields)

        most = sorted(self.subjects(kind), key=used, reverse=True)[: MOST_CURVES // len(fields)]
        return self.curves(sorted(most), fields, _named("" if len(fields) == 1 else ", "))

    def shares(self, kind: str, part: str, whole: str) -> tuple[Curve, ...]:
        """What is used of what there is."""
        found = []
        for subject in self.subjects(kind):
            used, size = self.line(subject, part), self.line(subject, whole)
            if used and size and any(size.means):
                means, peaks = _divided(used.means, size.means), _divided(used.peaks, size.peaks)
                found.append(Curve(subject.name, means, peaks))
        return tuple(
            sorted(found, key=lambda one: -max((n for n in one.peaks if n is not None), default=0.0))[:MOST_CURVES]
        )


_WORDS: Mapping[str, str] = {
    "cpu": "busy",
    "iowait": "waiting for disks",
    "steal": "taken by the hypervisor",
    "load1": "over 1 min",
    "load5": "over 5 min",
    "load15": "over 15 min",
    "memory": "used",
    "swap": "used",
}


def _named(between: str) -> Callable[[Subject, str], str]:
    """A curve by its subject, by its field, or by both."""
    if not between:
        return lambda subject, field: subject.name or _WORDS.get(field, field)
    return lambda subject, field: f"{subject.name}{between}{field}"


def _told_apart(part: Measured, several: bool) -> Iterable[Line]:
    """Containers of one name are on several nodes."""
    for line in part.lines:
        one = line.subject
        name = f"{one.name} on {part.node}" if several else one.name
        yield Line(Subject(one.kind, name, one.application, one.service), line.field, line.unit, line.means, line.peaks)


def _divided(parts: Numbers, wholes: Numbers) -> Numbers:
    return tuple(
        part / whole if part is not None and whole else None for part, whole in zip(parts, wholes, strict=True)
    )


def _mean(line: Line | None) -> float | None:
    known = [number for number in line.means if number is not None] if line else []
    return sum(known) / len(known) if known else None


def _greatest_or_none(line: Line | None) -> float | None:
    return max((number for number in line.peaks if number is not None), default=None) if line else None


def _greatest(line: Line | None) -> float:
    return _greatest_or_none(line) or 0.0
