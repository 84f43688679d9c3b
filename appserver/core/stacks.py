"""A project as a stack of Swarm mode: the same services, in the words that Swarm has for them.

Swarm knows fewer options than an engine. What it would leave out without a word and what the application may lean on
is refused; what only tunes is left out and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from appserver.core.compose import Project, Service
from appserver.core.entities import Options
from appserver.core.stack_deploy import deploy

NODE = "moorage.node"
"""A label of Swarm's nodes: by which name the node is on record."""

_KEPT = frozenset(
    {
        "cap_add", "cap_drop", "command", "credential_spec", "dns", "dns_opt", "dns_search", "domainname", "entrypoint",
        "environment", "expose", "extra_hosts", "healthcheck", "hostname", "image", "init", "isolation", "labels",
        "logging", "networks", "read_only", "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tty",
        "ulimits", "user", "working_dir",
    }
)  # fmt: skip
_MADE_OTHERWISE = frozenset(
    {
        "configs", "cpus", "deploy", "mem_limit", "mem_reservation", "pids_limit", "ports", "restart", "scale",
        "secrets", "tmpfs", "volumes",
    }
)  # fmt: skip
_REFUSED: Mapping[str, str] = {
    "cgroup": "a stack's containers have control groups of their own",
    "device_cgroup_rules": "Swarm gives a container no devices",
    "devices": "Swarm gives a container no devices",
    "external_links": "containers of a stack find each other by their networks",
    "gpus": "Swarm gives a container no devices; reserve a generic resource",
    "ipc": "Swarm has no such option",
    "links": "containers of a stack find each other by their networks",
    "network_mode": "a stack's containers are in its networks",
    "pid": "Swarm has no such option",
    "post_start": "Swarm runs no hooks",
    "pre_stop": "Swarm runs no hooks",
    "privileged": "Swarm has no privileged containers",
    "runtime": "Swarm has no such option",
    "security_opt": "Swarm has no such option",
    "userns_mode": "Swarm has no such option",
    "uts": "Swarm has no such option",
    "volumes_from": "name the volume in both services",
}
_SILENT = frozenset({"build", "profiles", "pull_policy", "attach", "develop"})
"""Of no meaning once an image is named."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far Swarm is with one service: `state` is its update's (`updating`, `paused`, …), "" for none."""

    state: str
    message: str
    old: int
    """Tasks that are still of what was before."""
    tasks: int


@dataclass(frozen=True, slots=True)
class Stack:
    """The project, and what was refused or left out of it, each with its place."""

    project: Project
    services: Mapping[str, Service]
    faults: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


def stack(
    base: Project, services: Mapping[str, Service], said: Options, constraints: Mapping[str, Iterable[str]]
) -> Stack:
    """
    Args:
        services: effective, as Compose renders them.
        constraints: service to expressions of placement, as labels and configuration give them.
    """
    faults: list[tuple[str, str]] = []
    warnings: list[str] = []
    made: dict[str, Service] = {}
    for name, service in services.items():
        faults += [(f"{name}.{option}", why) for option, why in _REFUSED.items() if service.get(option)]
        left = sorted(o for o, value in service.items() if value and o not in _KEPT | _MADE_OTHERWISE | _SILENT)
        warnings += [f"{name}: {option} counts on engines alone" for option in left if option not in _REFUSED]
        one = {option: value for option, value in service.items() if option in _KEPT}
        for option, make in _MAKERS.items():
            if service.get(option):
                one[option] = [make(entry, f"{name}.{option}", faults) for entry in _list(service[option])]
        if service.get("tmpfs"):
            one["volumes"] = [*_list(one.get("volumes") or ()), *map(_tmpfs, _list(service["tmpfs"]))]
        told, where = deploy(service, said, constraints.get(name, ()))
        faults += [(f"{name}.{place}", why) for place, why in where]
        made[name] = {**_spelled(one), "deploy": told}
    project = {**base, **_networks(base), **{kind: _contents(base, kind, faults) for kind in ("configs", "secrets")}}
    return Stack(project, made, tuple(faults), tuple(warnings))


def _spelled(service: dict[str, Any]) -> dict[str, Any]:
    """Two options that the stack's format writes in another way."""
    if hosts := service.get("extra_hosts"):
        service["extra_hosts"] = [str(one).replace("=", ":", 1) for one in _list(hosts)]
    if isinstance(networks := service.get("networks"), Mapping):
        known = {"aliases"}
        service["networks"] = {
            name: {option: value for option, value in given.items() if option in known} if given else None
            for name, given in networks.items()
        }
    return service


def _networks(base: Project) -> dict[str, object]:
    """Over all the nodes, whatever driver one engine would have."""
    found = cast(Mapping[str, Mapping[str, object] | None], base.get("networks") or {})
    made = {}
    for name, given in found.items():
        own = given or {}
        mine = {} if own.get("external") or own.get("driver") == "macvlan" else {"driver": "overlay"}
        made[name] = {**{option: value for option, value in own.items() if option != "enable_ipv4"}, **mine}
    return {"networks": made}


def _contents(base: Project, kind: str, faults: list[tuple[str, str]]) -> Mapping[str, object]:
    found = cast(Mapping[str, Mapping[str, object]], base.get(kind) or {})
    faults += [(f"{kind}.{name}", "Swarm takes one file, no directory") for name in found if "x-files" in found[name]]
    return found


def _port(given: Mapping[str, Any], where: str, faults: list[tuple[str, str]]) -> dict[str, object]:
    published = str(given.get("published") or "")
    if given.get("host_ip"):
        faults.append((where, f"{given['host_ip']}: a stack's ports are published on all addresses of a node"))
    if "-" in published:
        faults.append((where, f"{published}: Swarm publishes single ports"))
        published = ""
    known = {"target": int(given["target"]), "protocol": given.get("protocol", "tcp"), "mode": given.get("mode")}
    return {**{name: value for name, value in known.items() if value}, **_number("published", published)}


def _volume(given: Mapping[str, Any], where: str, faults: list[tuple[str, str]]) -> dict[str, object]:
    kind = str(given.get("type"))
    if kind not in ("bind", "volume", "tmpfs"):
        faults.append((where, f"{kind}: Swarm mounts volumes, binds and tmpfs"))
    made = {name: given[name] for name in ("type", "source", "target", "read_only", "consistency") if name in given}
    options = {"bind": ("propagation",), "volume": ("nocopy", "subpath"), "tmpfs": ("size", "mode")}
    own = {name: value for name, value in (given.get(kind) or {}).items() if name in options.get(kind, ())}
    return {**made, kind: own} if own else made


def _mounted(given: object, _: str, __: list[tuple[str, str]]) -> dict[str, object]:
    one = given if isinstance(given, Mapping) else {"source": given}
    mode = one.get("mode")
    number = int(mode, 8) if isinstance(mode, str) else mode
    return {
        **{name: one[name] for name in ("source", "target", "uid", "gid") if name in one},
        **_number("mode", number),
    }


def _tmpfs(given: object) -> dict[str, object]:
    return {"type": "tmpfs", "target": str(given).partition(":")[0]}


def _number(name: str, value: object) -> dict[str, int]:
    return {} if value in (None, "") else {name: int(str(value))}


def _list(value: object) -> list[Any]:
    if isinstance(value, Mapping):
        return [f"{name}={one}" for name, one in value.items()]
    return [*value] if isinstance(value, (list, tuple)) else [value]


_MAKERS: Mapping[str, Callable[[Any, str, list[tuple[str, str]]], dict[str, object]]] = {
    "configs": _mounted,
    "ports": _port,
    "secrets": _mounted,
    "volumes": _volume,
}
