"""One boot server's part in an update: from what is on record, and what it is doing, to its next move. Pure.

Source: Neco's barrier. A status with step N says "ready to begin N"; where every server of the request has said so,
each runs step N, and then says N + 1. It is decided from one snapshot instead of event by event, so whoever was away
for a while looks and goes on; a server that has not looked yet may find others one step ahead, and no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from appserver.core.release import ReleaseStep
from appserver.core.rollout import completed, followed, listed, numbers
from appserver.core.rollout_record import ABORTED, COMPLETED, NOT_RUNNING, RUNNING, Request, Status

Doing = Literal["nothing", "running", "done", "failed"]
MoveKind = Literal["wait", "report", "run", "cancel"]


@dataclass(frozen=True, slots=True)
class Mine:
    """What this server is doing in the update that `sight` is of. `step` is which one; `message` why it failed."""

    doing: Doing = "nothing"
    step: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """All of one store revision. `steps` and `first` are those of the run that belongs to the request."""

    lrn: int
    request: Request | None
    statuses: Mapping[int, Status]
    steps: Sequence[ReleaseStep] = ()
    first: int = 1

    @property
    def last(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Move:
    """`status` is to be written, where the request is still the same; `step` is to be run."""

    kind: MoveKind
    reason: str
    status: Status | None = None
    step: int = 0


def decide(sight: Sight, mine: Mine) -> Move:
    asked = sight.request
    why = _idle(sight)
    if asked is None or why:
        return Move("cancel" if mine.doing == "running" else "wait", why)
    own = sight.statuses.get(sight.lrn)
    if own is None or own.version != asked.version or own.cond == NOT_RUNNING:
        return _begin(sight, asked)
    if own.cond == ABORTED:
        return Move("cancel" if mine.doing == "running" else "wait", f"the update was aborted here: {own.message}")
    if own.cond == COMPLETED:
        return Move("wait", f"this server is at {asked.version}")
    if wrong := next(_unexpected(sight, asked, own), ""):
        return _abort(asked, own.step, wrong)
    if mine.step == own.step and mine.doing != "nothing":
        return _ended(sight, asked, own, mine)
    return _barrier(sight, asked, own)


def _idle(sight: Sight) -> str:
    """Why nothing is to be done for anybody's update; "" where something is."""
    asked = sight.request
    if asked is None:
        return "no update was asked for"
    if asked.stop:
        return f"the update to {asked.version} was stopped"
    if sight.lrn not in asked.servers:
        return f"the update to {asked.version} is without this server"
    return ""


def _begin(sight: Sight, asked: Request) -> Move:
    """A server says that it is ready for the first step, unless what it finds is of an update that broke off."""
    for lrn, status in _others(sight, asked):
        if status.version == asked.version and status.cond == ABORTED:
            return Move("wait", f"the update was aborted by server {lrn}: {status.message}")
        if status.version == asked.version and status.cond == RUNNING and status.step != sight.first:
            return Move("wait", f"server {lrn} is at step {status.step} of an update that went on without this server")
    if sight.first > sight.last:
        return Move("report", "there is nothing to do", Status(asked.version, sight.last, COMPLETED))
    return Move("report", "ready for the first step", Status(asked.version, sight.first, RUNNING))


def _unexpected(sight: Sight, asked: Request, own: Status) -> Iterator[str]:
    """What no server of an update in lock-step can have said."""
    for lrn, status in _others(sight, asked):
        if status.version == asked.version and status.cond == ABORTED:
            yield followed(lrn, status.message)
        elif status.version != asked.version or status.cond == NOT_RUNNING:
            if own.step > sight.first:
                yield f"server {lrn} says step {status.step} of {status.version}, in the middle of {asked.version}"
        elif status.cond == COMPLETED:
            if own.step < sight.last:
                yield f"server {lrn} says that it is through, at step {own.step} of {sight.last}"
        elif abs(status.step - own.step) > 1 or not sight.first <= status.step <= sight.last:
            yield f"server {lrn} says step {status.step}, at step {own.step}"
    missing = [lrn for lrn in asked.servers if lrn not in sight.statuses]
    if missing and own.step > sight.first:
        yield f"what {listed(missing)} said is gone, at step {own.step}"


def _ended(sight: Sight, asked: Request, own: Status, mine: Mine) -> Move:
    """Of the step that this server has begun."""
    if mine.doing == "running":
        return Move("wait", f"runs step {own.step}")
    if mine.doing == "failed":
        return Move("report", "the step failed", Status(asked.version, own.step, ABORTED, mine.message))
    if own.step >= sight.last:
        return Move("report", "the last step is done", Status(asked.version, own.step, COMPLETED))
    return Move("report", f"step {own.step} is done", Status(asked.version, own.step + 1, RUNNING))


def _barrier(sight: Sight, asked: Request, own: Status) -> Move:
    behind = [lrn for lrn in asked.servers if not _reached(asked, sight.statuses.get(lrn), own.step)]
    if behind:
        return Move("wait", f"step {own.step} waits for {listed(behind)}")
    members = numbers(asked.servers)
    step = sight.steps[own.step - 1]
    wave = step.wave(members.index(sight.lrn))
    before = [lrn for place, lrn in enumerate(members) if step.wave(place) < wave]
    if ahead := [lrn for lrn in before if not _reached(asked, sight.statuses.get(lrn), own.step + 1)]:
        return Move("wait", f"step {own.step} is first done on {listed(ahead)}")
    return Move("run", f"step {own.step}: {step.name}", step=own.step)


def _reached(asked: Request, status: Status | None, step: int) -> bool:
    """Whether a server is ready for that step, or through with it."""
    if status is None or status.version != asked.version:
        return False
    return (status.cond == RUNNING and status.step >= step) or completed(asked, status)


def _others(sight: Sight, asked: Request) -> Iterator[tuple[int, Status]]:
    for lrn in numbers(asked.servers):
        if lrn != sight.lrn and lrn in sight.statuses:
            yield lrn, sight.statuses[lrn]


def _abort(asked: Request, step: int, why: str) -> Move:
    return Move("report", why, Status(asked.version, step, ABORTED, why))
