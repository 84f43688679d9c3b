"""What answers about updates of the boot servers look like."""

from __future__ import annotations

from typing import Literal

from appserver.web.shapes import Shape
from appserver.web.shapes_releases import StepShown


class UpdateStep(StepShown):
    """A step of a release, numbered from 1. Probes are in words: `tcp 127.0.0.1:2379`."""

    step: int


class UpdaterAction(Shape):
    """What the updater does next: Neco's words. `version` is what it would ask for; null where it waits."""

    action: Literal[
        "wait-for-info", "request-update", "wait-for-user-recovery", "request-stop", "wait-for-workers", "reconfigure"
    ]
    reason: str
    version: str | None
    servers: list[int]


class UpdatePlan(UpdaterAction):
    steps: list[UpdateStep]
    warnings: list[str]


class UpdateRequest(Shape):
    """`status/current`, as it is on record."""

    version: str
    servers: list[int]
    stop: bool
    started_at: str


class UpdateTry(Shape):
    """One try of a server at a step. `output` are the last lines of one that failed."""

    step: int
    name: str
    attempt: int
    began_at: str
    ended_at: str | None
    phase: Literal["running", "done", "failed", "cancelled"]
    task: str | None
    tasks: int
    changed: int
    why: str | None
    output: list[str]


class UpdateServer(Shape):
    """A boot server in an update. `cond` is Neco's number, `condition` its word; `gone`: it has no agent now."""

    lrn: int
    node: str | None
    version: str | None
    step: int
    cond: int
    condition: str
    message: str | None
    gone: bool
    busy: bool
    tries: list[UpdateTry]


class UpdateRun(Shape):
    """One update. `outcome` is running, completed, aborted, late or stopped."""

    id: int
    version: str
    before: str | None
    servers: list[int]
    cause: Literal["update", "reconfigure", "rollback", "undo", "retry"]
    by: str | None
    began_at: str
    ended_at: str | None
    outcome: str
    why: str | None
    first: int
    timeout_s: float
    steps: list[UpdateStep]


class UpdateServerTries(Shape):
    lrn: int
    tries: list[UpdateTry]


class UpdateInFull(UpdateRun):
    progress: list[UpdateServerTries]


class UpdateStanding(Shape):
    """`process` is Neco's word: clear, running, aborted or completed. `undelivered` are notices, in words."""

    process: Literal["clear", "running", "aborted", "completed"]
    release: str | None
    registered: list[int]
    request: UpdateRequest | None
    update: UpdateRun | None
    servers: list[UpdateServer]
    next: UpdaterAction
    undelivered: list[str]


class UpdateAsked(Shape):
    version: str
