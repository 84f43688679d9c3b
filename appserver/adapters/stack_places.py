"""Which of the tasks that Swarm remembers count: it keeps several of each place, and of places that are no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from appserver.adapters.engine_state import moment
from appserver.core.compose import HASH
from appserver.core.containers import ContainerState

Json = Mapping[str, Any]

_WANTED = frozenset({"new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running", "complete"})
"""States that Swarm wants a task in which is not to go."""
FAILED = frozenset({"failed", "rejected", "orphaned"})


def present(service: Json, tasks: Sequence[Json], nodes: Mapping[str, Json]) -> Iterator[tuple[Sequence[Json], Json]]:
    """The tasks of each place that are wanted there; where none is, the last one, if it ended by itself. Each with all
    that were in its place. What a service had more of before is no place of it any more.
    """
    run = _iteration(service.get("JobStatus"))
    places: defaultdict[str, list[Json]] = defaultdict(list)
    for task in tasks:
        if _iteration(task) == run:
            places[place_of(service, task)].append(task)
    ended = []
    held = 0
    for place in places.values():
        wanted = [task for task in place if task.get("DesiredState") in _WANTED]
        yield from ((place, task) for task in wanted)
        last = max(place, key=made)
        if wanted:
            held += 1
        elif last["Status"]["State"] in FAILED | {"complete"} and _is_usable(service, last, nodes):
            ended.append((place, last))
    ended.sort(key=lambda one: made(one[1]), reverse=True)
    yield from ended if is_global(service) else ended[: max(0, copies(service) - held)]


def failures(service: Json, known_as: str, place: Sequence[Json]) -> Sequence[Json]:
    """In their order: of the same definition, and since it was last brought about; what was before that is mended."""
    since = moment((service.get("UpdateStatus") or {}).get("StartedAt") or "")
    found = [one for one in place if one["Status"]["State"] in FAILED and _label(one) == known_as]
    return sorted((one for one in found if since is None or made(one) >= since), key=made)


def last_failed(tasks: Sequence[Json], container: ContainerState) -> Json | None:
    """Of those that were in a container's place, with its definition."""
    place = container.name.split(".")[-2]
    failed = [
        task
        for task in tasks
        if task["Status"]["State"] in FAILED
        and place in (str(task.get("Slot", 0)), task.get("NodeID"))
        and _label(task) == container.labels.get(HASH, "")
    ]
    return max(failed, key=made) if failed else None


def place_of(service: Json, task: Json) -> str:
    return str(task.get("NodeID", "") if is_global(service) else task.get("Slot", 0))


def is_global(service: Json) -> bool:
    return not {"Global", "GlobalJob"}.isdisjoint(service["Spec"].get("Mode") or {})


def copies(service: Json) -> int:
    """How many tasks there are to be; of one that is on every node the nodes say."""
    mode = service["Spec"].get("Mode") or {}
    job = mode.get("ReplicatedJob") or {}
    return int((mode.get("Replicated") or {}).get("Replicas", job.get("TotalCompletions", 1)))


def availability(node: Json | None) -> str:
    return str(node["Spec"].get("Availability", "active")) if node else ""


def made(task: Json) -> datetime:
    return moment(str(task["CreatedAt"])) or datetime.min.replace(tzinfo=UTC)


def _is_usable(service: Json, task: Json, nodes: Mapping[str, Json]) -> bool:
    """Whether a service that runs on each node is to run on this task's."""
    node = nodes.get(task.get("NodeID", ""))
    if not is_global(service):
        return True
    return bool(node and node.get("Status", {}).get("State") == "ready" and availability(node) != "drain")


def _iteration(told: Json | None) -> int:
    """How often a job was run before this."""
    return int(((told or {}).get("JobIteration") or {}).get("Index", 0))


def _label(task: Json) -> str:
    return str((task["Spec"]["ContainerSpec"].get("Labels") or {}).get(HASH, ""))
