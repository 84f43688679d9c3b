"""The table of options: every name that is accepted, its kind of value, its rule, and who may give it.

`docs/config-sources.md` is made from it. Compose's name is the canonical one; Haven's and the short
names of labels are further names for the same option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from image_config.attached import CONFIGS, DEVICES, SECRETS
from image_config.environment import ENVIRONMENT, PLACED_ON
from image_config.kinds import Kind
from image_config.lists import trees, words
from image_config.model import Path
from image_config.mounts import HAVEN_MOUNTS, TMPFS, VOLUMES
from image_config.networking import DEPENDS_ON, EXTRA_HOSTS, LINKS, NETWORK_OR_MODE, NETWORKS, VOLUMES_FROM_CONTAINERS
from image_config.ports import PORTS
from image_config.records import BLKIO, CREDENTIAL_SPEC, DEPLOY, HEALTHCHECK, LOGGING, ULIMITS
from image_config.scalars import (
    ANY,
    BOOLEAN,
    COMMAND,
    CORES,
    DURATION,
    INTEGER,
    MICROSECONDS,
    NUMBER,
    RESTART,
    SIZE,
    TEXT,
    any_tree,
    choice,
    integer,
    size,
    text,
)
from image_config.shapes import Map

_RENDERED = "is read by Compose when it renders the compose file; write it there"
_BUILT = "is about building; it belongs in the compose file"
_WATCHED = "is for `docker compose watch`; it belongs in the compose file"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a service. `compose_only` is the reason why no other layer may give it."""

    name: str
    kind: Kind
    privileged: bool = False
    compose_only: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A further name: where its value goes, and how it is read where that differs from the option."""

    path: Path
    kind: Kind
    origin: str


OPTIONS: Mapping[str, Option] = {option.name: option for option in (
    Option("annotations", Map()),
    Option("attach", BOOLEAN),
    Option("blkio_config", BLKIO),
    Option("build", ANY, compose_only=_BUILT),
    Option("cap_add", words(), privileged=True),
    Option("cap_drop", words()),
    Option("cgroup", choice("host", "private"), privileged=True),
    Option("cgroup_parent", TEXT, privileged=True),
    Option("command", COMMAND),
    Option("configs", CONFIGS, privileged=True),
    Option("container_name", text(r"[A-Za-z0-9][A-Za-z0-9_.-]+", "a container's name", "is not a container's name")),
    Option("cpu_count", INTEGER),
    Option("cpu_percent", NUMBER),
    Option("cpu_period", MICROSECONDS),
    Option("cpu_quota", MICROSECONDS),
    Option("cpu_rt_period", MICROSECONDS),
    Option("cpu_rt_runtime", MICROSECONDS),
    Option("cpu_shares", integer(0)),
    Option("cpus", CORES),
    Option("cpuset", text(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", "`0-2`, `1,3`", "is not a set like 0-2 or 1,3")),
    Option("credential_spec", CREDENTIAL_SPEC, privileged=True),
    Option("depends_on", DEPENDS_ON),
    Option("deploy", DEPLOY),
    Option("develop", ANY, privileged=True, compose_only=_WATCHED),
    Option("device_cgroup_rules", words(), privileged=True),
    Option("devices", DEVICES, privileged=True),
    Option("dns", words()),
    Option("dns_opt", words()),
    Option("dns_search", words()),
    Option("domainname", TEXT),
    Option("entrypoint", COMMAND),
    Option("env_file", ANY, privileged=True, compose_only=_RENDERED),
    Option("environment", ENVIRONMENT),
    Option("expose", words()),
    Option("extends", ANY, privileged=True, compose_only=_RENDERED),
    Option("external_links", words(), privileged=True),
    Option("extra_hosts", EXTRA_HOSTS, privileged=True),
    Option("gpus", any_tree("`all`, or a list as in Compose"), privileged=True),
    Option("group_add", words()),
    Option("healthcheck", HEALTHCHECK),
    Option("hostname", TEXT),
    Option("image", TEXT),
    Option("init", BOOLEAN),
    Option("ipc", TEXT, privileged=True),
    Option("isolation", TEXT, privileged=True),
    Option("label_file", ANY, privileged=True, compose_only=_RENDERED),
    Option("labels", Map()),
    Option("links", LINKS, privileged=True),
    Option("logging", LOGGING),
    Option("mac_address", TEXT),
    Option("mem_limit", SIZE),
    Option("mem_reservation", SIZE),
    Option("mem_swappiness", integer(-1, 100)),
    Option("memswap_limit", size(minus_one=True)),
    Option("models", ANY, privileged=True),
    Option("network_mode", TEXT, privileged=True),
    Option("networks", NETWORKS, privileged=True),
    Option("oom_kill_disable", BOOLEAN, privileged=True),
    Option("oom_score_adj", integer(-1000, 1000), privileged=True),
    Option("pid", TEXT, privileged=True),
    Option("pids_limit", INTEGER),
    Option("platform", TEXT),
    Option("ports", PORTS),
    Option("post_start", trees("list of hooks, as in Compose"), privileged=True),
    Option("pre_start", trees("list of hooks, as in Compose"), privileged=True),
    Option("pre_stop", trees("list of hooks, as in Compose"), privileged=True),
    Option("privileged", BOOLEAN, privileged=True),
    Option("profiles", words(), compose_only=_RENDERED),
    Option("provider", ANY, privileged=True),
    Option("pull_policy", TEXT),
    Option("pull_refresh_after", DURATION),
    Option("read_only", BOOLEAN),
    Option("restart", RESTART),
    Option("runtime", TEXT, privileged=True),
    Option("scale", integer(0)),
    Option("secrets", SECRETS, privileged=True),
    Option("security_opt", words(), privileged=True),
    Option("shm_size", SIZE),
    Option("stdin_open", BOOLEAN),
    Option("stop_grace_period", DURATION),
    Option("stop_signal", TEXT),
    Option("storage_opt", Map(from_list=False, syntax="map of text"), privileged=True),
    Option("sysctls", Map(), privileged=True),
    Option("tmpfs", TMPFS, privileged=True),
    Option("tty", BOOLEAN),
    Option("ulimits", ULIMITS),
    Option("umask", any_tree("file mode")),
    Option("use_api_socket", BOOLEAN, privileged=True),
    Option("user", TEXT),
    Option("userns_mode", TEXT, privileged=True),
    Option("uts", TEXT, privileged=True),
    Option("volumes", VOLUMES, privileged=True),
    Option("volumes_from", words("list of `service[:ro]` or `container:name[:ro]`"), privileged=True),
    Option("working_dir", TEXT),
)}  # fmt: skip


def _haven(option: str, kind: Kind | None = None, *below: str) -> Name:
    return Name((option, *below), kind or OPTIONS[option].kind, "Haven")


def _short(option: str) -> Name:
    return Name((option,), OPTIONS[option].kind, "short")


NAMES: Mapping[str, Name] = {
    **{name: Name((name,), option.kind, "Compose") for name, option in OPTIONS.items()},
    "blkioWeight": _haven("blkio_config", BLKIO.fields["weight"], "weight"),
    "cpuPeriod": _haven("cpu_period"),
    "cpuQuota": _haven("cpu_quota"),
    "cpuShares": _haven("cpu_shares"),
    "cpusetCpus": _haven("cpuset"),
    "dnsSearch": _haven("dns_search"),
    "extraHosts": _haven("extra_hosts"),
    "memoryLimit": _haven("mem_limit"),
    "memoryReservation": _haven("mem_reservation"),
    "memorySwap": _haven("memswap_limit"),
    "mounts": _haven("volumes", HAVEN_MOUNTS),
    "name": _haven("container_name"),
    "network": _haven("networks", NETWORK_OR_MODE),
    "node": _haven("environment", PLACED_ON, "constraint:node=="),
    "securityOpt": _haven("security_opt"),
    "volumeBinds": _haven("volumes"),
    "volumesFrom": _haven("volumes_from", VOLUMES_FROM_CONTAINERS),
    "env": _short("environment"),
    "memory": _short("mem_limit"),
}

REFUSED: Mapping[str, str] = {
    "application": "an application's name is where it is deployed, not an option of its containers",
    "cluster": "a cluster is where an application is deployed, not an option of its containers",
    "cpusetMems": "Compose has no option for memory nodes",
    "id": "an id is the engine's to give",
    "imageId": "an image id is known to one engine alone; write image with a digest",
    "kernelMemory": "Docker Engine has removed the limit of kernel memory",
    "publishAllPorts": "Compose cannot publish every exposed port; list them under ports",
    "reschedule": "a container stays on its node; moving it is a deployment",
    "services": "a file here configures one container; write its options at the top",
    "version": "a file here configures one container and has no version",
    "volumeDriver": "declare the volume with its driver in the compose file, and name it under volumes",
}
"""Haven's keys that nothing can apply any more, and what people write by habit."""

HARMLESS = {"publishAllPorts": False}
"""Refused keys whose one value asks for what is the case anyway; Haven's exports hold it."""

_EXCLUSIVE: tuple[tuple[tuple[Path, ...], tuple[Path, ...]], ...] = (
    ((("network_mode",),), (("networks",),)),
    ((("restart",),), (("deploy", "restart_policy"),)),
    ((("cpus",),), (("cpu_quota",), ("cpu_period",))),
    ((("healthcheck", "test"),), (("healthcheck", "disable"),)),
)
EXCLUSIVE = (*_EXCLUSIVE, *((other, one) for one, other in _EXCLUSIVE))
"""What Compose or the engine does not take together, or of which one hides the other: from a stronger layer, the
first takes the weaker second away."""

INCLUDE = "include"
"""The one key of a file that is no option."""


def privileged(path: Path) -> bool:
    """Whether the option reaches beyond its own container, so that no stranger may give it."""
    option = OPTIONS.get(path[0])
    return option is None or option.privileged
