"""What boot servers have: packages and running containers, compared and searched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["container", "deb"]


@dataclass(frozen=True, slots=True)
class Installed:
    """Container name to image, and package to version."""

    containers: Mapping[str, str] = field(default_factory=dict)
    debs: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: Kind) -> Mapping[str, str]:
        return self.debs if kind == "deb" else self.containers


@dataclass(frozen=True, slots=True)
class Difference:
    """One name that two lists do not have alike; empty where one does not have it at all."""

    kind: Kind
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.name} {self.after} added"
        if not self.after:
            return f"{self.name} {self.before} removed"
        return f"{self.name} {self.before} → {self.after}"


def differences(before: Installed, after: Installed) -> tuple[Difference, ...]:
    """Containers first, each kind in the order of names."""
    return tuple(_differences("container", before, after)) + tuple(_differences("deb", before, after))


def is_newer(release: str, other: str) -> bool:
    """Whether a release is later than another, number by number: 1.10 than 1.9, 2026.11.21-3 than 2026.11.21-2."""
    return _numbers(release) > _numbers(other)


def told(found: Sequence[Difference], most: int = 8) -> str:
    """One line for people."""
    named = ", ".join(map(str, found[:most]))
    return f"{named} and {len(found) - most} more" if len(found) > most else named


def is_image(reference: str, wanted: str) -> bool:
    """Whether a container's image is the one asked for: by its whole name, its last part, or either with the tag."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    repository = f"{head}{slash}{last.partition(':')[0]}"
    return wanted in (reference, name, repository, last, last.partition(":")[0])


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall("[0-9]+", release))


def _differences(kind: Kind, before: Installed, after: Installed) -> Iterator[Difference]:
    old, new = before.of(kind), after.of(kind)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Difference(kind, name, old.get(name, ""), new.get(name, ""))
