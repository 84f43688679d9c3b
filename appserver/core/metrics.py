"""What is measured of a node and of its containers, and how two readings become one sample. Pure.

A reading is what the kernel says now: levels (memory that is used) and counters (bytes sent since the start). A sample
has levels only: of a counter, by how much it rose a second. What could not be read is not a number (NaN), never 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["node", "disk", "device", "network", "container"]
Unit = Literal["cores", "bytes", "bytes/s", "1/s", "ratio", "seconds", "number"]
NOT_KNOWN = math.nan


@dataclass(frozen=True, slots=True)
class Field:
    """One number of a subject. A `counter` is read as what has come about so far."""

    name: str
    unit: Unit
    told: str
    counter: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What is measured.

    `name` is a mount point, a block device, a network interface or a container; "" for the node itself. `application`
    (`<cluster>.<app>`) and `service` are those of a container of ours.
    """

    kind: Kind
    name: str = ""
    application: str = ""
    service: str = ""


Values = Mapping[Subject, Sequence[float]]
"""Subject to one number for each of its kind's fields."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`at` is in seconds of Unix time, `steady` in seconds of a clock that never jumps."""

    at: float
    steady: float
    values: Values


@dataclass(frozen=True, slots=True)
class Sample:
    """`peaks` are the greatest of the samples that this one stands for; of one that stands for itself, `means`."""

    at: int
    means: Values
    peaks: Values


FIELDS: Mapping[Kind, tuple[Field, ...]] = {
    "node": (
        Field("cpu", "cores", "cores that were busy", True),
        Field("iowait", "cores", "cores that were idle while a disk was waited for", True),
        Field("steal", "cores", "cores that the hypervisor gave to others", True),
        Field("cpus", "cores", "cores there are"),
        Field("load1", "number", "tasks that ran or waited, over a minute"),
        Field("load5", "number", "tasks that ran or waited, over five minutes"),
        Field("load15", "number", "tasks that ran or waited, over fifteen minutes"),
        Field("memory", "bytes", "memory that could not be given to a program"),
        Field("memory_total", "bytes", "memory there is"),
        Field("swap", "bytes", "swap that is used"),
        Field("swap_total", "bytes", "swap there is"),
        Field("uptime", "seconds", "time since the host started"),
    ),
    "disk": (
        Field("used", "bytes", "space that is used"),
        Field("size", "bytes", "space for those who are not root, and what is used"),
        Field("inodes_used", "number", "inodes that are used"),
        Field("inodes", "number", "inodes there are; 0 where the file system makes them as it goes"),
    ),
    "device": (
        Field("read", "bytes/s", "read from it", True),
        Field("written", "bytes/s", "written to it", True),
        Field("reads", "1/s", "reads that it finished", True),
        Field("writes", "1/s", "writes that it finished", True),
        Field("busy", "ratio", "share of the time in which it had something to do", True),
    ),
    "network": (
        Field("received", "bytes/s", "received", True),
        Field("sent", "bytes/s", "sent", True),
        Field("faults", "1/s", "packets that were faulty or dropped", True),
    ),
    "container": (
        Field("cpu", "cores", "cores that it kept busy", True),
        Field("throttled", "ratio", "share of the time in which its limit held it back", True),
        Field("memory", "bytes", "memory, without files that can be read again"),
        Field("memory_limit", "bytes", "memory that it may have; 0: no limit"),
        Field("received", "bytes/s", "received", True),
        Field("sent", "bytes/s", "sent", True),
        Field("read", "bytes/s", "read from disks", True),
        Field("written", "bytes/s", "written to disks", True),
        Field("pids", "number", "processes and threads"),
    ),
}
"""What is known of each kind. A new field goes to the end: what was written before has fewer."""


def sampled(before: Reading, after: Reading) -> Sample:
    """What happened between two readings, told of the moment of the second.

    A counter that fell began anew: the container was started again, the host was. A subject that is new has no rates.
    """
    passed = after.steady - before.steady
    found: dict[Subject, Sequence[float]] = {}
    for subject, now in after.values.items():
        then = before.values.get(subject, ())
        fields = FIELDS[subject.kind]
        found[subject] = [
            (_rate(then[i], now[i], passed) if i < len(then) else NOT_KNOWN) if field.counter else now[i]
            for i, field in enumerate(fields)
        ]
    return Sample(int(after.at), found, found)


def field(sample: Values, subject: Subject, name: str) -> float:
    """One number, NaN where it is not there."""
    index = next(i for i, one in enumerate(FIELDS[subject.kind]) if one.name == name)
    values = sample.get(subject, ())
    return values[index] if index < len(values) else NOT_KNOWN


def _rate(then: float, now: float, passed: float) -> float:
    return (now - then) / passed if passed > 0 and now >= then else NOT_KNOWN
