"""What Swarm is to know of its nodes: their labels, and that nothing new is to be placed on one. Pure.

Our record rules what it says. What else somebody told Swarm by hand stays. `swarm_managers.py` says who manages it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from appserver.core.fleet import Cordon, Node
from appserver.core.stack_deploy import NODE

Availability = Literal["active", "pause", "drain"]

CORDON = "moorage.cordon"
"""A label of ours: that we took the node out, so that we may put it back."""
LABELS = "moorage.recorded"
"""A label of ours: the names of those that the record gave it, so that one which it has no more goes. Those that the
role `engine` gave it are named by `moorage.labels`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node as Swarm has it."""

    id: str
    labels: Mapping[str, str]
    availability: str
    leader: bool = False
    manager: bool = False
    """What it is to be. Whether it is one by now is what `votes` says."""
    votes: bool = False
    """It is on the managers' list, and counts in their majority."""
    reachable: bool = False
    """It votes, and takes part."""
    ready: bool = True
    """Not down."""
    version: int = 0
    """Of what Swarm has on record of it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one is to be told."""

    id: str
    labels: Mapping[str, str]
    availability: str
    role: str = ""
    """`manager` or `worker`; empty: as it is."""
    version: int = 0
    """That it was decided on; Swarm refuses it where the node has another by now."""


def leads(members: Iterable[Member], me: str) -> bool:
    """Whether `me`, a node by Swarm's id, leads it: one is enough to say what it is to know."""
    return any(one.leader and one.id == me for one in members)


def marks(members: Iterable[Member], nodes: Iterable[Node], cordons: Mapping[str, Cordon]) -> Iterator[Mark]:
    """Where Swarm says otherwise. Of two records of one of its nodes the later of `nodes` counts."""
    known = {one.id: one for one in members}
    recorded = {node.engine.swarm.node: node for node in nodes if node.engine and node.engine.swarm}
    for ident, node in recorded.items():
        member = known.get(ident)
        if member is None:
            continue
        wanted = _mark(member, node, cordons.get(node.name))
        if (wanted.labels, wanted.availability) != (member.labels, member.availability):
            yield wanted


def _mark(member: Member, node: Node, cordon: Cordon | None) -> Mark:
    before = {*member.labels.get(LABELS, "").split(","), LABELS}
    kept = {name: value for name, value in member.labels.items() if name not in before}
    told = {LABELS: ",".join(sorted(node.labels))} if node.labels else {}
    labels = {**kept, **node.labels, **told, NODE: node.name}
    ours = labels.pop(CORDON, "")
    if cordon:
        availability: Availability = "drain" if cordon.drain else "pause"
        return Mark(member.id, {**labels, CORDON: availability}, availability, version=member.version)
    found = "active" if ours == member.availability else member.availability
    return Mark(member.id, labels, found, version=member.version)
