"""Docker Engine's JSON to our values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from appserver.core import compose
from appserver.core.containers import ContainerProcess, ContainerState, EngineEvent, ImageFacts, SwarmMember

Json = Mapping[str, Any]

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
CONFIG_HASH = "com.docker.compose.config-hash"
ONE_OFF = "com.docker.compose.oneoff"
_PROBE_LIMIT = 2_000
_NOT_ENTERED = "starting setns process"
"""In what runc says when nothing can be run in a container: its root is unmounted on the host, after a restart that met
a probe under way. It stays so until it is started again."""
_LINE_LIMIT = 16_384
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # compared with, not bound to
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_]|.)?", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def from_list(item: Json) -> ContainerState:
    """What one entry of the engine's list says; see `Engine.containers` for what it does not."""
    labels = item.get("Labels") or {}
    return ContainerState(
        id=item["Id"],
        name=item["Names"][0].lstrip("/") if item.get("Names") else item["Id"][:12],
        project=labels.get(PROJECT, ""),
        service=labels.get(SERVICE, ""),
        state=item["State"],
        image=item["Image"],
        image_id=item["ImageID"],
        config_hash=labels.get(CONFIG_HASH, ""),
        health=_health_in(item.get("Status", "")),
        labels=labels,
        networks=_networks(item),
    )


def from_inspect(found: Json) -> ContainerState:
    state, config, host = found["State"], found["Config"], found["HostConfig"]
    labels = config.get("Labels") or {}
    health = state.get("Health") or {}
    return ContainerState(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        project=labels.get(PROJECT, ""),
        service=labels.get(SERVICE, ""),
        state=state["Status"],
        image=config["Image"],
        image_id=found["Image"],
        config_hash=labels.get(CONFIG_HASH, ""),
        health=_health(health),
        exit_code=state["ExitCode"],
        started_at=moment(state.get("StartedAt", "")),
        last_probe=_last_probe(health),
        probe_ran=_probe_ran(health),
        restart_count=found.get("RestartCount", 0),
        labels=labels,
        error=printable("killed because its memory ran out" if state.get("OOMKilled") else state.get("Error", "")),
        memory=host.get("Memory") or 0,
        cpus=(host.get("NanoCpus") or 0) / 1e9,
        restart=_restart(host.get("RestartPolicy") or {}),
        networks=_networks(found),
        published=_published(found),
        in_host_network=host.get("NetworkMode") == "host",
    )


def swarm(told: Json) -> SwarmMember | None:
    """What the engine says of its part in a Swarm. Only a manager tells which Swarm it is."""
    if told.get("LocalNodeState") != "active":
        return None
    cluster = (told.get("Cluster") or {}).get("ID", "")
    return SwarmMember(cluster, told.get("NodeID", ""), bool(told.get("ControlAvailable")))


def process(item: Json, pid: int) -> ContainerProcess:
    """One entry of the engine's list, with the first process of it."""
    labels = item.get("Labels") or {}
    name = item["Names"][0].lstrip("/") if item.get("Names") else item["Id"][:12]
    application, service, project = (labels.get(label, "") for label in (compose.APPLICATION, SERVICE, PROJECT))
    return ContainerProcess(item["Id"], name, pid, application, service, project, item["Image"], item["ImageID"])


def named(item: Json, tags: Mapping[str, Sequence[str]]) -> str:
    """The image of a listed container by a name that has a tag: as it was started, else as the engine calls it now."""
    given = str(item["Image"])
    known = sorted(tag for tag in tags.get(item["ImageID"], ()) if not tag.startswith(compose.KEPT))
    repository_given = repository(given)
    if given in known or not known:
        return given
    return next((tag for tag in known if repository(tag) == repository_given), known[0])


def is_still(known: ContainerState, listed: ContainerState) -> bool:
    """Whether the list's entry says of a container what was known of it."""
    return (known.name, known.state, known.health, known.networks) == (
        listed.name,
        listed.state,
        listed.health,
        listed.networks,
    )


def facts(found: Json, reference: str, origin: Literal["engine", "registry"] = "engine") -> ImageFacts:
    """An inspected image. The pin is of the repository that was asked for, where the engine knows its digest there."""
    digests = sorted(found.get("RepoDigests") or ())
    wanted = repository(reference)
    pin = next((one for one in digests if one.partition("@")[0] == wanted), digests[0] if digests else found["Id"])
    return ImageFacts(reference, found["Id"], pin, (found.get("Config") or {}).get("Labels") or {}, origin)


