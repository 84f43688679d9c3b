"""Citadel's cluster manager: whether what a scheduler decided may be done, on the freshest state there is.

Schedulers decide at once and on snapshots; here is the final yes or no. It is asked with the node's reservation as it
was just read, and what it answers is written only if that is still the same: one compare-and-swap.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from appserver.core.placement import amounts
from appserver.core.placement.filters import OF_NODE, first_reason, is_alone, is_new_name
from appserver.core.placement.marks import resident
from appserver.core.placement.request import Candidate, Claim, Request, Reservation, Resident
from appserver.core.placement.schedulers import SCHEDULERS, filters, scheduler


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reservation` is what to write for the node, of a yes; `refused` maps holder to why, of those that got a no."""

    reservation: Reservation
    approved: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def yes(self) -> bool:
        return not self.refused


def approve(wanted: Sequence[Request], node: Candidate) -> Verdict:
    """Of several for one node, in order: each on what those before it left. Fit decides, not whether anything changed.

    Args:
        node: with its reservations as they are now.
    """
    if _all_fit(wanted, node):
        reserved = {**node.reserved, **{one.holder: one.claim for one in wanted}}
        return Verdict(Reservation(reserved), tuple(one.holder for one in wanted))
    approved: list[str] = []
    refused: list[tuple[str, str]] = []
    for one in wanted:
        why = first_reason(filters(one.type), one, node)
        if why:
            refused.append((one.holder, why))
            continue
        approved.append(one.holder)
        node = with_request(node, one)
    return Verdict(Reservation(node.reserved), tuple(approved), tuple(refused))


def approve_all(wanted: Mapping[str, Sequence[Request]], nodes: Mapping[str, Candidate]) -> Mapping[str, Verdict]:
    """A group, of which all are placed or none: one refusal, and every verdict is a no that writes nothing.

    Args:
        wanted: by node. A node that is gone from `nodes` refuses.
    """
    found = {
        name: approve(asked, nodes[name])
        if name in nodes
        else Verdict(Reservation(), refused=tuple((one.holder, "the node is gone") for one in asked))
        for name, asked in wanted.items()
    }
    refusing = sorted(name for name, verdict in found.items() if not verdict.yes)
    if not refusing:
        return found
    why = f"its group was refused on {', '.join(refusing)}"
    return {
        name: Verdict(
            Reservation(nodes[name].reserved if name in nodes else {}),
            refused=verdict.refused or tuple((holder, why) for holder in verdict.approved),
        )
        for name, verdict in found.items()
    }


def with_request(node: Candidate, wanted: Request) -> Candidate:
    """The node when the request's container is on it; what its holder had there before is replaced."""
    others = tuple(one for one in node.residents if not one.holder or one.holder != wanted.holder)
    reserved = {**node.reserved, wanted.holder: wanted.claim}
    return replace(node, reserved=reserved, residents=(*others, resident(wanted)))


def _all_fit(wanted: Sequence[Request], node: Candidate) -> bool:
    """Whether there is a yes for each of them, as a look at their sum tells where none asks about the others.

    False says nothing: they are then to be asked about one by one, which costs as much for each as this for all.
    """
    holders = {one.holder for one in wanted}
    if len(holders) < len(wanted) or not holders.isdisjoint(node.reserved):
        return False
    left, needed = amounts.free(node), amounts.summed(one.claim for one in wanted)
    if amounts.SLOTS in left or any(much > 0 and much > left.get(name, 0) for name, much in needed.items()):
        return False
    kinds = {(one.type, one.constraints, one.labels, one.whitelist, one.image): one for one in wanted}
    return all(map(_is_plain, wanted)) and not any(
        first_reason((*OF_NODE, *scheduler(one.type).filters), one, node) for one in kinds.values()
    )


def _is_plain(wanted: Request) -> bool:
    """Whether it asks for nothing that another container on the node could take away, or be, beside room."""
    return wanted.type in _PLAIN and not (wanted.claim.ports or wanted.affinities or wanted.beside)


_PLAIN = frozenset(SCHEDULERS) - frozenset(
    kind for kind, one in SCHEDULERS.items() if not {is_alone, is_new_name}.isdisjoint(one.filters)
)
"""Types whose filters ask about the node alone."""


@dataclass(frozen=True, slots=True)
class LooseEnds:
    """`release`: holders whose reservation nobody uses. `report`: containers that run on none."""

    release: tuple[str, ...]
    report: tuple[str, ...]


def loose_ends(reserved: Mapping[str, Claim], residents: Sequence[Resident], promised: Collection[str]) -> LooseEnds:
    """
    Args:
        promised: holders whose lease still runs: their containers may yet come.
    """
    running = {one.holder for one in residents}
    return LooseEnds(
        tuple(sorted(holder for holder in reserved if holder not in running and holder not in promised)),
        tuple(sorted(one.name or one.id for one in residents if one.holder not in reserved)),
    )
