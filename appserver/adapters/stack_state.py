"""Swarm's JSON of one stack to our values: each task as a container, and how far each service's update is."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from appserver.adapters.engine_state import moment, printable
from appserver.core.compose import APPLICATION, HASH
from appserver.core.containers import ContainerState
from appserver.core.stacks import NODE, Progress
from appserver.core.swarm_nodes import Member

Json = Mapping[str, Any]

NAMESPACE = "com.docker.stack.namespace"
_WANTED = frozenset({"new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running", "complete"})
"""States that Swarm wants a task in which is not to go."""
_FAILED = frozenset({"failed", "rejected", "orphaned"})
_RESTART = {"any": "always", "none": "no"}


def containers(
    project: str, services: Sequence[Json], tasks: Sequence[Json], nodes: Sequence[Json]
) -> tuple[ContainerState, ...]:
    """What runs or is to run, by service and name, which ends with the id of its task."""
    known = {one["ID"]: one for one in nodes}
    mine = _by_service(tasks)
    found = (
        _container(project, service, task, place, known)
        for service in services
        for place, task in _present(service, mine[service["ID"]], known)
    )
    return tuple(sorted(found, key=lambda c: (c.service, c.name)))


def progress(
    project: str, services: Sequence[Json], tasks: Sequence[Json], nodes: Sequence[Json]
) -> Mapping[str, Progress]:
    """By service."""
    known = {one["ID"]: one for one in nodes}
    mine = _by_service(tasks)
    return {_short(project, one): _progress(one, mine[one["ID"]], known) for one in services}


def owners(services: Sequence[Json]) -> frozenset[str]:
    """Of each the application that it was made for, "" for none."""
    about = (one["Spec"]["TaskTemplate"].get("ContainerSpec") or {} for one in services)
    return frozenset(str((one.get("Labels") or {}).get(APPLICATION, "")) for one in about)


def member(node: Json) -> Member:
    spec = node["Spec"]
    leads = bool((node.get("ManagerStatus") or {}).get("Leader"))
    return Member(node["ID"], spec.get("Labels") or {}, spec.get("Availability", "active"), leads)


def last_failed(tasks: Sequence[Json]) -> Json | None:
    failed = [task for task in tasks if task["Status"]["State"] in _FAILED]
    return max(failed, key=_made) if failed else None


def _by_service(tasks: Sequence[Json]) -> Mapping[str, Sequence[Json]]:
    found: defaultdict[str, list[Json]] = defaultdict(list)
    for task in tasks:
        found[task["ServiceID"]].append(task)
    return found


def _progress(service: Json, tasks: Sequence[Json], nodes: Mapping[str, Json]) -> Progress:
    """Of a service that runs on each node, Swarm leaves alone what is on one that is paused, until that is over."""
    told = service.get("UpdateStatus") or {}
    wanted = [task for task in tasks if task.get("DesiredState") == "running"]
    template = service["Spec"]["TaskTemplate"]
    left = [task for task in wanted if not _is_of(task["Spec"], template)]
    if _is_global(service):
        left = [task for task in left if _availability(nodes.get(task.get("NodeID", ""))) != "pause"]
    return Progress(told.get("State", ""), printable(told.get("Message", "")), len(left), len(wanted))


def _is_of(spec: Json, template: Json) -> bool:
    parts = ("ContainerSpec", "Resources", "ForceUpdate")
    return all(spec.get(part) == template.get(part) for part in parts)


def _present(service: Json, tasks: Sequence[Json], nodes: Mapping[str, Json]) -> Iterator[tuple[Sequence[Json], Json]]:
    """The tasks of each place that are wanted there; where none is, the last one, if it ended by itself. Each with all
    that were in its place. What a service had more of before is no place of it any more.
    """
    run = _iteration(service.get("JobStatus"))
    places: defaultdict[str, list[Json]] = defaultdict(list)
    for task in tasks:
        if _iteration(task) == run:
            places[_place(service, task)].append(task)
    ended = []
    held = 0
    for place in places.values():
        wanted = [task for task in place if task.get("DesiredState") in _WANTED]
        yield from ((place, task) for task in wanted)
        last = max(place, key=_made)
        if wanted:
            held += 1
        elif last["Status"]["State"] in _FAILED | {"complete"} and _is_usable(service, last, nodes):
            ended.append((place, last))
    ended.sort(key=lambda one: _made(one[1]), reverse=True)
    yield from ended if _is_global(service) else ended[: max(0, _copies(service) - held)]


def _place(service: Json, task: Json) -> str:
    return str(task.get("NodeID", "") if _is_global(service) else task.get("Slot", 0))


def _is_global(service: Json) -> bool:
    return not {"Global", "GlobalJob"}.isdisjoint(service["Spec"].get("Mode") or {})


def _is_usable(service: Json, task: Json, nodes: Mapping[str, Json]) -> bool:
    """Whether a service that runs on each node is to run on this task's."""
    node = nodes.get(task.get("NodeID", ""))
    if not _is_global(service):
        return True
    return bool(node and node.get("Status", {}).get("State") == "ready" and _availability(node) != "drain")


def _availability(node: Json | None) -> str:
    return str(node["Spec"].get("Availability", "active")) if node else ""


def _copies(service: Json) -> int:
    mode = service["Spec"].get("Mode") or {}
    job = mode.get("ReplicatedJob") or {}
    return int((mode.get("Replicated") or {}).get("Replicas", job.get("TotalCompletions", 1)))