def repository(reference: str) -> str:
    """A reference without its tag or digest."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def event(item: Json) -> EngineEvent:
    actor = item.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    network = item.get("Type") == "network"
    return EngineEvent(
        action=str(item.get("Action", "")),
        container_id=attributes.get("container", "") if network else actor.get("ID", ""),
        project="" if network else attributes.get(PROJECT, ""),
        service="" if network else attributes.get(SERVICE, ""),
        at=item.get("timeNano", 0) / 1e9,
    )


def usage(state: ContainerState, sample: Json) -> Mapping[str, object]:
    """One sample of the engine's statistics in plain units."""
    memory = sample.get("memory_stats") or {}
    kinds = memory.get("stats") or {}
    cache = kinds.get("total_inactive_file") or kinds.get("inactive_file") or 0
    return {
        "name": state.name,
        "service": state.service,
        "cpu_seconds": ((sample.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage", 0) / 1e9,
        "memory": max(0, (memory.get("usage") or 0) - cache),
        "memory_limit": memory.get("limit") or 0,
        "pids": (sample.get("pids_stats") or {}).get("current") or 0,
        "at": sample.get("read", ""),
    }


def lines(chunks: Iterable[bytes]) -> Iterable[str]:
    """Chunks of output to lines of text without terminal control; one that never ends is cut into pieces."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield from _pieces(line)
        if len(rest) > _LINE_LIMIT:
            yield from _pieces(rest)
            rest = b""
    if rest:
        yield from _pieces(rest)


def printable(text: str) -> str:
    """Without escape sequences and other characters that change what a terminal or a page shows."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def _pieces(line: bytes) -> Iterable[str]:
    for start in range(0, max(len(line), 1), _LINE_LIMIT):
        text = line[start : start + _LINE_LIMIT].decode(errors="replace").rstrip("\r")
        yield printable(text).replace("\n", " ")


def _health(health: Json) -> str:
    status = health.get("Status") or "none"
    return status if status in ("starting", "healthy", "unhealthy") else "none"


def _health_in(status: str) -> str:
    """`Up 3 minutes (healthy)`, the only place where the list speaks of health."""
    told = re.search(r"\((healthy|unhealthy|health: starting)\)", status)
    return told[1].removeprefix("health: ") if told else "none"


def _last_probe(health: Json) -> str:
    log = health.get("Log") or ()
    if not log:
        return ""
    text = printable(str(log[-1].get("Output", ""))).strip()[-_PROBE_LIMIT:]
    return f"exit code {log[-1].get('ExitCode')}: {text}" if text else f"exit code {log[-1].get('ExitCode')}"


def _probe_ran(health: Json) -> bool:
    """A program that is missing and one that ran for too long have the number -1 as well, and are the author's."""
    last: Json = (health.get("Log") or ({},))[-1]
    return last.get("ExitCode") != -1 or _NOT_ENTERED not in str(last.get("Output", ""))


def _restart(policy: Json) -> str:
    name, most = policy.get("Name") or "no", policy.get("MaximumRetryCount") or 0
    return f"{name}:{most}" if name == "on-failure" and most else name


def _networks(found: Json) -> tuple[str, ...]:
    return tuple(sorted((found.get("NetworkSettings") or {}).get("Networks") or ()))


def _published(found: Json) -> Mapping[int, int]:
    """Bindings of one address alone are left out: other hosts need not reach that."""
    ports = (found.get("NetworkSettings") or {}).get("Ports") or {}
    reached = {
        int(inner.removesuffix("/tcp")): sorted(int(one["HostPort"]) for one in bound if one["HostIp"] in _EVERYWHERE)
        for inner, bound in ports.items()
        if inner.endswith("/tcp") and bound
    }
    return {inner: outer[0] for inner, outer in reached.items() if outer}


def moment(text: str) -> datetime | None:
    """RFC 3339 with nanoseconds; the engine says year 1 for never."""
    if not text or text.startswith("0001-"):
        return None
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{fraction[:6]:0<6}").replace(tzinfo=UTC)
