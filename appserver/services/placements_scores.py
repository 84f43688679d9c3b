"""How the nodes of a cluster compare for an application: those that fit by their score, the others with a reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from appserver.core.access import Caller
from appserver.core.affinities import affinities_in_force
from appserver.core.deploy import claim_of
from appserver.core.deployment import DeployPlan
from appserver.core.entities import AppKey, Revision
from appserver.core.fleet import Cluster
from appserver.core.placed import constraints_in_force
from appserver.core.placement.place import place
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Request
from appserver.errors import NoPlacement
from appserver.ports import KV
from appserver.services.access import Access
from appserver.services.standing import standing_of


@dataclass(frozen=True, slots=True)
class NodeScore:
    """`share` of the node would be reserved with it, 0 to 1; None where chance decides, or where `why` says why not.

    `here`: it runs there, or is to. `unmet`: wishes that the node does not meet.
    """

    node: str
    here: bool
    share: float | None = None
    unmet: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """Best first, then those that refuse, by name. `nearest` is what would fit where nothing does."""

    strategy: Strategy
    nodes: tuple[NodeScore, ...]
    nearest: str = ""


class PlacementScores:
    """Reads only. As if the application were placed now, wherever it is."""

    def __init__(self, *, kv: KV, access: Access) -> None:
        self._kv = kv
        self._access = access

    def of_application(self, caller: Caller, key: AppKey) -> Scores | None:
        """None where no revision says what to place."""
        self._access.require(caller, "R", f"application:{key}")
        standing = standing_of(self._kv, key)
        if standing.current is None:
            return None
        here = {node for node, wanted in standing.desired.items() if wanted.run != "removed"}
        return _scores(key, standing.current, standing.candidates, standing.cluster, here)

    def of_plan(self, caller: Caller, plan: DeployPlan) -> Scores | None:
        """None where the plan makes no revision."""
        self._access.require(caller, "R", f"application:{plan.key}")
        if plan.record is None:
            return None
        standing = standing_of(self._kv, plan.key)
        return _scores(plan.key, plan.record, standing.candidates, standing.cluster, set(plan.nodes))


def _scores(
    key: AppKey, revision: Revision, candidates: Collection[Candidate], cluster: Cluster, here: Collection[str]
) -> Scores:
    strategy, in_swarm = cluster.strategy, cluster.kind == "swarm"
    wanted = Request(
        str(key),
        claim_of(revision.project),
        () if in_swarm else constraints_in_force(revision.project, revision.explained),
        affinities=() if in_swarm else affinities_in_force(revision.project, revision.explained),
    )
    refused: Mapping[str, str] = {}
    fit: tuple[NodeScore, ...] = ()
    nearest = ""
    try:
        found = place(wanted, tuple(candidates), strategy)
        refused = found.refused
        chance = strategy == "random"
        fit = tuple(
            NodeScore(one.node, one.node in here, None if chance else one.share / 2, one.unmet) for one in found.scores
        )
    except NoPlacement as error:
        refused, nearest = error.reasons, error.nearest
    others = tuple(NodeScore(node, node in here, why=why) for node, why in sorted(refused.items()))
    return Scores(strategy, (*fit, *others), nearest)
