"""What speaks for and against a node, judged from what was found on it. Pure; docs/nodes.md says it to people.

Whatever has a threshold turns bad beyond it, and good again only a margin before it, so that a value that wavers about
the threshold does not make the condition waver.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares are of 1. `margin` is by how much more than the threshold is asked of what was bad."""

    disk_free: float = 0.05
    disk_least: int = _GIB
    inodes_free: float = 0.05
    memory_free: float = 0.03
    clock_apart_s: float = 2.0
    margin: float = 0.2


@dataclass(frozen=True, slots=True)
class Space:
    """A file system by one of its paths; bytes. `fault`: why it could not be looked at, and the rest is 0."""

    path: str
    free: int = 0
    size: int = 0
    inodes_free: int = 0
    inodes: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DiskHealth:
    """What a disk says of itself: `fault` is empty while it is well."""

    device: str
    model: str
    fault: str


@dataclass(frozen=True, slots=True)
class Offset:
    """How far this host's clock is before another's: between `least` and `most` seconds, negative for behind."""

    source: str
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a condition. `strain` is 1 at the threshold, and greater where it is worse; `told` is for then."""

    name: str
    strain: float
    told: str


@dataclass(frozen=True, slots=True)
class Judged:
    """`good` remembers each measure for the next judgement."""

    ok: bool
    reason: str
    good: Mapping[str, bool]


def judged(measures: Sequence[Measure], before: Mapping[str, bool], was_good: bool, margin: float) -> Judged:
    """
    Args:
        before: what was remembered of each measure; of one that is not in it, `was_good` is.
        was_good: whether the condition was.
    Returns:
        `reason` tells what is bad, and is empty where nothing is.
    """
    good = {one.name: one.strain <= (1 if before.get(one.name, was_good) else 1 / (1 + margin)) for one in measures}
    bad = [one.told for one in measures if not good[one.name]]
    return Judged(not bad, "; ".join(bad), good)


def disk(spaces: Iterable[Space], limits: Thresholds) -> tuple[Measure, ...]:
    """Space and inodes of each file system. A small one may be half full, however little that leaves."""
    found = []
    for one in spaces:
        if one.fault:
            found.append(Measure(one.path, math.inf, f"{one.path}: {one.fault}"))
            continue
        least = max(min(limits.disk_least, one.size / 2), limits.disk_free * one.size)
        told = f"{one.free / _GIB:.1f} GiB free of {one.size / _GIB:.0f} GiB at {one.path}"
        found.append(Measure(one.path, _strain(least, one.free), told))
        if one.inodes:
            told = f"{one.inodes_free} inodes free of {one.inodes} at {one.path}"
            strain = _strain(limits.inodes_free * one.inodes, one.inodes_free)
            found.append(Measure(f"{one.path} inodes", strain, told))
    return tuple(found)


def memory(available: int, total: int, limits: Thresholds) -> tuple[Measure, ...]:
    """What the kernel could give without swapping."""
    told = f"{available >> 20} MiB available of {total >> 20} MiB"
    return (Measure("memory", _strain(limits.memory_free * total, available), told),)


def clock(offsets: Sequence[Offset], limits: Thresholds) -> tuple[Measure, ...]:
    """How far it certainly is from the middle one of the others' clocks: one of them that is wrong decides nothing."""
    if not offsets:
        return ()
    least, most = _middle(one.least for one in offsets), _middle(one.most for one in offsets)
    middle, word = (least + most) / 2, "ahead of" if least + most > 0 else "behind"
    many = f"{len(offsets)} member{'s' if len(offsets) > 1 else ''} of etcd"
    told = f"{abs(middle):.1f} s {word} {many}, give or take {(most - least) / 2:.1f} s"
    return (Measure("clock", max(least, -most, 0.0) / limits.clock_apart_s, told),)


def smart(disks: Sequence[DiskHealth]) -> tuple[bool, str]:
    """Whether all of them are well, and what they say."""
    bad = "; ".join(f"{one.device} ({one.model}): {one.fault}" for one in disks if one.fault)
    return not bad, bad or f"{len(disks)} disk{'s' if len(disks) > 1 else ''}, all well by their own word"


def _strain(least: float, free: float) -> float:
    return least / free if free > 0 else math.inf if least else 0.0


def _middle(numbers: Iterable[float]) -> float:
    """The median; the library's would bring fractions and decimals into every agent."""
    found = sorted(numbers)
    half = len(found) // 2
    return found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2
