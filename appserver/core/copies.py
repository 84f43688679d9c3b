"""Which nodes run a copy of an application: so many as it wants, where it is already if it fits there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from appserver.core.entities import Options
from appserver.core.placement.filters import FILTERS, first_reason
from appserver.core.placement.manager import with_request
from appserver.core.placement.place import place
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Request
from appserver.errors import NoPlacement

_TAKEN = "runs a copy already"
_ELSEWHERE = "runs no copy"


def nodes_for(
    wanted: Request,
    options: Options,
    nodes: Sequence[Candidate],
    present: Collection[str],
    strategy: Strategy,
    unwell: Collection[str] = (),
    away: Collection[str] = (),
) -> tuple[str, ...]:
    """One copy a node. It stays where it is while it fits there; of too many, those stay that would be chosen first.

    Args:
        wanted: of one copy.
        present: nodes that have a copy.
        unwell: nodes that are away or not healthy, which may pass: a copy of a global application stays on them.
        away: those of them without an agent that are not given up yet: any copy stays there, since it may run, and a
            second one would write to the same data.
    Returns:
        Names, in the order in which they were chosen; of a global application in the order of names.
    Raises:
        NoPlacement: there are too few nodes that fit, with each one's reason.
    """
    if options.mode == "global":
        return _everywhere(wanted, nodes, present, unwell)
    asked = replace(wanted, group=wanted.holder, spread_by=options.spread)
    known = {node.name: node for node in nodes}
    chosen = sorted({*present} & {*away} & known.keys())[: options.replicas]
    for number in range(len(chosen), options.replicas):
        there = _next(asked, known, chosen, present, strategy) or place(asked, _but(known, chosen), strategy).node
        chosen.append(there)
        known[there] = with_request(known[there], replace(asked, holder=f"{asked.holder}#{number}"))
    return tuple(chosen)


def _everywhere(
    wanted: Request, nodes: Sequence[Candidate], present: Collection[str], unwell: Collection[str]
) -> tuple[str, ...]:
    refused = {node.name: why for node in nodes if (why := first_reason(FILTERS, wanted, node))}
    found = {node.name for node in nodes if node.name not in refused}
    if not found:
        raise NoPlacement(refused)
    return tuple(sorted(found | {name for name in present if name in unwell}))


def _next(
    asked: Request, known: dict[str, Candidate], chosen: list[str], present: Collection[str], strategy: Strategy
) -> str:
    """Of the nodes that have a copy: one more that keeps it, or ""."""
    others = {name: node if name in present else replace(node, against=_ELSEWHERE) for name, node in known.items()}
    try:
        return place(asked, _but(others, chosen), strategy).node
    except NoPlacement:
        return ""


def _but(known: dict[str, Candidate], chosen: list[str]) -> list[Candidate]:
    return [replace(node, against=_TAKEN) if name in chosen else node for name, node in known.items()]
