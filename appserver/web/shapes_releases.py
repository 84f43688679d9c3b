"""What answers about releases look like."""

from __future__ import annotations

from typing import Literal

from appserver.web.shapes import Listed, Shape


class StepShown(Shape):
    """What is shown of a step wherever one is."""

    name: str
    playbook: str
    scope: Literal["all", "one", "once"]
    target: str | None
    waves: list[int]
    timeout_s: float
    retries: int
    guard: list[str]
    health: list[str]
    rollback: str | None


class ReleaseStepShown(StepShown):
    """A step: its playbook, where and when it runs, what has to be well before and after. Variables by name alone."""

    variables: list[str]


class ReleaseInFull(Shape):
    """A release on record. `aside`: why it is not taken by itself any more."""

    version: str
    tag: str
    tags: list[str]
    commit: str
    source: str
    signed_by: str | None
    in_force: bool
    aside: str | None
    taken_at: str | None
    images: dict[str, str]
    debs: dict[str, str]
    steps: list[ReleaseStepShown]


class ReleaseSearch(Shape):
    """How the search for new releases goes. `why`: the reason against taking what was found."""

    channel: Literal["none", "test", "dev", "staging", "prod"]
    source: str
    found: str | None
    why: str | None
    frozen: str | None
    error: str | None
    error_at: str | None
    looked_at: str | None
    next_look: str | None
    next_window: str | None


class ReleasesListed(Listed[ReleaseInFull]):
    search: ReleaseSearch
