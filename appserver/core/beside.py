"""Which services can have new containers started beside the old ones, and which containers are the old ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from appserver.core import compose
from appserver.core.containers import ContainerState
from appserver.core.differences import hash_of, is_leftover
from appserver.core.entities import Revision
from appserver.core.reconcile import ReconcilePlan


@dataclass(frozen=True, slots=True)
class Beside:
    """`scale`: containers of each service while both are there; `old`: ids of those that go once the others are up."""

    scale: Mapping[str, int]
    old: tuple[str, ...]

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(sorted(self.scale))


def beside(revision: Revision, plan: ReconcilePlan, containers: Sequence[ContainerState]) -> Beside | None:
    """What of a plan is done start-first; None where nothing is, by its author's wish or because it cannot be."""
    if revision.options.update.order != "start-first":
        return None
    scale: dict[str, int] = {}
    old: list[str] = []
    for name in plan.up:
        service = compose.services(revision.project).get(name)
        mine = [c for c in containers if c.service == name and not is_leftover(c)]
        stale = [c for c in mine if hash_of(c, {}) != revision.hashes.get(name)]
        if service and why_not(service) == "" and any(c.state == "running" for c in stale):
            scale[name] = len(stale) + compose.replicas(service)
            old += [c.id for c in stale]
    return Beside(scale, tuple(old)) if scale else None


def without(plan: ReconcilePlan, services: Sequence[str]) -> ReconcilePlan:
    """What else there is to do."""
    return replace(plan, up=tuple(name for name in plan.up if name not in services))


def why_not(service: compose.Service) -> str:
    """What two containers of it could not both have; "" where there is no such thing."""
    if service.get("container_name"):
        return "has a name of its own"
    if compose.published_ports(service):
        return "publishes a fixed port"
    mode = str(service.get("network_mode", ""))
    if mode == "host":
        return "is in the host's network"
    if mode.startswith(("service:", "container:")):
        return "is in another container's network"
    if service.get("mac_address"):
        return "has a fixed address"
    volumes = cast(Sequence[Mapping[str, object]], service.get("volumes") or ())
    if any(volume.get("type") in ("volume", "bind") and not volume.get("read_only") for volume in volumes):
        return "writes to a volume"
    networks = cast(Mapping[str, Mapping[str, object] | None], service.get("networks") or {})
    if any(given and (given.get("ipv4_address") or given.get("ipv6_address")) for given in networks.values()):
        return "has a fixed address"
    return ""
