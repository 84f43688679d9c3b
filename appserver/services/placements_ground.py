"""What placements on one cluster are decided on, gathered at one store revision, and what must still hold of it.

A ground that somebody commits on stays true for them: they know what they wrote. What others wrote shows as a conflict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from appserver.core.fleet import Cluster, Cordon, Node
from appserver.core.placement.index import Index
from appserver.core.placement.marks import resident
from appserver.core.placement.partition import split
from appserver.core.placement.placed import Placed
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Request, Reservation, Resident
from appserver.errors import Conflict, Invalid, NotFound
from appserver.ports import KV, Snapshot
from appserver.services.placements_nodes import Remembering, candidate, prefixes, residents
from appserver.store import keys
from appserver.store.records import NODES, find

DUTY = "placements"
"""Every app server stands for it: who stands is who decides placements."""
_STANDING = f"leader/{DUTY}/"
_ALIVE, _RESERVATIONS = "alive/", "reservations/"
_HELD_S, _LONGEST_HELD_S = 0.25, 5.0
_TIMES = 20
"""A ground is held for so many times as long as it took to read."""


@dataclass(frozen=True, slots=True)
class Part:
    """Nodes that are decided on together: their index, which has what was committed through it."""

    index: Index
    nodes: frozenset[str]


@dataclass(slots=True)
class Ground:
    """Nodes are looked into as they are asked about: of a thousand a batch touches some.

    `full`: residents were read too. `names` are records of containers asked about by name; `taken` are names that a
    container has already. Changes with what is committed; for one thread at a time.
    """

    cluster: Cluster
    nodes: Mapping[str, Node]
    schedulers: tuple[str, ...]
    names: Mapping[str, Placed]
    taken: frozenset[str]
    full: bool
    at: float
    """When it was asked for, by the reader's own clock."""
    until: float
    """When it should be read anew: after a time that reading is a small part of."""
    _seen: Snapshot
    _read: Remembering
    _residents: Mapping[str, tuple[Resident, ...]]
    _candidates: dict[str, Candidate] = field(default_factory=dict)
    _fences: dict[str, dict[str, int]] = field(default_factory=dict)
    _shares: dict[str, tuple[frozenset[str], ...]] = field(default_factory=dict)
    """Names of the nodes that are each scheduler's, then of the others."""
    _parts: dict[tuple[Strategy, str, int], Part] = field(default_factory=dict)

    def candidate(self, name: str) -> Candidate:
        if name not in self._candidates:
            self._candidates[name] = self._candidate(name)
        return self._candidates[name]

    def all(self) -> tuple[Candidate, ...]:
        return tuple(self.candidate(name) for name in self.nodes)

    def fence(self, name: str) -> Mapping[str, int]:
        """Its agent is as alive as it was, its reservations are those that were looked at, and nobody has closed it.

        Nor has anybody changed the cluster, or begun to delete it.
        """
        if name not in self._fences:
            wanted = (keys.alive(name), keys.cordon(name), keys.reservation(name), keys.cluster(self.cluster.name))
            self._fences[name] = {key: self._seen.revision_of(key) for key in wanted}
        return self._fences[name]

    def indexes(self, strategy: Strategy, own: str) -> Iterator[Index]:
        """To be tried in this order: the nodes that are `own`'s, then the others. With "" or alone: all at once.

        An index is made when it is asked for: of the others seldom anybody does.
        """
        if own not in self._shares:
            shares = split(tuple(self.nodes.values()), self.schedulers if own else (), own)
            self._shares[own] = tuple(frozenset(node.name for node in some) for some in shares if some)
        for number, names in enumerate(self._shares[own]):
            yield self._part(strategy, own, number, names).index

    def wrote(self, name: str, reservation: Reservation, placed: Sequence[Request], revision: int) -> None:
        """A commit of ours went through, of what the indexes have taken."""
        before, where = self.candidate(name), keys.reservation(name)
        there = (*before.residents, *map(resident, placed)) if self.full else ()
        self._candidates[name] = replace(before, reserved=reservation.holders, residents=there)
        self._fences[name] = {**self.fence(name), where: revision}
        self._read.wrote(where, reservation, revision)

    def follows(self, before: Ground) -> None:
        """Keep what was made of nodes that are as they were then, but for what was committed on that ground."""
        if before.schedulers == self.schedulers and before.nodes.keys() == self.nodes.keys():
            self._shares = before._shares
        if not self.full and not before.full:
            for key, part in before._parts.items():
                if all(self._is_as(before, name) for name in part.nodes):
                    self._parts[key] = part
                    self._candidates.update((name, before.candidate(name)) for name in part.nodes)

    def _is_as(self, before: Ground, name: str) -> bool:
        node = self.nodes.get(name)
        return node is not None and node is before.nodes.get(name) and self.fence(name) == before.fence(name)

    def _part(self, strategy: Strategy, own: str, number: int, names: frozenset[str]) -> Part:
        """One index at a time knows what is committed: another one of the same nodes would not."""
        part = self._parts.get((strategy, own, number))
        if part is None or part.nodes != names:
            part = Part(Index([self.candidate(name) for name in names], strategy, False), names)
            self._parts = {key: one for key, one in self._parts.items() if one.nodes.isdisjoint(names)}
            self._parts[strategy, own, number] = part
        return part

    def _candidate(self, name: str) -> Candidate:
        cordon = self._read.one(self._seen, keys.cordon(name), Cordon)
        held = self._read.one(self._seen, keys.reservation(name), Reservation)
        return candidate(
            self.nodes[name],
            "its agent is away" if keys.alive(name) not in self._seen.items else str(cordon or ""),
            held.holders if held else {},
            self._residents.get(name, ()),
            self.cluster.live,
        )


