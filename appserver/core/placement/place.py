"""The choice of a node: refuse with reasons, then rank what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from appserver.core.placement.filters import FILTERS, Filter, wishes_kept
from appserver.core.placement.request import Candidate, Request
from appserver.errors import NoPlacement

Rank = Callable[[Request, Candidate], float]


@dataclass(frozen=True, slots=True)
class Placement:
    """The node chosen, and each other node's first reason against it."""

    node: str
    refused: dict[str, str]


def spread(wanted: Request, node: Candidate) -> float:
    """Share of the node that would be reserved: the emptiest node first."""
    others = node.taken_by_others(wanted.holder)
    memory = (sum(c.memory for c in others) + wanted.claim.memory) / max(node.memory, 1)
    cpus = (sum(c.cpus for c in others) + wanted.claim.cpus) / max(node.cpus, 0.001)
    return max(memory, cpus) + len(others) * 1e-6


def binpack(wanted: Request, node: Candidate) -> float:
    """The fullest node that still has room first."""
    return -spread(wanted, node)


def scatter(wanted: Request, node: Candidate) -> float:
    """Any node, by a hash of who asks and of the node: even over many applications, and the same for a plan again."""
    return float(int.from_bytes(sha256(f"{wanted.holder} {node.name}".encode()).digest()[:6], "big"))


RANKS: dict[str, Rank] = {"spread": spread, "binpack": binpack, "random": scatter}


def place(
    wanted: Request, nodes: Sequence[Candidate], rank: Rank = spread, filters: Sequence[Filter] = FILTERS
) -> Placement:
    """Choose the node an application is to run on.

    Args:
        nodes: one snapshot; order does not matter, ties go to the lesser name.
    Raises:
        NoPlacement: all refused; `.reasons` maps node name to the first filter's reason.
    Source: Citadel's split of Scheduler and ResourceManager; filters explain themselves as SwarmKit's do.
    """
    refused = {n.name: why for n in nodes if (why := first_reason(filters, wanted, n))}
    fit = [n for n in nodes if n.name not in refused]
    if not fit:
        raise NoPlacement(refused)
    best = min(fit, key=lambda n: (n.name != wanted.stays_on, -wishes_kept(wanted, n), rank(wanted, n), n.name))
    return Placement(best.name, refused)


def first_reason(filters: Sequence[Filter], wanted: Request, node: Candidate) -> str | None:
    return next((why for test in filters if (why := test(wanted, node))), None)