def _iteration(told: Json | None) -> int:
    """How often a job was run before this."""
    return int(((told or {}).get("JobIteration") or {}).get("Index", 0))


def _container(
    project: str, service: Json, task: Json, place: Sequence[Json], nodes: Mapping[str, Json]
) -> ContainerState:
    status, spec = task["Status"], task["Spec"]
    about, template = spec["ContainerSpec"], service["Spec"]["TaskTemplate"]
    labels = about.get("Labels") or {}
    failures = _failures(service, labels.get(HASH, ""), place)
    last = (failures[-1] if failures else task)["Status"]
    limits = (spec.get("Resources") or {}).get("Limits") or {}
    name = f"{service['Spec']['Name']}.{_place(service, task)}.{task['ID']}"
    node = nodes.get(task.get("NodeID", ""))
    return ContainerState(
        id=(status.get("ContainerStatus") or {}).get("ContainerID") or task["ID"],
        name=name,
        project=project,
        service=_short(project, service),
        state=_state(status["State"]),
        image=about["Image"],
        image_id="",
        config_hash=_digest(service["Spec"]),
        health="healthy" if status["State"] == "running" and _has_probe(about) else "none",
        exit_code=int((last.get("ContainerStatus") or {}).get("ExitCode") or 0),
        started_at=moment(status.get("Timestamp", "")) if status["State"] == "running" else None,
        restart_count=len(failures),
        labels=labels,
        error=printable(str(status.get("Err") or last.get("Err") or "")),
        memory=limits.get("MemoryBytes") or 0,
        cpus=(limits.get("NanoCPUs") or 0) / 1e9,
        restart=_restart(template.get("RestartPolicy") or {}),
        networks=_networks(task),
        published=_published(task, service),
        node=_node(node) if node else "",
    )


def _failures(service: Json, known_as: str, place: Sequence[Json]) -> Sequence[Json]:
    """In their order: of the same definition, and since it was last brought about; what was before that is mended."""
    since = moment((service.get("UpdateStatus") or {}).get("StartedAt") or "")
    found = [one for one in place if one["Status"]["State"] in _FAILED and _label(one) == known_as]
    return sorted((one for one in found if since is None or _made(one) >= since), key=_made)


def _state(state: str) -> str:
    """In an engine's words where it has one for it; else in Swarm's."""
    return "exited" if state in _FAILED | {"complete", "shutdown"} else state


def _digest(spec: Json) -> str:
    """Of what somebody could have changed by hand. How many copies there are is looked at by itself."""
    task = {name: value for name, value in spec["TaskTemplate"].items() if name not in ("ForceUpdate", "Networks")}
    told = _without_ids({**spec, "TaskTemplate": task, "Mode": sorted(spec.get("Mode") or {})})
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _without_ids(value: Any) -> Any:
    """A config that was made anew has another id, and the name it had."""
    if isinstance(value, Mapping):
        return {name: _without_ids(one) for name, one in value.items() if name not in ("ConfigID", "SecretID")}
    return [_without_ids(one) for one in value] if isinstance(value, list) else value


def _restart(policy: Json) -> str:
    name, most = str(policy.get("Condition") or "any"), policy.get("MaxAttempts") or 0
    return f"on-failure:{most}" if name == "on-failure" and most else _RESTART.get(name, name)


def _networks(task: Json) -> tuple[str, ...]:
    """But the one by which Swarm leads to published ports."""
    specs = [one["Network"]["Spec"] for one in task.get("NetworksAttachments") or ()]
    return tuple(sorted(spec["Name"] for spec in specs if not spec.get("Ingress")))


def _published(task: Json, service: Json) -> Mapping[int, int]:
    """TCP ports of the task's own node, and those that Swarm publishes on every node."""
    own = ((task["Status"].get("PortStatus") or {}).get("Ports")) or ()
    shared = (service.get("Endpoint") or {}).get("Ports") or ()
    ports = [*(one for one in shared if one.get("PublishMode") == "ingress"), *own]
    tcp = [one for one in ports if one.get("Protocol", "tcp") == "tcp" and one.get("PublishedPort")]
    return {one["TargetPort"]: one["PublishedPort"] for one in tcp}


def _made(task: Json) -> datetime:
    return moment(str(task["CreatedAt"])) or datetime.min.replace(tzinfo=UTC)


def _has_probe(about: Json) -> bool:
    test: Sequence[str] = (about.get("Healthcheck") or {}).get("Test") or ()
    return bool(test) and test[0] != "NONE"


def _label(task: Json) -> str:
    return str((task["Spec"]["ContainerSpec"].get("Labels") or {}).get(HASH, ""))


def _short(project: str, service: Json) -> str:
    return str(service["Spec"]["Name"]).removeprefix(f"{project}_")


def _node(node: Json) -> str:
    """By the name that is on record, where an agent has said it; else its host's own."""
    return str((node["Spec"].get("Labels") or {}).get(NODE) or node["Description"]["Hostname"])


def unused(kept: Iterable[str], found: Iterable[Json]) -> tuple[tuple[str, str], ...]:
    """Id and name of configs or secrets that no service mounts by now."""
    names = {*kept}
    return tuple((one["ID"], one["Spec"]["Name"]) for one in found if one["Spec"]["Name"] not in names)
