"""What a move to another cluster comes to: the plan of the target, and all that is otherwise there, or stays here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from appserver.core import compose, plan, secrets
from appserver.core.compose import Project, Service
from appserver.core.deployment import DeployPlan
from appserver.core.entities import AppKey, Revision
from appserver.core.plan import Step, ValueChange

_OWN = ("image", f"labels.{compose.APPLICATION}", f"labels.{compose.HASH}")
"""What no person has said: an image stays at its digest."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Data that is not copied: a volume, or a directory of the hosts."""

    kind: str
    """`volume` or `bind`."""
    name: str
    services: tuple[str, ...]

    def to_json(self) -> Mapping[str, object]:
        return {"kind": self.kind, "name": self.name, "services": list(self.services)}


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """`there` is the target's own plan; `removed` is what goes here once that is in force."""

    key: AppKey
    there: DeployPlan
    steps: tuple[Step, ...]
    diff: str
    nodes: tuple[str, ...]
    """Those it leaves."""
    behind: tuple[Behind, ...]
    routes: tuple[str, ...]
    """That change hands: host and path."""
    stopped: bool
    token: str

    @property
    def to(self) -> str:
        return self.there.key.cluster

    def to_json(self) -> Mapping[str, object]:
        return {
            "application": str(self.key),
            "to": self.to,
            "changed": True,
            "token": self.token,
            "nodes": list(self.there.nodes),
            "leaves": list(self.nodes),
            "steps": plan.to_json(self.steps),
            "warnings": list(self.there.warnings),
            "commits": dict(self.there.commits),
            "diff": self.diff,
            "behind": [one.to_json() for one in self.behind],
            "routes": list(self.routes),
            "stopped": self.stopped,
        }


def transfer_plan(
    key: AppKey, current: Revision, there: DeployPlan, left: str, nodes: tuple[str, ...], stopped: bool
) -> TransferPlan:
    """
    Args:
        current: what is moved.
        left: how people have left the old application.
        nodes: those it is on now.
    """
    record = cast(Revision, there.record)  # an application that is not there yet gets its first
    here = (
        Step("remove", f"{name} in {key.cluster}", f"once all of it is {_there(stopped)} in {there.key.cluster}")
        for name in sorted(current.hashes)
    )
    come = (_coming(step, key, current.project, record.project, there.node) for step in there.steps)
    return TransferPlan(
        key=key,
        there=there,
        steps=(*come, *here),
        diff=compose.diff(current.project, record.project),
        nodes=nodes,
        behind=tuple(behind(current.project)),
        routes=tuple(sorted(one.address for one in record.options.expose)),
        stopped=stopped,
        token=hashlib.sha256(f"{left}\n{there.token}".encode()).hexdigest()[:32],
    )


def behind(project: Project) -> Iterator[Behind]:
    """What its services write to outside of their containers, by name; nothing of what is made anew each time."""
    found: dict[tuple[str, str], list[str]] = {}
    named = cast(Mapping[str, Mapping[str, object] | None], project.get("volumes") or {})
    for service, definition in sorted(compose.services(project).items()):
        for mount in cast(Iterable[Mapping[str, Any]], definition.get("volumes") or ()):
            kind, source = str(mount.get("type", "")), str(mount.get("source") or "")
            if kind in ("volume", "bind") and source:
                name = str((named.get(source) or {}).get("name") or source) if kind == "volume" else source
                found.setdefault((kind, name), []).append(service)
    for (kind, name), services in sorted(found.items(), reverse=True):
        yield Behind(kind, name, tuple(dict.fromkeys(services)))


def _coming(step: Step, key: AppKey, before: Project, after: Project, nodes: str) -> Step:
    if step.action != "create":
        return step
    changes = tuple(_changes(_service(before, step.subject), _service(after, step.subject)))
    told = f"from {key.cluster}, on {nodes}" + ("; run otherwise there" if changes else "")
    return replace(step, cause=told, changes=changes)


def _changes(before: Service, after: Service) -> Iterator[ValueChange]:
    """Every option that is not as it was, secrets masked."""
    old, new = dict(_flat("", secrets.masked(before))), dict(_flat("", secrets.masked(after)))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name) and name not in _OWN:
            yield ValueChange(name, old.get(name), new.get(name))


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for part, one in value.items():
            yield from _flat(f"{name}.{part}" if name else str(part), one)
    elif name:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _service(project: Project, name: str) -> Service:
    return compose.services(project).get(name, {})


def _there(stopped: bool) -> str:
    return "on record" if stopped else "up"
