"""What `x-moorage.expose` makes of a project: ports that the engine publishes, and what cannot be reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from appserver.core.compose import Project, Service, services
from appserver.core.expose import Expose

_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # compared with, not bound to


def faults(exposes: tuple[Expose, ...], project: Project) -> tuple[tuple[str, str], ...]:
    """What of a project cannot be reached as it says."""
    found = services(project)
    return tuple(
        (f"x-moorage.expose: {one.address}", why)
        for one in exposes
        if (why := _why_not(found.get(one.service), one.service))
    )


def with_ports(service: Service, name: str, exposes: tuple[Expose, ...], mode: str = "ingress") -> Service:
    """The service with a host port of the engine's choice for each exposed port that it does not publish itself.

    So containers of two revisions can be up on one node at once.

    Args:
        mode: of these ports. In a Swarm `host`: on the node of each container, and not on all.
    """
    if str(service.get("network_mode", "")).startswith("host"):
        return service
    given = cast(list[Mapping[str, Any]], service.get("ports") or [])
    known = {int(one["target"]) for one in given if _is_reached(one)}
    wanted = sorted({one.port for one in exposes if one.service == name} - known)
    more = [{"mode": mode, "protocol": "tcp", "target": port} for port in wanted]
    return {**service, "ports": [*given, *more]} if more else service


def _why_not(service: Service | None, name: str) -> str:
    if service is None:
        return f"there is no service {name}"
    mode = str(service.get("network_mode", ""))
    if mode == "none" or mode.startswith(("service:", "container:")):
        return f"{name} has no network of its own that a port could be published of (network_mode: {mode})"
    return ""


def _is_reached(port: Mapping[str, Any]) -> bool:
    """Whether a published port is one that other hosts reach."""
    return port.get("protocol", "tcp") == "tcp" and str(port.get("host_ip") or "") in _EVERYWHERE
