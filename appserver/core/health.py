"""Whether what was started is up: the health gate's decision, and each service in one word."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from appserver.core import compose
from appserver.core.containers import ContainerState
from appserver.core.differences import FINISHED, is_finished, is_leftover
from appserver.core.entities import Revision, ServiceObserved
from appserver.core.plan import Step

RESTARTS = 3
"""So many restarts of a new container are a loop; fewer may be an application that waits for another."""

_NO_PROBE_S = 10.0
"""For so long after a start, a probe that the engine could not run is not held against the container."""
_KILLED = 137
"""By SIGKILL. A busy engine may miss that memory was why: the container's cgroup can be gone before it has looked."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one service did not come up; the container to ask for its last words, where there is one."""

    service: str
    why: str
    container: ContainerState | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`waits_for` says what is not up yet; `again_s` after how long time alone may have changed the verdict."""

    state: Literal["waiting", "up", "failed"]
    failures: tuple[Failure, ...] = ()
    waits_for: tuple[str, ...] = ()
    again_s: float = 1.0


def verdict(
    revision: Revision,
    services: Collection[str],
    containers: Sequence[ContainerState],
    now: datetime,
    deadline: datetime,
) -> Verdict:
    """Only `services` are judged: a neighbour that was ill before does not fail a deployment that left it alone."""
    failures: list[Failure] = []
    waiting: list[str] = []
    again = 1.0
    for name in sorted(services):
        definition = compose.services(revision.project).get(name)
        if definition is None:
            continue
        mine = [c for c in containers if c.service == name and not is_leftover(c)]
        if len(mine) < (copies := compose.wanted(definition, len(mine))):
            waiting.append(f"{name}: {len(mine)} of {copies} containers")
        for c in mine:
            why, wait, settles = _judge(c, revision.options.settle_s, now)
            if why:
                failures.append(Failure(name, why, c))
            elif wait:
                waiting.append(f"{name}: {wait}")
                again = min(again, settles)
    if not failures and waiting and now >= deadline:
        late = f"not up within {revision.options.timeout_s:g} s"
        failures = [Failure(t.partition(":")[0], f"{late}:{t.partition(':')[2]}", _any(t, containers)) for t in waiting]
    if failures:
        return Verdict("failed", tuple(failures))
    left = max(0.0, (deadline - now).total_seconds())
    return Verdict("waiting", (), tuple(waiting), min(again, left)) if waiting else Verdict("up")


def given_up(
    revision: Revision, services: Collection[str], containers: Sequence[ContainerState], now: datetime, words: str
) -> tuple[Failure, ...]:
    """Why containers are not up though Compose waits no longer: some that it gave up may come up again by themselves.

    Args:
        words: Compose's own; a container that they name is not up, however it is by now.
    """
    named = {word.strip("\"':,.") for word in words.split()}
    found = []
    for c in containers:
        if c.service not in services or is_leftover(c):
            continue
        why, wait, _ = _judge(c, revision.options.settle_s, now)
        if wait and (c.state == "restarting" or c.restart_count):
            why = f"restarts: {c.restart_count} times so far"
        elif c.health == "unhealthy" or c.name in named:
            why = why or wait or "was not up in time"
        if why:
            found.append(Failure(c.service, why, c))
    return tuple(sorted(found, key=lambda failure: failure.service))


def services_seen(
    revision: Revision,
    containers: Sequence[ContainerState],
    last: Mapping[str, ServiceObserved],
    steps: Sequence[Step] = (),
    stopped: Collection[str] = (),
) -> tuple[ServiceObserved, ...]:
    """Each service of the revision, and each that should not be there, in the order of names.

    Args:
        last: service to what was said of it before; its action and cause stay until there are new ones.
        steps: those being carried out now.
        stopped: services that did not end by themselves, though all their containers ended well.
    """
    told = {step.subject: step for step in steps if step.action != "none"}
    names = {*compose.services(revision.project), *(c.service for c in containers)}
    seen = []
    for name in sorted(names):
        mine = [c for c in containers if c.service == name and not is_leftover(c)]
        step, before = told.get(name), last.get(name)
        action, cause = (step.action, step.cause) if step else (before.action, before.cause) if before else ("none", "")
        seen.append(
            ServiceObserved(
                name=name,
                state=_state(mine, name in stopped),
                health=_worst(mine),
                action=action,
                cause=cause,
                containers=tuple(c.name for c in mine),
                image_id=mine[0].image_id if mine else "",
            )
        )
    return tuple(seen)


def _judge(c: ContainerState, settle_s: float, now: datetime) -> tuple[str, str, float]:
    """Why it failed, or what it waits for, and for how long that may take; all empty when it is up."""
    if c.error and c.state in ("created", "exited", "dead"):
        return c.error, "", 0.0
    if c.restart_count >= RESTARTS:
        told = f", {c.error}" if c.error else ""
        return f"restarts again and again: {c.restart_count} times, last exit code {_code(c)}{told}", "", 0.0
    if c.state in ("exited", "dead"):
        if is_finished(c):
            return "", "", 0.0
        return f"exited with code {_code(c)}", "", 0.0
    if c.state != "running":
        return "", f"{c.state}: {c.error}" if c.error else c.state, 1.0
    if c.health == "unhealthy":
        left = _left(c, _NO_PROBE_S, now)
        if not c.probe_ran and left > 0:
            return "", "its healthcheck could not be run", left
        return "its healthcheck fails", "", 0.0
    if c.health == "starting":
        return "", "health is starting", 1.0
    if c.health == "none" and (left := _left(c, settle_s, now)) > 0:
        return "", "settling", left
    return "", "", 0.0


def _code(c: ContainerState) -> str:
    unexplained = c.exit_code == _KILLED and not c.error
    return f"{c.exit_code} (killed, perhaps as its memory ran out)" if unexplained else f"{c.exit_code}"


def _left(c: ContainerState, seconds: float, now: datetime) -> float:
    """Of so many seconds since it was started; none where that is not known."""
    return (c.started_at + timedelta(seconds=seconds) - now).total_seconds() if c.started_at else 0.0


def _any(waiting: str, containers: Sequence[ContainerState]) -> ContainerState | None:
    name = waiting.partition(":")[0]
    return next((c for c in containers if c.service == name), None)


def _state(containers: Sequence[ContainerState], was_stopped: bool) -> str:
    """The state of all, or the worst of them."""
    if not containers:
        return "missing"
    states = [FINISHED if is_finished(c) and not was_stopped else c.state for c in containers]
    order = ("dead", "exited", "restarting", "created", "paused", "removing", "running", FINISHED)
    return min(states, key=lambda state: order.index(state) if state in order else 0)


def _worst(containers: Sequence[ContainerState]) -> str:
    order = ("unhealthy", "starting", "healthy", "none")
    return min((c.health for c in containers), key=order.index, default="none")
