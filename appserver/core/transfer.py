"""An application on its way from one cluster to another: what comes next, from what is on record of both. Pure.

The new one comes up first. Then its routes pass to it, and only then the old one goes; where the new one does not come
up, it goes instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from appserver.core.deployment import people_left_it
from appserver.core.entities import AppKey, Application, Cause, Desired, Outcome

TransferPhase = Literal["arriving", "passing", "leaving", "undoing", "done", "failed"]
OVER: frozenset[TransferPhase] = frozenset({"done", "failed"})


@dataclass(frozen=True, slots=True)
class Transfer:
    """`moves/<cluster>/<app>`, under the old application's name; kept for a while after it is over."""

    to: str
    """The cluster it goes to, where it keeps its name."""
    by: str
    at: datetime
    left: str
    """How people had left the old application when this was decided."""
    old_made: datetime
    new_made: datetime
    """When either was made: another of the same name is not meant."""
    revision: int
    """With which the new one begins."""
    stopped: bool = False
    """It is not to run there either."""
    phase: TransferPhase = "arriving"
    step: str = ""
    """A sentence about now; of one that failed, why."""
    causes: tuple[Cause, ...] = ()
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.phase in OVER


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two as it is on record now. No application: it is gone, or was never there."""

    application: Application | None = None
    desired: Mapping[str, Desired] = field(default_factory=dict)
    rests: bool = False
    """Every agent concerned is through with what is wanted of it, and all of it is stopped."""
    outcome: Outcome | None = None
    """Of the revision wanted now."""

    @property
    def is_going(self) -> bool:
        """Gone, or on its way."""
        runs = {one.run for one in self.desired.values()}
        return self.application is None or runs == {"removed"}

    @property
    def left(self) -> str:
        return people_left_it(self.application, self.desired)


def decide(
    now: Transfer, key: AppKey, old: Side, new: Side, unserved: Collection[str], unread: bool, at: datetime
) -> Transfer:
    """The record as it is to be from now on; the same where nothing follows yet.

    With the record's change, `passing` gives its routes to the new one, `leaving` removes the old one, and `undoing`
    the new one.

    Args:
        key: of the old one.
        unserved: routes that change hands, and that the new one does not answer yet by way of every proxy.
        unread: a proxy has not read yet whose they are now.
    """
    if now.phase == "arriving":
        return _arriving(now, key, old, new, unserved, at)
    if now.phase == "passing":
        return _passing(now, key, old, new, unread, at)
    if now.phase == "leaving" and old.application is None:
        return replace(now, phase="done", step=f"it is in {now.to}", ended_at=at)
    if now.phase == "leaving" and not old.is_going:
        return _failed(now, f"somebody started it again in {key.cluster}: it is in both clusters", at)
    if now.phase == "undoing" and new.application is None:
        return _failed(now, now.step, at)
    return now


def _arriving(now: Transfer, key: AppKey, old: Side, new: Side, unserved: Collection[str], at: datetime) -> Transfer:
    if new.is_going:
        return _failed(now, f"somebody removed it in {now.to} before it was up", at)
    if not old.is_going and old.left != now.left:
        return replace(now, phase="undoing", step=f"somebody changed it in {key.cluster} meanwhile")
    if _came_up(now, new):
        if unserved and not old.is_going:
            return replace(now, step=f"up in {now.to}; waits until it answers at {', '.join(sorted(unserved))}")
        return replace(now, phase="passing", step=f"up in {now.to}; requests go there from now on")
    if _gave_up(new):
        causes = new.outcome.causes if new.outcome else ()
        why = f"it did not come up in {now.to}" + (f": {causes[0]}" if causes else "")
        return replace(now, phase="undoing", step=why, causes=causes)
    return now


def _passing(now: Transfer, key: AppKey, old: Side, new: Side, unread: bool, at: datetime) -> Transfer:
    """It takes a moment; who changes one of the two in it is told, and nothing more is taken away."""
    if new.is_going:
        return _failed(now, f"somebody removed it in {now.to}", at)
    if not old.is_going and old.left != now.left:
        return _failed(now, f"somebody changed it in {key.cluster} meanwhile: it is in both clusters", at)
    if unread and not old.is_going:
        return now
    return replace(now, phase="leaving", step=f"up in {now.to}; leaves {key.cluster}")


def _came_up(now: Transfer, new: Side) -> bool:
    """One that is stopped has nothing to come up: it is there when its agents say so."""
    in_force = new.application is not None and new.application.revision >= now.revision
    return in_force or (now.stopped and new.rests)


def _gave_up(new: Side) -> bool:
    return new.outcome is not None and new.outcome.state == "failed"


def _failed(now: Transfer, why: str, at: datetime) -> Transfer:
    return replace(now, phase="failed", step=why, ended_at=at)
