"""Swarm's JSON of one stack to our values: each task as a container, and how far each service's update is."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from appserver.adapters.engine_state import moment, printable
from appserver.adapters.stack_places import FAILED, availability, copies, failures, is_global, place_of, present
from appserver.core.compose import APPLICATION, HASH
from appserver.core.containers import ContainerState
from appserver.core.stack_deploy import NODE
from appserver.core.swarm_nodes import Member
from appserver.core.swarm_progress import Progress

Json = Mapping[str, Any]

NAMESPACE = "com.docker.stack.namespace"
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
        for place, task in present(service, mine[service["ID"]], known)
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
    managing = node.get("ManagerStatus") or {}
    return Member(
        node["ID"],
        spec.get("Labels") or {},
        spec.get("Availability", "active"),
        leader=bool(managing.get("Leader")),
        manager=spec.get("Role") == "manager",
        votes=bool(managing),
        reachable=managing.get("Reachability") == "reachable",
        ready=(node.get("Status") or {}).get("State") == "ready",
        version=(node.get("Version") or {}).get("Index", 0),
    )


def unused(kept: Collection[str], found: Iterable[Json]) -> tuple[str, ...]:
    """Ids of configs or secrets that no service mounts by now."""
    return tuple(one["ID"] for one in found if one["Spec"]["Name"] not in kept)


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
    if is_global(service):
        left = [task for task in left if availability(nodes.get(task.get("NodeID", ""))) != "pause"]
    message = printable(told.get("Message", ""))
    return Progress(told.get("State", ""), message, len(left), len(wanted), _is_begun(service, tasks))


def _is_begun(service: Json, tasks: Sequence[Json]) -> bool:
    """Whether Swarm has made a task of the present definition, where it is to: on every node, the nodes say whether."""
    if is_global(service) or not copies(service) or not tasks:
        return True
    return any(_is_of(task["Spec"], service["Spec"]["TaskTemplate"]) for task in tasks)


def _is_of(spec: Json, template: Json) -> bool:
    parts = ("ContainerSpec", "Resources", "ForceUpdate")
    return all(spec.get(part) == template.get(part) for part in parts)


def _container(
    project: str, service: Json, task: Json, place: Sequence[Json], nodes: Mapping[str, Json]
) -> ContainerState:
    status, spec = task["Status"], task["Spec"]
    about, template = spec["ContainerSpec"], service["Spec"]["TaskTemplate"]
    labels = about.get("Labels") or {}
    failed = failures(service, labels.get(HASH, ""), place)
    last = (failed[-1] if failed else task)["Status"]
    limits = (spec.get("Resources") or {}).get("Limits") or {}
    name = f"{service['Spec']['Name']}.{place_of(service, task)}.{task['ID']}"
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
        exit_code=_exit_code(last),
        started_at=moment(status.get("Timestamp", "")) if status["State"] == "running" else None,
        restart_count=len(failed),
        labels=labels,
        error=printable(str(status.get("Err") or last.get("Err") or "")),
        memory=limits.get("MemoryBytes") or 0,
        cpus=(limits.get("NanoCPUs") or 0) / 1e9,
        restart=_restart(template.get("RestartPolicy") or {}),
        networks=_networks(task),
        published=_published(task, service),
        node=_node(node) if node else "",
    )


def _exit_code(status: Json) -> int:
    """What never ran, or was ill and ended well when it was told to, did not end well."""
    told = int((status.get("ContainerStatus") or {}).get("ExitCode") or 0)
    return told or int(status["State"] in FAILED)


def _state(state: str) -> str:
    """In an engine's words where it has one for it; else in Swarm's."""
    return "exited" if state in FAILED | {"complete", "shutdown"} else state


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


def _has_probe(about: Json) -> bool:
    test: Sequence[str] = (about.get("Healthcheck") or {}).get("Test") or ()
    return bool(test) and test[0] != "NONE"


def _short(project: str, service: Json) -> str:
    return str(service["Spec"]["Name"]).removeprefix(f"{project}_")


def _node(node: Json) -> str:
    """By the name that is on record, where an agent has said it; else its host's own."""
    return str((node["Spec"].get("Labels") or {}).get(NODE) or node["Description"]["Hostname"])