class Grounds:
    """Reads them: one round trip each. Records that have not changed since the last one are not decoded again."""

    def __init__(self, kv: KV, now: Callable[[], float] = time.monotonic) -> None:
        self._kv = kv
        self._now = now
        self._read = Remembering()

    def now(self) -> float:
        return self._now()

    def __call__(self, cluster: str, full: bool = True, names: Collection[str] = ()) -> Ground:
        """
        Args:
            full: whether anybody asks what runs where. It is most of what there is to read.
            names: of containers that are to be new.
        Raises:
            NotFound: there is no such cluster.
            Invalid: its containers are placed by others.
            Conflict: it is being deleted.
        """
        at = self._now()
        where = keys.cluster(cluster)
        named = [key for name in names for key in (keys.placement(cluster, name), keys.container(cluster, name))]
        more = prefixes(cluster) if full else tuple(named)
        seen = self._kv.snapshot(where, NODES, _ALIVE, _RESERVATIONS, keys.CORDONS, _STANDING, *more)
        found = find(seen, where, Cluster)
        if found is None:
            raise NotFound(f"there is no cluster {cluster}")
        if found.record.kind == "group":
            raise Invalid("cluster", f"{cluster} is a group: place on the cluster that its nodes are of")
        if found.record.kind == "swarm":
            raise Invalid("cluster", f"{cluster} is a swarm: its own managers place what runs there")
        if found.record.going:
            raise Conflict(f"cluster {cluster} is being deleted; whoever puts it on record anew keeps it")
        self._read.forget(seen, NODES, _RESERVATIONS, keys.CORDONS, *(more if full else ()))
        return Ground(
            cluster=found.record,
            nodes={name: node for name, node, _ in self._read(seen, NODES, Node) if _is_of(name, node, cluster)},
            schedulers=tuple(sorted({item.value for key, item in seen.items.items() if key.startswith(_STANDING)})),
            names={name: one.record for name in names if (one := find(seen, keys.placement(cluster, name), Placed))},
            taken=frozenset(name for name in names if keys.container(cluster, name) in seen.items),
            full=full,
            at=at,
            until=at + min(max(_HELD_S, _TIMES * (self._now() - at)), _LONGEST_HELD_S),
            _seen=seen,
            _read=self._read,
            _residents=residents(seen, cluster, self._read) if full else {},
        )


def _is_of(name: str, node: Node, cluster: str) -> bool:
    """An agent writes the record of its node, and may not speak for another."""
    return node.name == name and node.cluster == cluster
