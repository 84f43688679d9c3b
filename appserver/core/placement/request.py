"""What is to be placed, and where it could go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Port = tuple[str, str, str]
"""Host address ("" means every one), port, protocol."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one holder reserves on a node: cores, bytes, host ports."""

    cpus: float = 0.0
    memory: int = 0
    ports: tuple[Port, ...] = ()

    def __or__(self, other: Claim) -> Claim:
        """Enough for either of two that do not run at once."""
        ports = tuple(sorted({*self.ports, *other.ports}))
        return Claim(max(self.cpus, other.cpus), max(self.memory, other.memory), ports)


@dataclass(frozen=True, slots=True)
class Reservation:
    """`reservations/<node>`: what every holder (`<cluster>.<app>`) has been promised there."""

    holders: Mapping[str, Claim] = field(default_factory=dict)

    def with_claim(self, holder: str, claim: Claim) -> Reservation:
        return Reservation({**self.holders, holder: claim})

    def without(self, holder: str) -> Reservation:
        return Reservation({name: claim for name, claim in self.holders.items() if name != holder})


@dataclass(frozen=True, slots=True)
class Request:
    """One application to place. `constraints` are Classic Swarm's expressions, such as `storage==ssd`."""

    holder: str
    claim: Claim
    constraints: tuple[str, ...] = ()
    stays_on: str = ""
    """The node that runs it already: it is kept while it fits."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One node of the cluster. `against` is why it may not be used now, or ""; `reserved` is by holder."""

    name: str
    cpus: float
    memory: int
    labels: Mapping[str, str] = field(default_factory=dict)
    reserved: Mapping[str, Claim] = field(default_factory=dict)
    against: str = ""

    def taken_by_others(self, holder: str) -> tuple[Claim, ...]:
        return tuple(claim for name, claim in self.reserved.items() if name != holder)
