"""What is to be placed, and where it could go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Port = tuple[str, str, str]
"""Host address ("" means every one), port, protocol."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one holder reserves on a node: cores, bytes, host ports, and whole numbers of whatever else is counted.

    `counted` is by name: `disk` in bytes, `gpus`, and any resource that a node's label `resource.<name>` declares.
    """

    cpus: float = 0.0
    memory: int = 0
    ports: tuple[Port, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict)

    def __or__(self, other: Claim) -> Claim:
        """Enough for either of two that do not run at once."""
        ports = tuple(sorted({*self.ports, *other.ports}))
        names = sorted({*self.counted, *other.counted})
        counted = {name: max(self.counted.get(name, 0), other.counted.get(name, 0)) for name in names}
        return Claim(max(self.cpus, other.cpus), max(self.memory, other.memory), ports, counted)


@dataclass(frozen=True, slots=True)
class Reservation:
    """`reservations/<node>`: what every holder (`<cluster>.<app>`) has been promised there."""

    holders: Mapping[str, Claim] = field(default_factory=dict)

    def with_claim(self, holder: str, claim: Claim) -> Reservation:
        return Reservation({**self.holders, holder: claim})

    def without(self, holder: str) -> Reservation:
        return Reservation({name: claim for name, claim in self.holders.items() if name != holder})


@dataclass(frozen=True, slots=True)
class Resident:
    """A container on a node, as far as others may want to be near it or far from it.

    `image` has its tag. One that is stopped takes a slot, and no more. `holder` is whose reservation it runs on;
    what a holder replaces by asking anew does not stand in its own way.
    """

    name: str
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    running: bool = True
    id: str = ""
    group: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One container, or one application, to place.

    `constraints`, `affinities` are Classic Swarm's expressions, such as `storage==ssd` and `container!=db*`.
    """

    holder: str
    claim: Claim
    constraints: tuple[str, ...] = ()
    stays_on: str = ""
    """The node that runs it already: it is kept while it fits."""
    type: str = ""
    """Chooses the scheduler; "" has none, and asks of a node nothing that the other fields do not say."""
    name: str = ""
    """Of the container; "" where it has none that anyone could refer to."""
    image: str = ""
    labels: tuple[str, ...] = ()
    """Citadel's: exact words, of which a node must have every one."""
    container_labels: Mapping[str, str] = field(default_factory=dict)
    affinities: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()
    """Nodes by name, of which it must be one; empty for any."""
    beside: tuple[str, ...] = ()
    """Containers it depends on, by name: links, volumes_from, network_mode container:…"""
    group: str = ""
    """Who its replicas are, for `spread_by`."""
    spread_by: str = ""
    """A label of nodes: its group is kept even over the values of it."""
    prefer_image: bool = False
    """Whether a node that holds the image comes before others that are as wished for otherwise."""
    reschedulable: bool = False
    """Whether it may be moved, which is a restart, so that another fits."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One node of the cluster. `against` is why it may not be used now, or ""; `reserved` is by holder."""

    name: str
    cpus: float
    memory: int
    labels: Mapping[str, str] = field(default_factory=dict)
    reserved: Mapping[str, Claim] = field(default_factory=dict)
    against: str = ""
    id: str = ""
    """The engine's, where it has one of its own."""
    words: tuple[str, ...] = ()
    """Citadel's labels of an engine, beside `labels`: exact words."""
    counted: Mapping[str, int] = field(default_factory=dict)
    """How much of each counted resource there is, beside what `labels` declare."""
    images: frozenset[str] = frozenset()
    """With their tags."""
    residents: tuple[Resident, ...] = ()
    beyond: Claim = Claim()
    """What is in use beyond what is reserved, as its agent saw it: it counts in the rank, and refuses nobody."""

    def taken_by_others(self, holder: str) -> tuple[Claim, ...]:
        if holder not in self.reserved:
            return tuple(self.reserved.values())
        return tuple(claim for name, claim in self.reserved.items() if name != holder)
