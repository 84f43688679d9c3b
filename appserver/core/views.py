"""What people and programs are shown of an application: one state word, and the facts behind it. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from appserver.core import compose
from appserver.core.app_state import AppState, state_of
from appserver.core.entities import (
    AppKey,
    Application,
    Cause,
    Desired,
    Drift,
    Observed,
    Outcome,
    Revision,
    Run,
    ServiceObserved,
)
from appserver.core.updates import Rollout


@dataclass(frozen=True, slots=True)
class AppView:
    """`revision` is in force, `wanted` is on its way; `version` is the store revision, for If-Match."""

    key: AppKey
    state: AppState
    reason: str
    revision: int
    wanted: int
    latest: int
    node: str
    services: tuple[ServiceObserved, ...]
    expected: tuple[str, ...]
    drift: tuple[Drift, ...]
    causes: tuple[Cause, ...]
    ports: Mapping[str, tuple[str, ...]]
    created_at: datetime
    changed_at: datetime | None
    source: str
    version: int
    operation: str = ""
    copies: tuple[CopyView, ...] = ()
    """One for each node that has a part in it, by name."""
    rollout: Rollout | None = None

    @property
    def up(self) -> int:
        return sum(s.state == "running" and s.health in ("none", "healthy") for s in self.services)

    @property
    def of(self) -> int:
        """How many services there are when all copies are up."""
        return len(self.expected) * max(1, sum(copy.run != "removed" for copy in self.copies))

    @property
    def merged(self) -> tuple[ServiceObserved, ...]:
        """Each service once, over all copies: in the state of the copy that is worst off."""
        found: dict[str, list[ServiceObserved]] = {}
        for one in self.services:
            found.setdefault(one.name, []).append(one)
        return tuple(_over_copies(each) for each in found.values())

    def to_json(self) -> Mapping[str, object]:
        return {
            "name": self.key.name,
            "cluster": self.key.cluster,
            "state": self.state,
            "reason": self.reason,
            "revision": self.revision,
            "wanted": self.wanted,
            "latest": self.latest,
            "node": self.node,
            "services": [service_json(s, self.ports.get(s.name, ())) for s in self.services],
            "up": self.up,
            "expected": list(self.expected),
            "drift": [drift_json(d) for d in self.drift],
            "causes": [cause_json(c) for c in self.causes],
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat() if self.changed_at else None,
            "source": self.source,
            "version": self.version,
            "operation": self.operation,
            "of": self.of,
            "copies": [copy.to_json() for copy in self.copies],
            "rollout": rollout_json(self.rollout) if self.rollout else None,
        }


@dataclass(frozen=True, slots=True)
class CopyView:
    """The part of one node. `on`: its agent is there; `revision` is the one that came up last."""

    node: str
    on: bool
    run: Run
    wanted: int
    revision: int
    phase: str
    step: str

    def to_json(self) -> Mapping[str, object]:
        return {
            "node": self.node,
            "on": self.on,
            "run": self.run,
            "wanted": self.wanted,
            "revision": self.revision,
            "phase": self.phase,
            "step": self.step,
        }


def app_view(
    application: Application,
    version: int,
    current: Revision | None,
    desired: Mapping[str, tuple[Desired, int]],
    observed: Mapping[str, Observed],
    alive: frozenset[str],
    outcome: Outcome | None,
    operation: str,
    rollout: Rollout | None = None,
) -> AppView:
    """
    Args:
        current: the revision wanted now. outcome: its outcome, where it has one.
        desired: node to record and the store revision that wrote it.
    """
    told = [observed[node] for node in sorted(desired) if node in observed]
    state, reason = state_of(desired, observed, alive, outcome, rollout)
    return AppView(
        key=application.key,
        state=state,
        reason=reason,
        revision=application.revision,
        wanted=max((d.revision for d, _ in desired.values()), default=0),
        latest=application.latest,
        node=", ".join(sorted(desired)),
        services=tuple(s for one in told for s in one.services),
        expected=tuple(sorted(current.hashes)) if current else (),
        drift=tuple(d for one in told for d in one.drift),
        causes=outcome.causes
        if outcome and outcome.state == "failed"
        else tuple(c for one in told for c in one.causes),
        ports=_ports(current),
        created_at=application.created_at,
        changed_at=max((one.at for one in told), default=None),
        source=application.source,
        version=version,
        operation=operation if state in ("deploying", "stopping", "removing") else "",
        copies=tuple(_copy(node, desired[node][0], observed.get(node), node in alive) for node in sorted(desired)),
        rollout=rollout,
    )


def rollout_json(rollout: Rollout) -> Mapping[str, object]:
    return {
        "revision": rollout.revision,
        "before": rollout.before,
        "waiting": list(rollout.waiting),
        "acting": list(rollout.acting),
        "done": list(rollout.done),
        "failed": list(rollout.failed),
        "away": list(rollout.away),
        "paused": rollout.paused,
    }


def service_json(service: ServiceObserved, ports: tuple[str, ...] = ()) -> Mapping[str, object]:
    return {
        "name": service.name,
        "state": service.state,
        "health": service.health,
        "action": service.action,
        "cause": service.cause,
        "containers": list(service.containers),
        "image_id": service.image_id,
        "ports": list(ports),
    }


def cause_json(cause: Cause) -> Mapping[str, object]:
    return {
        "service": cause.service,
        "why": cause.why,
        "exit_code": cause.exit_code,
        "last_probe": cause.last_probe,
        "logs": list(cause.logs),
    }


def drift_json(drift: Drift) -> Mapping[str, object]:
    return {"service": drift.service, "what": drift.what, "before": drift.before, "after": drift.after}


def _over_copies(each: Sequence[ServiceObserved]) -> ServiceObserved:
    worst = next((s for s in each if s.state != "running" or s.health not in ("none", "healthy")), each[0])
    return replace(worst, containers=tuple(name for s in each for name in s.containers))


def _copy(node: str, wanted: Desired, seen: Observed | None, on: bool) -> CopyView:
    told = (seen.revision, seen.phase, seen.step) if seen else (0, "pending", "waiting for the agent")
    return CopyView(node, on, wanted.run, wanted.revision, *told)


def _ports(current: Revision | None) -> Mapping[str, tuple[str, ...]]:
    if current is None:
        return {}
    return {
        name: tuple(f"{host or '*'}:{port}/{protocol}" for host, port, protocol in compose.published_ports(service))
        for name, service in compose.services(current.project).items()
    }
