"""The choice of a node: refuse with reasons, then rank what is left. Looks at every node; `index.py` does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appserver.core.placement.filters import Filter, first_reason, others, unmet
from appserver.core.placement.rank import EACH, FULL, ORDER_BITS, SCALE, Order, Strategy, order, rank
from appserver.core.placement.refusal import nearest
from appserver.core.placement.request import Candidate, Request
from appserver.core.placement.schedulers import filters as filters_of
from appserver.errors import NoPlacement


@dataclass(frozen=True, slots=True)
class Score:
    """Why a node stands where it stands: less is better, in this order. `share` is 0 for empty, 2 for full."""

    node: str
    moved: bool
    unmet: int
    """Wishes."""
    alike: int
    """Containers of its group where it would be spread."""
    pulls: bool
    """Whether the image would have to be pulled, where that counts."""
    rank: int
    share: float

    @property
    def order(self) -> tuple[bool, int, int, bool, int]:
        return self.moved, self.unmet, self.alike, self.pulls, self.rank


@dataclass(frozen=True, slots=True)
class Placement:
    """The node chosen, each other node's first reason against it, and how those that fit compare, best first."""

    node: str
    refused: dict[str, str]
    scores: tuple[Score, ...] = ()


def place(
    wanted: Request,
    nodes: Sequence[Candidate],
    strategy: Strategy = "spread",
    filters: Sequence[Filter] | None = None,
    seed: int = 0,
) -> Placement:
    """Choose the node that a container or an application is to run on.

    Args:
        nodes: one snapshot; order does not matter, ties go to the lesser name.
        filters: those of the request's type, if none are named.
        seed: of the strategy `random`.
    Raises:
        NoPlacement: all refused; `.reasons` maps node name to the first filter's reason; `.nearest`: what would fit.
    Source: Citadel's split of Scheduler and ResourceManager; filters explain themselves as SwarmKit's do.
    """
    tests = filters_of(wanted.type) if filters is None else filters
    refused = {n.name: why for n in nodes if (why := first_reason(tests, wanted, n))}
    fit = [n for n in nodes if n.name not in refused]
    if not fit:
        near = nearest(wanted, nodes, tests)
        raise NoPlacement(refused, str(near) if near else "")
    found = scores(wanted, fit, strategy, order(nodes), alike(wanted, nodes), seed)
    return Placement(found[0].node, refused, found)


def scores(
    wanted: Request, nodes: Sequence[Candidate], strategy: Strategy, by: Order, alike: Mapping[str, int], seed: int
) -> tuple[Score, ...]:
    """Best first. `by` and `alike` are of all nodes, those that refused too."""
    found = [
        Score(
            node=n.name,
            moved=bool(wanted.stays_on) and n.name != wanted.stays_on,
            unmet=unmet(wanted, n),
            alike=alike.get(n.labels.get(wanted.spread_by, ""), 0) if wanted.spread_by else 0,
            pulls=wanted.prefer_image and wanted.image not in n.images,
            rank=(placed := rank(strategy, wanted, n, by, seed)),
            share=_share(strategy, placed),
        )
        for n in nodes
    ]
    return tuple(sorted(found, key=lambda score: score.order))


def alike(wanted: Request, nodes: Sequence[Candidate]) -> Counter[str]:
    """Containers of the request's group, by the value of the label that it is spread by; unset is a value too.

    Of no group, it has nobody to keep apart from.
    """
    found: Counter[str] = Counter()
    for node in nodes if wanted.spread_by and wanted.group else ():
        found[node.labels.get(wanted.spread_by, "")] += sum(one.group == wanted.group for one in others(wanted, node))
    return found


def _share(strategy: Strategy, placed: int) -> float:
    """What of the node would be taken; a rank by chance says nothing of it."""
    if strategy == "random":
        return 0.0
    share = placed >> ORDER_BITS
    return round(((FULL - share if strategy == "binpack" else share) - EACH) / SCALE, 4)
