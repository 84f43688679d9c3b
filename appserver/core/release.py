"""A release: one version of all that the boot servers run, and the steps that bring them to it.

It is a commit of a git repository with a `release.yml`; `release_read` reads that, `release_versions` orders them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Scope = Literal["all", "one", "once"]
ProbeKind = Literal["container", "http", "tcp", "etcd", "command"]
FILE = "release.yml"
HOSTED = "hosted"
"""Where releases come from, if from the app server itself."""
GIVEN = ("moorage_release", "moorage_images", "moorage_debs", "moorage_lrn", "moorage_servers", "moorage_node")
"""Variables that a playbook of a step has beside its own."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What has to be well on the server after a step, or before it.

    `target` is the name of a container, a URL, `host:port`, nothing for etcd (all members are healthy), or words of a
    command, which is run without a shell. It is asked until it is well, for at most `within_s`.
    """

    kind: ProbeKind
    target: tuple[str, ...] = ()
    within_s: float = 60.0

    def __str__(self) -> str:
        return f"{self.kind} {' '.join(self.target)}".rstrip()


@dataclass(frozen=True, slots=True)
class ReleaseStep:
    """A playbook of the release, run by each server's agent on its own host.

    `scope` says on which at once: `all`, `one` after the other by their numbers, or `once` for all of them, on record
    as `contents/<target>`. `waves` are how many begin first, before the next so many, and then the rest.
    """

    name: str
    playbook: str
    scope: Scope = "all"
    target: str = ""
    waves: tuple[int, ...] = ()
    timeout_s: float = 600.0
    retries: int = 0
    health: tuple[Probe, ...] = ()
    guard: tuple[Probe, ...] = ()
    """What has to be well before it begins."""
    rollback: str = ""
    """The playbook that takes the step back, where it has one."""
    variables: Mapping[str, object] = field(default_factory=dict)

    def wave(self, place: int) -> int:
        """In which wave the server comes that is the `place`th by number, from 0."""
        sizes = (1,) * (place + 1) if self.scope == "one" else (1,) if self.scope == "once" else self.waves
        for wave, size in enumerate(sizes):
            if place < size:
                return wave
            place -= size
        return len(sizes)

    def to_json(self) -> dict[str, object]:
        """As people are shown it: without the variables, whose values are not for everybody."""
        return {
            "name": self.name,
            "playbook": self.playbook,
            "scope": self.scope,
            "target": self.target or None,
            "waves": list(self.waves),
            "timeout_s": self.timeout_s,
            "retries": self.retries,
            "guard": [str(probe) for probe in self.guard],
            "health": [str(probe) for probe in self.health],
            "rollback": self.rollback or None,
        }


@dataclass(frozen=True, slots=True)
class Release:
    """`images` are named with tag and digest; `debs` are packages with their versions."""

    version: str
    steps: tuple[ReleaseStep, ...]
    images: Mapping[str, str] = field(default_factory=dict)
    debs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """`releases/<version>`: a release that was taken from its repository; its files are below `releasefiles/`."""

    release: Release
    source: str
    tag: str
    commit: str
    signed_by: str = ""
    aside: str = ""
    """Why it is not taken of itself any more: an update to it was taken back."""
    tags: tuple[str, ...] = ()
    """All that the commit is known to have: what `test` has proven is tagged again for `prod`."""
    taken_at: datetime | None = None
    back: bool = False
    """Somebody went back from it: what came before it is not taken of itself either."""
