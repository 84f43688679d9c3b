"""How an update begins: at a release's first step, where one failed, or backwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from appserver.core.release import Release, ReleaseStep
from appserver.core.rollout import completed
from appserver.core.rollout_record import Cause, Request, Run, Status
from appserver.errors import Conflict


def begun(number: int, release: Release, request: Request, cause: Cause, timeout_s: float, before: str) -> Run:
    """
    Args:
        before: the version in force until now, "" for none.
    """
    return Run(
        number,
        release.version,
        request.servers,
        cause,
        release.steps,
        timeout_s,
        request.started_at,
        before=before,
        images=release.images,
        debs=release.debs,
    )


def again(run: Run, number: int, statuses: Mapping[int, Status], servers: Sequence[int], now: datetime) -> Run:
    """The same update, taken up at the first step that not all were through with.

    Raises:
        Conflict: no step was begun.
    """
    asked = Request(run.version, run.servers, True, run.began_at)
    steps = [
        status.step
        for lrn, status in statuses.items()
        if lrn in run.servers and status.version == run.version and not completed(asked, status)
    ]
    new = [lrn for lrn in servers if lrn not in statuses or lrn not in run.servers]
    if not steps:
        raise Conflict("no step of it was begun: `moorage update recover` begins anew")
    first = 1 if new else min(steps)
    fresh = replace(run, number=number, servers=tuple(servers), cause="retry", began_at=now, first=first)
    return replace(fresh, ended_at=None, outcome="", why="")


def back(run: Run, number: int, reached: int, servers: Sequence[int], now: datetime) -> Run:
    """What was begun of an update, taken back in the other order, by the playbooks that its steps name for it.

    Args:
        reached: the last step that any server has begun.
    Raises:
        Conflict: there is nothing to take back, or nowhere to go back to.
    """
    steps = tuple(undoing(step) for step in reversed(run.steps[:reached]) if step.rollback)
    if not run.before:
        raise Conflict(f"before {run.version} there was no release to go back to")
    if not steps:
        raise Conflict("none of the steps that were begun names a playbook that takes it back")
    undo = replace(run, number=number, version=run.before, servers=tuple(servers), cause="undo", steps=steps, first=1)
    return replace(undo, began_at=now, files=run.files or run.version, before="", ended_at=None, outcome="", why="")


def undoing(step: ReleaseStep) -> ReleaseStep:
    """Its guard and health ask for what it brought: of them only etcd's members still count."""
    guard, health = (tuple(one for one in some if one.kind == "etcd") for some in (step.guard, step.health))
    return replace(step, name=f"undo {step.name}"[:63], playbook=step.rollback, rollback="", guard=guard, health=health)
