"""What is on a node against what a revision says, one difference at a time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from appserver.core import compose
from appserver.core.containers import ContainerState
from appserver.core.entities import Observed, Revision
from appserver.core.plan import Action

UP = frozenset({"running", "restarting"})
FINISHED = "finished"
"""State of a service whose containers ended by themselves, with code 0, and are not to be started again."""
_LEFTOVER = re.compile(r"[0-9a-f]{12}_.+")
_CONDITIONS = {"none": "no", "any": "always", "on-failure": "on-failure"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the revision says, and what would mend it."""

    service: str
    what: str
    wanted: str
    found: str
    mend: Action
    containers: tuple[str, ...] = ()
    """Ids of those that are to go, or to be resumed."""

    @property
    def cause(self) -> str:
        return _CAUSES.get(self.what, "{what} {wanted} → {found}").format(
            what=self.what, wanted=self.wanted, found=self.found
        )


_CAUSES: Mapping[str, str] = {
    "missing": "{found} of {wanted} containers",
    "surplus": "{found} containers, {wanted} wanted",
    "definition": "configuration changed",
    "image": "image changed",
    "stopped": "{found}",
    "paused": "was paused",
    "extra": "no longer in the project",
    "leftover": "left behind by an interrupted recreate",
    "running": "is to be stopped",
    "memory": "memory was {found}, {wanted} wanted",
    "cpus": "cpus were {found}, {wanted} wanted",
    "restart": "restart policy was {found}, {wanted} wanted",
    "settings": "the service in the Swarm was changed by hand",
    "networks": "was in networks {found}, {wanted} wanted",
}


def of_running(
    revision: Revision, containers: Sequence[ContainerState], observed: Observed | None, ended: Collection[str]
) -> Iterator[Difference]:
    """Of an application that is to run, in the order of services; arguments as `reconcile.plan`."""
    known = observed.adopted if observed else {}
    done = _finished(observed)
    wanted = compose.services(revision.project)
    for name in sorted({*wanted, *service_names(containers)}):
        mine = [c for c in containers if c.service == name]
        if name not in wanted:
            yield Difference(name, "extra", "absent", _states(mine), "remove", tuple(c.id for c in mine))
            continue
        leftover = [c for c in mine if is_leftover(c)]
        if leftover:
            yield Difference(name, "leftover", "absent", _states(leftover), "remove", tuple(c.id for c in leftover))
        kept = [c for c in mine if not is_leftover(c)]
        yield from _of_service(revision, name, wanted[name], kept, known, frozenset(ended), name in done, observed)


def hash_of(container: ContainerState, adopted: Mapping[str, str]) -> str:
    """Our hash of the definition it runs: its label, or what it was taken over as."""
    return container.labels.get(compose.HASH) or adopted.get(container.id, "")


def is_leftover(container: ContainerState) -> bool:
    """Made by Compose to replace another, under a name for the time being, and never started."""
    return container.state == "created" and bool(_LEFTOVER.fullmatch(container.name))


def is_finished(container: ContainerState) -> bool:
    """Ended well, and the engine is not to start it again."""
    again = not container.restart.startswith(("no", "on-failure"))
    return container.state == "exited" and container.exit_code == 0 and not again


def service_names(containers: Iterable[ContainerState]) -> tuple[str, ...]:
    return tuple(sorted({c.service for c in containers}))


