"""What is on record of one application, and of where it could run: read once, at two store revisions at most."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from appserver.core.deployment import people_left_it
from appserver.core.entities import AppKey, Application, Desired, Observed, Outcome, Revision
from appserver.core.fleet import Cluster, Cordon, Loss, Node
from appserver.core.placement.request import Candidate, Reservation
from appserver.core.updates import Rollout
from appserver.errors import Conflict, Invalid, NotFound
from appserver.ports import KV, Snapshot
from appserver.services.placements_nodes import candidate, prefixes, residents
from appserver.store import keys
from appserver.store.records import below, find, nodes_below


@dataclass(frozen=True, slots=True)
class Standing:
    """What is on record of one application, and of where it could run."""

    application: Application | None
    current: Revision | None
    desired: Mapping[str, Desired]
    observed: Mapping[str, Observed]
    stood_on: Mapping[str, int]
    candidates: tuple[Candidate, ...]
    reserved: Mapping[str, tuple[Reservation, int]]
    cluster: Cluster
    unsettled: int
    lost: Mapping[str, float] = field(default_factory=dict)
    """Nodes of the cluster without their agent, and for how many seconds that has been watched. Drained ones are not
    among them."""
    unwell: frozenset[str] = frozenset()
    """Nodes of the cluster that are away or not healthy, which may pass; drained ones are not among them."""
    fresh: frozenset[str] = frozenset()
    """Nodes that had no copy before the roll-out that is on."""
    ground: Mapping[str, int] = field(default_factory=dict)
    """The key of the cluster, and those of its nodes that are on, with the store revision of each."""

    @property
    def people_left_it(self) -> str:
        return people_left_it(self.application, self.desired)

    def must_hold(self, nodes: Collection[str]) -> Mapping[str, int]:
        """Keys and revisions, beside the application's own, under which these nodes may get it.

        Who cordons a node writes its reservations anew, and who retires one waits until it is off.
        """
        new = [node for node in nodes if node not in self.desired or self.desired[node].run == "removed"]
        reserved = {keys.reservation(node): self.reserved[node][1] if node in self.reserved else 0 for node in new}
        on = {keys.alive(node) for node in new}
        return {**reserved, **{key: at for key, at in self.ground.items() if key in on or not key.startswith("alive/")}}


def standing_of(kv: KV, key: AppKey, as_if: Mapping[str, Cordon] | None = None) -> Standing:
    """
    Args:
        as_if: cordons of nodes that are not on record.
    Raises:
        NotFound: there is no such cluster.
        Invalid: nothing is deployed on it.
        Conflict: it is being deleted.
    """
    where = keys.application(key)
    rollout = keys.rollout(key)
    whole = ("nodes/", "alive/", "reservations/", keys.CORDONS, keys.LOSSES, *prefixes(key.cluster))
    first = kv.snapshot(where, rollout, keys.cluster(key.cluster), *whole)
    cluster = find(first, keys.cluster(key.cluster), Cluster)
    if cluster is None:
        raise NotFound(f"there is no cluster {key.cluster}")
    if why := _not_deployed_on(cluster.record):
        raise Invalid("cluster", f"{key.cluster} {why}")
    if cluster.record.going:
        raise Conflict(f"cluster {key.cluster} is being deleted; whoever puts it on record anew keeps it")
    application = find(first, where, Application)
    stood_on = {where: first.revision_of(where), rollout: first.revision_of(rollout)}
    desired: dict[str, Desired] = {}
    observed: dict[str, Observed] = {}
    current: Revision | None = None
    unsettled = 0
    if application:
        nodes = application.record.nodes
        own = [keys.desired(n, key) for n in nodes] + [keys.observed(n, key) for n in nodes]
        second = kv.snapshot(*own)
        for name in nodes:
            if wanted := find(second, keys.desired(name, key), Desired):
                desired[name] = wanted.record
                stood_on[keys.desired(name, key)] = wanted.revision
            if told := find(second, keys.observed(name, key), Observed):
                observed[name] = told.record
        current, unsettled = _current(kv, key, application.record, desired)
    reserved = {name: (held.record, held.revision) for name, held in below(first, "reservations/", Reservation)}
    alive = {name.removeprefix("alive/") for name in first.items if name.startswith("alive/")}
    nodes_of_it = [node.record for node in nodes_below(first) if node.record.cluster == key.cluster]
    cordons = {**{name: held.record for name, held in below(first, keys.CORDONS, Cordon)}, **(as_if or {})}
    here = {name for name, wanted in desired.items() if wanted.run != "removed"}
    there = residents(first, key.cluster)
    candidates = tuple(
        candidate(
            node,
            _unusable(cluster.record, node)
            or (_against(cordons.get(node.name), node.name in here) if node.name in alive else "its agent is away"),
            reserved[node.name][0].holders if node.name in reserved else {},
            there.get(node.name, ()),
            cluster.record.live,
        )
        for node in nodes_of_it
    )
    return Standing(
        application.record if application else None,
        current,
        desired,
        observed,
        stood_on,
        candidates,
        reserved,
        cluster.record,
        unsettled,
        _lost(first, nodes_of_it, alive, cordons),
        frozenset(n.name for n in nodes_of_it if _is_unwell(n, n.name in alive, cordons.get(n.name))),
        frozenset(going_on.record.fresh if (going_on := find(first, rollout, Rollout)) else ()),
        {one: first.revision_of(one) for one in (keys.cluster(key.cluster), *_on(nodes_of_it, alive))},
    )


def _on(nodes: Iterable[Node], alive: Collection[str]) -> Iterable[str]:
    return (keys.alive(node.name) for node in nodes if node.name in alive)


def _not_deployed_on(cluster: Cluster) -> str:
    if cluster.kind == "group":
        return "is a group: deploy on the cluster that its nodes are of"
    return ""


def _unusable(cluster: Cluster, node: Node) -> str:
    """A stack is looked after by the agent of a manager."""
    manages = node.engine and node.engine.swarm and node.engine.swarm.manager
    return "is no manager of the Swarm" if cluster.kind == "swarm" and not manages else ""


def _lost(
    seen: Snapshot, nodes: Iterable[Node], alive: Collection[str], cordons: Mapping[str, Cordon]
) -> Mapping[str, float]:
    losses = {name: held.record.waited_s for name, held in below(seen, keys.LOSSES, Loss)}
    gone = (node.name for node in nodes if node.name not in alive)
    return {name: losses.get(name, 0.0) for name in gone if not (name in cordons and cordons[name].drain)}


def _current(
    kv: KV, key: AppKey, application: Application, desired: Mapping[str, Desired]
) -> tuple[Revision | None, int]:
    """The revision wanted now, and its number when nobody has settled it yet."""
    number = max((one.revision for one in desired.values()), default=application.revision)
    if not number:
        return None, 0
    snapshot = kv.snapshot(keys.revision(key, number), keys.outcome(key, number))
    current = find(snapshot, keys.revision(key, number), Revision)
    settled = find(snapshot, keys.outcome(key, number), Outcome)
    return (current.record if current else None), (0 if settled else number)


def _against(cordon: Cordon | None, here: bool) -> str:
    """What is there already stays on a node that is cordoned, and leaves one that is drained."""
    return str(cordon) if cordon and (cordon.drain or not here) else ""


def _is_unwell(node: Node, alive: bool, cordon: Cordon | None) -> bool:
    drained = cordon is not None and cordon.drain
    return not drained and (not alive or any(c.speaks_against for c in node.conditions))
