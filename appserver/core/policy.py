"""What a merged project may ask for. Applied to the result, so no layer can carry a privilege past it.

An administrator may ask for anything Docker offers; everyone else is refused what reaches beyond the
application's own containers, networks and volumes.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from appserver.core.compose import Project, Service, published_ports, services

Violation = tuple[str, str]
"""Where in the project, and why not."""

HOST_MODES = ("pid", "ipc", "userns_mode", "uts", "cgroup")
"""Options that share one of the host's namespaces when they say `host`, or another's with `container:`."""

FORBIDDEN: Mapping[str, str] = {
    "privileged": "a privileged container owns the host",
    "cap_add": "added capabilities reach beyond the container",
    "devices": "host devices are for administrators",
    "device_cgroup_rules": "host devices are for administrators",
    "gpus": "host devices are for administrators",
    "runtime": "another runtime is for administrators",
    "cgroup_parent": "leaves the cgroup that limits it",
    "sysctls": "kernel settings are for administrators",
    "credential_spec": "host credentials are for administrators",
    "volumes_from": "takes another container's volumes",
    "external_links": "links to another application's containers",
    "use_api_socket": "hands the engine's socket to the container",
    "provider": "runs a program on the host",
    "models": "runs a model on the host",
    "develop": "is for a developer's machine",
    "oom_kill_disable": "can exhaust the host's memory",
    "isolation": "is for administrators",
}

_OWN_NETWORKS = ("", "none", "bridge", "default")
"""Network modes that reach nobody's network; any other word is to the engine the name of one, whosever it is."""
_LOCAL_LOGS = (None, "", "json-file", "local", "journald", "none")
"""Log drivers with which the engine, root on the host, calls no address that the project names."""
_METADATA = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))
_PRIVILEGED_PORT = 1024


def violations(project: Project, bind_roots: Sequence[str] = ()) -> tuple[Violation, ...]:
    """Every reason against the project, in order; empty when it may run for anyone.

    Args:
        bind_roots: host directories below which binds are allowed.
    """
    found: list[Violation] = []
    for name, service in services(project).items():
        for rule in _SERVICE_RULES:
            found += [(f"{name}.{where}", why) for where, why in rule(service, bind_roots)]
    for kind in ("networks", "volumes"):
        for name, given in cast(Mapping[str, object], project.get(kind) or {}).items():
            found += [(f"{kind}.{name}{where}", why) for where, why in _shared(kind, given, str(project.get("name")))]
    for kind in ("configs", "secrets"):
        for name, given in cast(Mapping[str, object], project.get(kind) or {}).items():
            if isinstance(given, Mapping) and given.get("file"):
                found.append((f"{kind}.{name}.file", "is a file of the host"))
            if isinstance(given, Mapping) and given.get("external"):
                found.append((f"{kind}.{name}.external", "belongs to somebody else"))
    return tuple(found)


