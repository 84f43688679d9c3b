"""Nodes as placement sees them, out of a snapshot: what each has, what is promised there, and what is on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar, cast

from appserver.core.entities import ContainerRecord
from appserver.core.fleet import Node
from appserver.core.in_use import InUse
from appserver.core.placement import placed
from appserver.core.placement.placed import Placed
from appserver.core.placement.request import Candidate, Claim, Resident
from appserver.core.placement.values import parse_image_name
from appserver.errors import BadRecord
from appserver.ports import Snapshot
from appserver.store import keys
from appserver.store.codec import decode
from appserver.store.records import below, skipped

T = TypeVar("T")


class Reading(Protocol):
    """How the records below a prefix are read: `store.records.below`, or one that remembers what it has read."""

    def __call__(self, seen: Snapshot, prefix: str, kind: type[T]) -> Iterable[tuple[str, T, int]]: ...


def plainly(seen: Snapshot, prefix: str, kind: type[T]) -> Iterable[tuple[str, T, int]]:
    """What follows the prefix, the record, and its revision."""
    return ((name, stored.record, stored.revision) for name, stored in below(seen, prefix, kind))


class Remembering:
    """Reads a record anew when its revision has changed, and not before. Called from any thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, object]] = {}

    def __call__(self, seen: Snapshot, prefix: str, kind: type[T]) -> Iterable[tuple[str, T, int]]:
        for key in [key for key in seen.items if key.startswith(prefix)]:
            if (record := self.one(seen, key, kind)) is not None:
                yield key[len(prefix) :], record, seen.items[key].revision

    def one(self, seen: Snapshot, key: str, kind: type[T]) -> T | None:
        """None where it is not there, or cannot be read."""
        item = seen.items.get(key)
        if item is None:
            return None
        held = self._known.get(key)
        if held is None or held[0] != item.revision:
            try:
                held = item.revision, decode(item.value, kind, key)
            except BadRecord as error:
                skipped(key, error)
                return None
            self._known[key] = held
        return cast(T, held[1])  # a key has records of one kind

    def wrote(self, key: str, record: object, revision: int) -> None:
        """Whoever wrote it knows what it says."""
        self._known[key] = revision, record

    def forget(self, seen: Snapshot, *below: str) -> None:
        """What is not there any more of what stood below these prefixes."""
        for key in [key for key in list(self._known) if key.startswith(below) and key not in seen.items]:
            self._known.pop(key, None)


def prefixes(cluster: str) -> tuple[str, str]:
    """What residents are read from."""
    return keys.containers(cluster), keys.placements(cluster)


def candidate(
    node: Node,
    against: str,
    reserved: Mapping[str, Claim],
    residents: Iterable[Resident] = (),
    live: bool = False,
) -> Candidate:
    """
    Args:
        against: why it may not be used now, beside what its own record says; "" for nothing.
        live: what is in use there beyond what is reserved counts in its rank, where somebody measures it.
    """
    bad = next((f"{c.name}: {c.reason}" for c in node.conditions if c.speaks_against), "")
    there = tuple(residents)
    return Candidate(
        name=node.name,
        cpus=node.engine.cpus if node.engine else 0.0,
        memory=node.engine.memory if node.engine else 0,
        labels=node.labels,
        reserved=reserved,
        against=against or bad or ("" if node.engine else "has not reported its engine yet"),
        id=node.name,
        words=words(node.labels),
        images=frozenset(one.image for one in there if one.id),
        residents=there,
        beyond=_beyond(node.in_use, reserved) if live and node.in_use else Claim(),
    )


def _beyond(used: InUse, reserved: Mapping[str, Claim]) -> Claim:
    cpus = used.cpus - sum(claim.cpus for claim in reserved.values())
    memory = used.memory - sum(claim.memory for claim in reserved.values())
    return Claim(max(round(cpus, 6), 0.0), max(memory, 0))


def words(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Citadel's labels of an engine: `gpu` where the label has no value, `zone=a` where it has one."""
    return tuple(f"{name}={value}" if value else name for name, value in labels.items())


def residents(seen: Snapshot, cluster: str, read: Reading = plainly) -> Mapping[str, tuple[Resident, ...]]:
    """By node: containers that are there, and those whose place is kept. Reads what `prefixes` names."""
    there, kept = prefixes(cluster)
    promised = {name: one for name, one, _ in read(seen, kept, Placed)}
    found: defaultdict[str, list[Resident]] = defaultdict(list)
    for name, record, _ in read(seen, there, ContainerRecord):
        mine = promised.get(name)
        if mine and mine.node == record.node:
            del promised[name]
            found[record.node].append(container(name, record, placed.holder(cluster, name), mine.group))
        else:
            found[record.node].append(container(name, record, record.application, record.application))
    for name, one in promised.items():
        found[one.node].append(placed.resident(placed.holder(cluster, name), one))
    return {node: tuple(some) for node, some in found.items()}


def container(name: str, record: ContainerRecord, holder: str, group: str) -> Resident:
    image = str(parse_image_name(record.image)) if record.image else ""
    # Each copy of an application is on record with its node behind the container's name.
    known_as = name.removesuffix(f".{record.node}") if record.application else name
    return Resident(
        name=known_as, image=image, running=record.state == "running", id=record.id or name, group=group, holder=holder
    )