def _of_service(
    revision: Revision,
    name: str,
    service: compose.Service,
    mine: Sequence[ContainerState],
    adopted: Mapping[str, str],
    ended: Collection[str],
    was_finished: bool,
    observed: Observed | None,
) -> Iterator[Difference]:
    count = compose.wanted(service, len(mine))
    if len(mine) < count:
        yield Difference(name, "missing", str(count), str(len(mine)), "create")
    elif len(mine) > count:
        yield Difference(name, "surplus", str(count), str(len(mine)), "none")
    wanted = revision.hashes.get(name, "")
    stale = [c for c in mine if hash_of(c, adopted) != wanted]
    if stale:
        yield Difference(name, "definition", wanted[:12], hash_of(stale[0], adopted)[:12] or "unknown", "recreate")
    fresh = [c for c in mine if c not in stale]
    facts = revision.images.get(name)
    if facts and facts.origin == "engine":
        moved = [c for c in fresh if c.image_id not in ("", facts.id) and c.id not in adopted]
        if moved:
            yield Difference(name, "image", facts.id[:19], moved[0].image_id[:19], "recreate")
    over = {c.id for c in fresh if is_finished(c) and (was_finished or c.id in ended)}
    down = [c for c in fresh if c.state in ("exited", "dead", "created") and c.id not in over]
    if down:
        yield Difference(name, "stopped", "running", _states(down), "start")
    paused = [c for c in fresh if c.state == "paused"]
    if paused:
        yield Difference(name, "paused", "running", "paused", "start")
    made = observed.stack.get(name, "") if observed else ""
    other = [c for c in fresh if made and c.config_hash != made]
    if other:
        yield Difference(name, "settings", made[:12], other[0].config_hash[:12], "recreate")
    by_hand = dict.fromkeys(
        deviation
        for c in fresh
        if c.state in UP
        for deviation in _deviations(*_made_from(revision, name, service, c.id in adopted), c)
    )
    for what, is_wanted, found in by_hand:
        yield Difference(name, what, is_wanted, found, "recreate")


def _made_from(
    revision: Revision, name: str, service: compose.Service, is_adopted: bool
) -> tuple[compose.Project, compose.Service]:
    """The definition of a running container: one that was taken over has seen none of our layers yet."""
    own = compose.services(revision.base).get(name) if is_adopted else None
    return (revision.base, own) if own is not None else (revision.project, service)


def _deviations(
    project: compose.Project, service: compose.Service, running: ContainerState
) -> Iterator[tuple[str, str, str]]:
    """What somebody changed on a running container by hand. A limit that the engine could not set is none."""
    memory, cpus = _limit(service, "mem_limit", "memory"), _limit(service, "cpus", "cpus")
    restart, networks = _restart_policy(service), _networks(project, service)
    if running.memory and memory is not None and running.memory != int(memory):
        yield "memory", str(int(memory)), str(running.memory)
    if running.cpus and cpus is not None and abs(running.cpus - cpus) > 1e-6:
        yield "cpus", f"{cpus:g}", f"{running.cpus:g}"
    if running.restart != restart:
        yield "restart", restart, running.restart
    if networks is not None and set(running.networks) != networks:
        yield "networks", " ".join(sorted(networks)) or "none", " ".join(running.networks) or "none"


def _limit(service: compose.Service, option: str, resource: str) -> float | None:
    """0 for no limit; None for a text that is no number."""
    deploy = cast(Mapping[str, Mapping[str, Mapping[str, object]]], service.get("deploy") or {})
    limits = (deploy.get("resources") or {}).get("limits") or {}
    try:
        return float(str(service.get(option) or limits.get(resource) or 0))
    except ValueError:
        return None


def _restart_policy(service: compose.Service) -> str:
    if service.get("restart"):
        return str(service["restart"])
    deploy = cast(Mapping[str, Mapping[str, object]], service.get("deploy") or {})
    policy = deploy.get("restart_policy") or {}
    name = _CONDITIONS.get(str(policy.get("condition", "")), "no") if policy else "no"
    most = policy.get("max_attempts")
    return f"{name}:{most}" if name == "on-failure" and most else name


def _networks(project: compose.Project, service: compose.Service) -> set[str] | None:
    """Full names; None where the service has no networks of its own."""
    if service.get("network_mode"):
        return None
    named = cast(Mapping[str, Mapping[str, object] | None], project.get("networks") or {})
    asked = service.get("networks")
    if not isinstance(asked, Mapping):
        return None
    return {str((named.get(n) or {}).get("name") or f"{project.get('name')}_{n}") for n in asked}


def _finished(observed: Observed | None) -> frozenset[str]:
    """Services that were seen to end well, unless they were stopped since, or are about to be started."""
    if observed is None or observed.phase == "stopped":
        return frozenset()
    at_rest = observed.phase in ("done", "failed")
    return frozenset(s.name for s in observed.services if s.state == FINISHED and (at_rest or s.action == "none"))


def _states(containers: Sequence[ContainerState]) -> str:
    told = [f"exited with code {c.exit_code}" if c.state == "exited" else c.state for c in containers]
    return ", ".join(dict.fromkeys(told))