def _forbidden(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    for option, why in FORBIDDEN.items():
        if service.get(option):
            yield option, why


def _namespaces(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    for option in HOST_MODES:
        value = str(service.get(option) or "")
        if value == "host":
            yield option, "shares the host's namespace"
        elif value.startswith("container:"):
            yield option, "shares another container's namespace"


def _network_mode(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    mode = str(service.get("network_mode") or "")
    if mode not in _OWN_NETWORKS and not mode.startswith("service:"):
        yield "network_mode", f"{mode} is not a network of this application's own"


def _security(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    """What confines more is one option; every other one can lift something, by a profile, a label or a word."""
    for value in cast(Sequence[object], service.get("security_opt") or ()):
        if not str(value).startswith("no-new-privileges"):
            yield "security_opt", f"{value} may lift the container's confinement"


def _logging(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    logging = service.get("logging")
    driver = logging.get("driver") if isinstance(logging, Mapping) else None
    if driver not in _LOCAL_LOGS:
        yield "logging.driver", f"with {driver} the host itself sends to wherever the project says"


def _out_of_memory(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    if int(str(service.get("oom_score_adj") or 0)) < 0:
        yield "oom_score_adj", "below 0 has the kernel end the host's own programs first"


def _binds(service: Service, roots: Sequence[str]) -> Iterator[Violation]:
    for volume in cast(Sequence[Mapping[str, object]], service.get("volumes") or ()):
        if volume.get("type") not in ("volume", "tmpfs", "bind"):
            yield "volumes", f"mounts of type {volume.get('type')} are for administrators"
        if volume.get("type") == "bind" and not _within(str(volume.get("source") or "/"), roots):
            allowed = ", ".join(roots) or "none"
            yield "volumes", f"binds {volume.get('source')}, outside the allowed directories ({allowed})"


def _tmpfs(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    given = service.get("tmpfs") or ()
    for value in (given,) if isinstance(given, str) else cast(Sequence[object], given):
        flags = str(value).partition(":")[2].split(",")
        if {"exec", "suid", "dev"} & set(flags):
            yield "tmpfs", f"{value} permits what a tmpfs must not"


def _ports(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    for _host, port, protocol in published_ports(service):
        if int(port.partition("-")[0]) < _PRIVILEGED_PORT:
            yield "ports", f"host port {port}/{protocol} is below {_PRIVILEGED_PORT}"


def _hosts(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    given = service.get("extra_hosts") or ()
    texts = (
        [str(v) for v in given.values()]
        if isinstance(given, Mapping)
        else [str(v) for v in cast(Sequence[object], given)]
    )
    for text in texts:
        address = text.replace("=", ":", 1).partition(":")[2] or text
        try:
            parsed = ipaddress.ip_address(address.strip("[]"))
        except ValueError:
            continue
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        if any(parsed in network for network in _METADATA if parsed.version == network.version):
            yield "extra_hosts", f"{address} is a link-local address"


def _hooks(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    for option in ("pre_start", "post_start", "pre_stop"):
        for hook in cast(Sequence[Mapping[str, object]], service.get(option) or ()):
            if hook.get("privileged") or str(hook.get("user", "")).partition(":")[0] in ("root", "0"):
                yield option, "runs with more rights than the container"


def _builds(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    build = service.get("build")
    if isinstance(build, Mapping):
        for option in ("privileged", "entitlements", "ssh"):
            if build.get(option):
                yield f"build.{option}", "reaches beyond the build"
        if build.get("network") == "host":
            yield "build.network", "shares the host's network"


def _devices(service: Service, _: Sequence[str]) -> Iterator[Violation]:
    deploy = service.get("deploy")
    resources = deploy.get("resources") if isinstance(deploy, Mapping) else None
    reservations = resources.get("reservations") if isinstance(resources, Mapping) else None
    if isinstance(reservations, Mapping) and reservations.get("devices"):
        yield "deploy.resources.reservations.devices", "host devices are for administrators"


_SERVICE_RULES: tuple[Callable[[Service, Sequence[str]], Iterator[Violation]], ...] = (
    _forbidden,
    _namespaces,
    _network_mode,
    _security,
    _logging,
    _out_of_memory,
    _binds,
    _tmpfs,
    _ports,
    _hosts,
    _hooks,
    _builds,
    _devices,
)


def _shared(kind: str, given: object, project: str) -> Iterator[Violation]:
    """A name that does not begin with the project's own is taken over by Compose where it exists already."""
    if not isinstance(given, Mapping):
        return
    if not str(given.get("name") or f"{project}_").startswith(f"{project}_"):
        yield ".name", f"{given['name']} may belong to somebody else; leave the name out, or begin it with {project}_"
    if given.get("external"):
        yield ".external", f"these {kind} belong to somebody else"
    if given.get("driver_opts"):
        yield ".driver_opts", "driver options can reach the host's devices and directories"
    if given.get("driver") not in (None, "", "local", "bridge", "overlay"):
        yield ".driver", f"the driver {given['driver']} is for administrators"
    ipam = given.get("ipam")
    if isinstance(ipam, Mapping) and ipam.get("config"):
        yield ".ipam.config", "a subnet of its own can take the routes by which the host reaches others"
    if isinstance(ipam, Mapping) and ipam.get("driver") not in (None, "", "default"):
        yield ".ipam.driver", f"the driver {ipam['driver']} is for administrators"


def _within(path: str, roots: Sequence[str]) -> bool:
    clean = posixpath.normpath(path)
    return any(clean == root or clean.startswith(f"{root.rstrip('/')}/") for root in map(posixpath.normpath, roots))
