"""What containers of an image used, as their nodes have learned it: bounded, and forgotten after some weeks. Pure.

A minute of a container counts once: its mean in the sketch, its peak for the highest. What is known covers the present
two weeks and those before, so that nothing has to be weighed by its age.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from appserver.core.metrics import FIELDS
from appserver.core.placement.values import parse_image_name
from appserver.core.sketch import Sketch, added, merged, quantile

MOST_IMAGES = 64
"""On one node; those that were measured least go first."""
MOST_CONTAINERS = 32
"""That are told apart by name; of more, how many there are is estimated."""
_PERIOD_S = 14 * 86_400
_LEAST_CPU, _LEAST_MEMORY = 0.001, float(1 << 20)
_ID = 8
_IDS = 1 << 4 * _ID
_NEWS = 0.25
_BARE = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
"""An image's id, of one that has no name."""
_AT = {one.name: number for number, one in enumerate(FIELDS["container"])}


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one period. `since` is in Unix time, 0 while nothing was measured.

    `containers` are ids cut short, of many the least.
    """

    since: int = 0
    cpu: Sketch = field(default_factory=Sketch)
    memory: Sketch = field(default_factory=Sketch)
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """`learned/<node>/<image>`: of the period of that number, and of the one before it."""

    image: str
    period: int
    now: Usage = field(default_factory=Usage)
    before: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    p95: float
    highest: float

    def to_json(self, digits: int | None = None) -> Mapping[str, float]:
        """
        Args:
            digits: after the point; None: whole numbers.
        """
        told = {"median": self.median, "p95": self.p95, "highest": self.highest}
        return {name: round(number, digits) for name, number in told.items()}


@dataclass(frozen=True, slots=True)
class Used:
    """What a container of an image uses: cores and bytes.

    `image` is what it was learned of: the image asked for, or, where nobody ran that, its repository with any tag.
    `since` is in Unix time.
    """

    image: str
    cpus: Spread
    memory: Spread
    containers: int
    since: int

    def to_json(self) -> Mapping[str, object]:
        return {
            "image": self.image,
            "cpus": self.cpus.to_json(4),
            "memory": self.memory.to_json(),
            "containers": self.containers,
            "since": datetime.fromtimestamp(self.since, UTC).isoformat(),
        }


def name_of(image: str) -> str:
    """By which usage is known: with its tag, without a digest beside that. By a digest alone where it has no tag."""
    named, digest, _ = image.partition("@")
    if _BARE.fullmatch(image) or (digest and ":" not in named.rpartition("/")[2]):
        return image
    return str(parse_image_name(named))


def repository_of(image: str) -> str:
    """Without tag and digest; of a bare id, nothing."""
    return "" if _BARE.fullmatch(image) else parse_image_name(image.partition("@")[0]).name


def period_of(at: float) -> int:
    return int(at) // _PERIOD_S


def measured(usage: Usage, at: int, container_id: str, means: Sequence[float], peaks: Sequence[float]) -> Usage:
    """With a minute of a container.

    Args:
        means, peaks: of the fields of a container, in their order. Where one that counts is not known, it is no minute.
    """
    cpu, memory = means[_AT["cpu"]], means[_AT["memory"]]
    if math.isnan(cpu) or math.isnan(memory):
        return usage
    return Usage(
        usage.since or at,
        added(usage.cpu, cpu, _LEAST_CPU, peaks[_AT["cpu"]]),
        added(usage.memory, memory, _LEAST_MEMORY, peaks[_AT["memory"]]),
        _least((*usage.containers, container_id[:_ID])),
    )


def together(one: Usage, other: Usage) -> Usage:
    since = min((usage.since for usage in (one, other) if usage.since), default=0)
    return Usage(
        since,
        merged(one.cpu, other.cpu),
        merged(one.memory, other.memory),
        _least((*one.containers, *other.containers)),
    )


def in_period(learned: Learned, period: int) -> Learned:
    """The same in a later period: what is too old is forgotten."""
    if period <= learned.period:
        return learned
    before = learned.now if period == learned.period + 1 else Usage()
    return Learned(learned.image, period, Usage(), before)


def is_empty(learned: Learned) -> bool:
    return not learned.now.since and not learned.before.since


def is_news(written: Learned | None, learned: Learned) -> bool:
    """Whether it is worth being written: other containers, a new peak, or a quarter more minutes than were."""
    if written is None or written.period != learned.period:
        return True
    now, then = learned.now, written.now
    return (
        now.containers != then.containers
        or now.cpu.total > then.cpu.total * (1 + _NEWS)
        or now.cpu.highest > then.cpu.highest * (1 + _NEWS)
        or now.memory.highest > then.memory.highest * (1 + _NEWS)
    )


def kept(images: Mapping[str, Learned]) -> Mapping[str, Learned]:
    """As many as there may be, without those that are empty."""
    full = [one for one in images.values() if not is_empty(one)]
    full.sort(key=lambda one: (-one.now.cpu.total, -one.before.cpu.total, one.image))
    return {one.image: one for one in full[:MOST_IMAGES]}


def used(image: str, usage: Usage) -> Used:
    return Used(
        image,
        _spread(usage.cpu, _LEAST_CPU),
        _spread(usage.memory, _LEAST_MEMORY),
        count(usage.containers),
        usage.since,
    )


def by_image(found: Iterable[Learned], period: int) -> Mapping[str, Usage]:
    """What all nodes know, by image."""
    usages: dict[str, Usage] = {}
    for one in (in_period(each, period) for each in found):
        if not is_empty(one):
            whole = together(one.now, one.before)
            usages[one.image] = together(usages[one.image], whole) if one.image in usages else whole
    return usages


def used_by(image: str, usages: Mapping[str, Usage]) -> Used | None:
    """Of this image; where nobody ran it, of its repository with whatever tag."""
    name = name_of(image)
    if name in usages:
        return used(name, usages[name])
    repository = repository_of(name)
    whole = Usage()
    for other, usage in usages.items():
        if repository and repository_of(other) == repository:
            whole = together(whole, usage)
    return used(repository, whole) if whole.since else None


def count(containers: tuple[str, ...]) -> int:
    """Of the least ids how many there are in all: they are spread evenly, so the last one tells how dense they are."""
    if len(containers) < MOST_CONTAINERS:
        return len(containers)
    return round((MOST_CONTAINERS - 1) * _IDS / (int(containers[-1], 16) + 1))


def _least(ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*ids})[:MOST_CONTAINERS])


def _spread(sketch: Sketch, least: float) -> Spread:
    return Spread(quantile(sketch, 0.5, least), quantile(sketch, 0.95, least), sketch.highest)
