"""An operation is not a record of its own: its state follows from desired, observed and outcome.

So it survives the app server that began it, and a page that is loaded anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from appserver.core.entities import AppKey, Cause, Desired, FailedRestart, Observed, Outcome, ServiceObserved
from appserver.core.updates import Rollout
from appserver.errors import Invalid

OperationState = Literal["pending", "running", "done", "failed", "superseded"]
TERMINAL: frozenset[OperationState] = frozenset({"done", "failed", "superseded"})
_ID = re.compile(r"([a-z0-9_-]{1,63})\.([a-z0-9_-]{1,63})\.(\d{1,9})\.(\d{1,18})")
_AT_REST = frozenset({"done", "failed", "stopped", "removed"})


@dataclass(frozen=True, slots=True)
class OperationKey:
    """`commit` is the store revision of the transaction that began it; `revision` the application's."""

    app: AppKey
    revision: int
    commit: int

    def __str__(self) -> str:
        return operation_id(self.app, self.revision, self.commit)


@dataclass(frozen=True, slots=True)
class Operation:
    """How far it is. `cursor` rises with every change, `step` is a sentence about now."""

    id: str
    key: AppKey
    revision: int
    state: OperationState
    phase: str
    step: str
    services: tuple[ServiceObserved, ...]
    causes: tuple[Cause, ...]
    cursor: int
    at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state in TERMINAL


def operation_id(key: AppKey, revision: int, commit: int) -> str:
    return f"{key}.{revision}.{commit}"


def parse(text: str) -> OperationKey:
    """
    Raises:
        Invalid: not an operation's id.
    """
    found = _ID.fullmatch(text)
    if found is None:
        raise Invalid("operation", "is not an operation's id")
    return OperationKey(AppKey(found[1], found[2]), int(found[3]), int(found[4]))


def derive(
    asked: OperationKey,
    desired: Mapping[str, tuple[Desired, int]],
    observed: Mapping[str, tuple[Observed, int]],
    outcome: Outcome | None,
    cursor: int,
    rollout: Rollout | None = None,
    began: int = 0,
    failed_restarts: Sequence[FailedRestart] = (),
) -> Operation:
    """
    Args:
        desired, observed: node to record and the store revision that wrote it.
        outcome: of the operation's revision.
        rollout: over several nodes, where one is on; `began` is the store revision that wrote it first.
        failed_restarts: the application's.
    """
    told = [observed[node][0] for node in sorted(observed)]
    # a node that the application leaves while it stays on another may be away for good
    counted = {node: one for node, one in desired.items() if one[0].run != "removed"} or desired
    # nor does one that a roll-out, which ended early, never came to
    counted = {node: one for node, one in counted.items() if one[1] >= asked.commit} or counted
    going_on = rollout is not None and rollout.revision == asked.revision and _any_runs(desired)
    if rollout and rollout.restart and asked.commit < began:
        going_on = False  # it is of the same revision, and came afterwards
    reports = [observed[node][0] for node in counted if node in observed]
    state = "running" if going_on else _state(asked, counted, reports, outcome)
    if state == "pending" and outcome and desired and all(commit < asked.commit for _, commit in desired.values()):
        state = "done" if outcome.state == "deployed" else "failed"  # it let a roll-out go on, which is over
    mine = [one for one in told if one.acted_on == asked.commit]
    recorded = outcome.causes if outcome and state == "failed" else ()
    ended = next((one for one in failed_restarts if one.since <= asked.commit <= one.until), None)
    if ended and not going_on:
        state, recorded = "failed", ended.causes
    causes = recorded or tuple(c for one in mine for c in one.causes)
    last = max(told, key=lambda one: one.at) if told else None
    return Operation(
        id=str(asked),
        key=asked.app,
        revision=asked.revision,
        state=state,
        phase=last.phase if last else "pending",
        step=str(rollout) if going_on else _step(state, last, causes),
        services=tuple(service for one in told for service in one.services),
        causes=causes,
        cursor=cursor,
        at=last.at if last else None,
    )


def _any_runs(desired: Mapping[str, tuple[Desired, int]]) -> bool:
    return any(wanted.run == "running" for wanted, _ in desired.values())


def at_rest(seen: Observed, commit: int) -> bool:
    """Whether the agent is through with the desired record written at this store revision."""
    return seen.acted_on >= commit and is_resting(seen)


def is_resting(seen: Observed) -> bool:
    """Whether the agent is through with whatever it was at."""
    return seen.phase in _AT_REST


def _state(
    asked: OperationKey,
    desired: Mapping[str, tuple[Desired, int]],
    told: list[Observed],
    outcome: Outcome | None,
) -> OperationState:
    newer = any(revision > asked.commit for _, revision in desired.values())
    if not desired:
        return "done"
    if newer:
        if outcome is None or outcome.state == "superseded":
            return "superseded"
        return "failed" if outcome.state == "failed" else "done"
    acting = [one for one in told if one.acted_on >= asked.commit]
    if not acting:
        return "pending"
    if not all(at_rest(one, asked.commit) for one in acting) or len(acting) < len(desired):
        return "running"
    if any(one.phase == "failed" for one in acting):
        return "failed" if outcome else "running"
    runs = {wanted.run for wanted, _ in desired.values()}
    if runs == {"stopped"}:
        return "done"  # whatever becomes of the revision, which stays open when it never was up
    return "done" if outcome and "removed" not in runs else "running"


def _step(state: OperationState, last: Observed | None, causes: tuple[Cause, ...]) -> str:
    if state == "pending":
        return "waiting for the agent"
    if state == "failed" and causes:
        return f"{causes[0].service}: {causes[0].why}" if causes[0].service else causes[0].why
    return last.step if last else ""
