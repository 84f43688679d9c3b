"""A project as a stack of Swarm mode: the same services, in the words that Swarm has for them.

Swarm knows fewer options than an engine. What it would leave out without a word and what the application may lean on
is refused; what only tunes is left out and told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from appserver.core.compose import Project, Service
from appserver.core.entities import Options
from appserver.core.stack_deploy import deploy
from appserver.core.stack_mounts import MAKERS, listed, tmpfs

_KEPT = frozenset(
    {
        "cap_add", "cap_drop", "command", "credential_spec", "dns", "dns_search", "domainname", "entrypoint",
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
    "group_add": "Swarm has no such option",
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
_ARGV = frozenset({"command", "entrypoint"})
_ADDRESSES = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")
_NETWORK = frozenset({"attachable", "driver", "driver_opts", "external", "internal", "labels", "name"})
_LONGEST = 63
_NAME = re.compile(r"[A-Za-z0-9](?:[-_]*[A-Za-z0-9]+)*")
"""Of a service or network, as Swarm takes it."""


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
    warnings = [f"x-moorage.{option} counts on engines alone: {why}" for option, why in _otherwise(said)]
    made: dict[str, Service] = {}
    for name, service in services.items():
        faults += [(name, why) for why in _misnamed(f"{base.get('name', '')}_{name}")]
        faults += [(f"{name}.{option}", why) for option, why in _REFUSED.items() if service.get(option)]
        left = sorted(o for o, value in service.items() if value and o not in _KEPT | _MADE_OTHERWISE | _SILENT)
        warnings += [f"{name}: {option} counts on engines alone" for option in left if option not in _REFUSED]
        one = {option: _once(option, value) for option, value in service.items() if option in _KEPT}
        for option, make in MAKERS.items():
            if service.get(option):
                found = [make(entry, f"{name}.{option}", faults, warnings) for entry in listed(service[option])]
                one[option] = _once(option, found)
        if service.get("tmpfs"):
            inner = [tmpfs(entry, f"{name}.tmpfs", warnings) for entry in listed(service["tmpfs"])]
            one["volumes"] = [*listed(one.get("volumes") or ()), *inner]
        told, where = deploy(service, said, constraints.get(name, ()))
        faults += [(f"{name}.{place}", why) for place, why in where]
        made[name] = {**_spelled(one, name, faults), "deploy": told}
        warnings += _of_one_node(base, name, service, told)
    project = {
        **base,
        "networks": _networks(base, faults, warnings),
        **{kind: _contents(base, kind, faults) for kind in ("configs", "secrets")},
    }
    return Stack(project, made, tuple(faults), tuple(warnings))


def _otherwise(said: Options) -> Iterator[tuple[str, str]]:
    """Of how it is to be run, what Swarm does in its own way."""
    if said.update.percentage != 100:
        yield "update.percentage", "Swarm does not wait in the middle of an update"
    if said.grace_s is not None:
        yield "grace", "what a lost node ran, Swarm starts elsewhere at once"


def _once(option: str, value: object) -> object:
    """The stack's format takes no entry twice, except of what a container runs."""
    if not isinstance(value, list) or option in _ARGV:
        return value
    return [entry for at, entry in enumerate(value) if entry not in value[:at]]


def _spelled(service: dict[str, Any], name: str, faults: list[tuple[str, str]]) -> dict[str, Any]:
    """Two options that the stack's format writes in another way."""
    if hosts := service.get("extra_hosts"):
        service["extra_hosts"] = [str(one).replace("=", ":", 1) for one in listed(hosts)]
    if isinstance(networks := service.get("networks"), Mapping):
        for network, given in networks.items():
            faults += [
                (f"{name}.networks.{network}.{option}", "Swarm gives a container its addresses")
                for option in _ADDRESSES
                if (given or {}).get(option)
            ]
        known = {"aliases"}
        service["networks"] = {
            network: {option: _once(option, value) for option, value in given.items() if option in known}
            if given
            else None
            for network, given in networks.items()
        }
    return service


def _of_one_node(base: Project, name: str, service: Service, told: Mapping[str, Any]) -> Iterator[str]:
    """What each node has for itself, and a service that moves does not find again."""
    if str(service.get("image", "")).startswith("sha256:"):
        yield f"{name}: its image is in no registry: it starts on nodes that hold it, and on no other"
    if str(told["mode"]).startswith("global") or (told.get("placement") or {}).get("constraints"):
        return
    volumes = cast(Mapping[str, Mapping[str, object] | None], base.get("volumes") or {})
    for one in listed(service.get("volumes") or ()):
        source = one.get("source") if one.get("type") == "volume" else None
        own = volumes.get(str(source)) or {}
        if source and own.get("driver", "local") == "local" and not own.get("driver_opts"):
            yield f"{name}: volume {source} is another on each node: elsewhere it begins empty; a constraint keeps it"


def _networks(base: Project, faults: list[tuple[str, str]], warnings: list[str]) -> dict[str, object]:
    """Over all the nodes, whatever driver one engine would have."""
    found = cast(Mapping[str, Mapping[str, Any] | None], base.get("networks") or {})
    made: dict[str, object] = {}
    for name, given in found.items():
        own = given or {}
        if not own.get("external"):
            faults += [(f"networks.{name}", why) for why in _misnamed(str(own.get("name") or name))]
        mine = {} if own.get("external") or own.get("driver") == "macvlan" else {"driver": "overlay"}
        ipam = own.get("ipam") or {}
        subnets = [{"subnet": one["subnet"]} for one in ipam.get("config") or () if one.get("subnet")]
        kept = {"driver": ipam.get("driver"), "config": subnets}
        left = {option for option in own if option not in _NETWORK and option not in ("ipam", "enable_ipv4")}
        left |= {f"ipam.{option}" for one in ipam.get("config") or () for option in one if option != "subnet"}
        left |= {f"ipam.{option}" for option in ipam if option not in kept}
        warnings += [f"networks.{name}: {option} counts on engines alone" for option in sorted(left)]
        made[name] = {
            **{option: value for option, value in own.items() if option in _NETWORK},
            **({"ipam": {part: value for part, value in kept.items() if value}} if any(kept.values()) else {}),
            **mine,
        }
    return made


def _misnamed(name: str) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield f"{name}: Swarm takes letters, digits, and - or _ between them"
    elif len(name) > _LONGEST:
        yield f"{name}: Swarm takes names of {_LONGEST} characters; this has {len(name)}"


def _contents(base: Project, kind: str, faults: list[tuple[str, str]]) -> Mapping[str, object]:
    found = cast(Mapping[str, Mapping[str, object]], base.get(kind) or {})
    faults += [(f"{kind}.{name}", "Swarm takes one file, no directory") for name in found if "x-files" in found[name]]
    return found
