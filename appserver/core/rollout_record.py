"""What is on record of a lock-step update of the boot servers: the seed's own shapes, and what stands beside them.

Source: the key schema of Neco. `Request`, `Status` and `Content` are its JSON, field for field and in its order, for
whatever reads those keys; all that we know beyond it is in keys of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from appserver.core.release import ReleaseStep

NOT_RUNNING, RUNNING, ABORTED, COMPLETED = range(4)
CONDITIONS: Mapping[int, str] = {
    NOT_RUNNING: "not running",
    RUNNING: "running",
    ABORTED: "aborted",
    COMPLETED: "completed",
}
Cause = Literal["update", "reconfigure", "rollback", "undo", "retry"]
Outcome = Literal["", "completed", "aborted", "late", "stopped"]
Phase = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Request:
    """`status/current`: all `servers`, by their LRN, are to be brought to `version`."""

    version: str
    servers: tuple[int, ...]
    stop: bool
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """`status/bootservers/<LRN>`: `step` is the one that the server is ready to begin, or is at; from 1."""

    version: str
    step: int
    cond: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """`contents/<target>`: what a step that runs once for all servers has made of its target."""

    version: str
    success: bool


@dataclass(frozen=True, slots=True)
class Run:
    """`update/run`, and `updates/<n>` once it ended: one update from its request to its end.

    `steps` are those of the release as they were at the request, and `timeout_s` the configuration of that moment: what
    is changed meanwhile counts for the next one.
    """

    number: int
    version: str
    servers: tuple[int, ...]
    cause: Cause
    steps: tuple[ReleaseStep, ...]
    timeout_s: float
    began_at: datetime
    by: str = ""
    reason: str = ""
    before: str = ""
    """The release that was in force until then."""
    files: str = ""
    """The release whose playbooks are run, where that is another: what takes a release back comes with it."""
    images: Mapping[str, str] = field(default_factory=dict)
    debs: Mapping[str, str] = field(default_factory=dict)
    reached: int = 0
    """The last step that was begun before, in updates to this release that did not complete."""
    first: int = 1
    """The step to begin with: more than 1 where an update that failed is taken up again."""
    ended_at: datetime | None = None
    outcome: Outcome = ""
    why: str = ""

    def of(self, request: Request) -> bool:
        """Whether it is the run of what is asked for."""
        return (self.version, self.servers, self.began_at) == (request.version, request.servers, request.started_at)


@dataclass(frozen=True, slots=True)
class StepTime:
    """A server's try at one step. `output` are the last lines of one that failed."""

    step: int
    name: str
    attempt: int
    began_at: datetime
    ended_at: datetime | None = None
    phase: Phase = "running"
    task: str = ""
    tasks: int = 0
    """How many were begun."""
    changed: int = 0
    why: str = ""
    output: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """`updatesteps/<LRN>/<n>`: what one server did in an update, in order."""

    number: int
    steps: tuple[StepTime, ...] = field(default=())

    def of(self, step: int) -> tuple[StepTime, ...]:
        return tuple(one for one in self.steps if one.step == step)

    @property
    def last(self) -> StepTime | None:
        return self.steps[-1] if self.steps else None
