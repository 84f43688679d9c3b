"""Nodes as people look at them: the agent's record, whether it is on, how healthy it is, and what is promised there.

On means that its lease lives. Healthy means that every condition its agent reports is good, or a mere warning, and that
nobody else claims its name or address. A node can be on and not healthy (its engine does not answer), as in Cluman.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appserver.core.access import Caller, require
from appserver.core.claims import Holder, Rival
from appserver.core.fleet import Condition, Cordon, Loss, Node
from appserver.core.placement.placed import is_of_container
from appserver.core.placement.request import Claim, Reservation
from appserver.errors import NotFound
from appserver.ports import KV, Snapshot
from appserver.store import keys
from appserver.store.records import below, find, find_node, nodes_below

_STARTING = (keys.RUNNODES, keys.AGENTS, keys.RIVALS, keys.CORDONS, keys.LOSSES)


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node. `held` is what every holder (`<cluster>.<app>`) was promised; `version` the record's store revision.

    `state` is that of its start-up handshake, `ip` the address under which that stands; both "" where its agent tells
    none. `rivals` are agents that claim its name or address too.
    """

    node: Node
    on: bool
    held: Mapping[str, Claim]
    version: int
    state: str = ""
    ip: str = ""
    rivals: tuple[Rival, ...] = ()
    cordon: Cordon | None = None
    lost: Loss | None = None

    @property
    def healthy(self) -> bool:
        return self.on and not any(condition.speaks_against for condition in self.conditions)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Those of its agent, and that others claim to be it."""
        return (*self.node.conditions, *(Condition("identity", False, str(one), one.since) for one in self.rivals))

    def to_json(self) -> Mapping[str, object]:
        node, engine = self.node, self.node.engine
        return {
            "name": node.name,
            "address": node.address,
            "cluster": node.cluster,
            "lrn": node.lrn,
            "labels": dict(node.labels),
            "on": self.on,
            "healthy": self.healthy,
            "handshake": self.state,
            "ip": self.ip,
            "engine": engine
            and {
                "version": engine.version,
                "compose_version": engine.compose_version,
                "swarm": engine.role,
                "cpus": engine.cpus,
                "memory": engine.memory,
            },
            "in_use": node.in_use and {"cpus": node.in_use.cpus, "memory": node.in_use.memory},
            "conditions": [
                {"name": c.name, "ok": c.ok, "reason": c.reason, "since": c.since.isoformat()} for c in self.conditions
            ],
            "reserved": {
                "cpus": round(sum(claim.cpus for claim in self.held.values()), 3),
                "memory": sum(claim.memory for claim in self.held.values()),
                "ports": sorted(f"{port}/{protocol}" for c in self.held.values() for _, port, protocol in c.ports),
            },
            "applications": sorted(name for name in self.held if not is_of_container(name)),
            "placements": sorted(name for name in self.held if is_of_container(name)),
            "cordon": cordon_json(self.cordon) if self.cordon else None,
            "lost_since": self.lost.at.isoformat() if self.lost else None,
        }


def cordon_json(cordon: Cordon) -> Mapping[str, object]:
    return {"by": cordon.by, "at": cordon.at.isoformat(), "reason": cordon.reason, "drain": cordon.drain}


class NodeList:
    """Reads only: agents write their own records."""

    def __init__(self, *, kv: KV) -> None:
        self._kv = kv

    def list(self, caller: Caller, cluster: str = "") -> tuple[NodeView, ...]:
        require(caller, "R", "node:")
        seen = self._kv.snapshot("nodes/", "alive/", "reservations/", *_STARTING)
        rivals = _rivals(seen)
        views = (_view(seen, stored.record, stored.revision, rivals) for stored in nodes_below(seen))
        return tuple(view for view in views if cluster in ("", view.node.cluster))

    def show(self, caller: Caller, name: str) -> NodeView:
        require(caller, "R", f"node:{name}")
        seen = self._kv.snapshot(keys.node(name), keys.alive(name), keys.reservation(name), *_STARTING)
        stored = find_node(seen, name)
        if stored is None:
            raise NotFound(f"there is no node {name}")
        return _view(seen, stored.record, stored.revision, _rivals(seen))


def _rivals(seen: Snapshot) -> Sequence[Rival]:
    return tuple(one.record for _, one in below(seen, keys.RIVALS, Rival))


def _view(seen: Snapshot, node: Node, version: int, rivals: Sequence[Rival]) -> NodeView:
    reserved = find(seen, f"reservations/{node.name}", Reservation)
    held = dict(reserved.record.holders) if reserved else {}
    holder = find(seen, f"{keys.AGENTS}{node.name}", Holder)
    ip = holder.record.ip if holder else ""
    state = seen.items.get(f"{keys.RUNNODES}{ip}")
    mine = tuple(one for one in rivals if node.name in (one.mine.node, one.other.node if one.other else ""))
    on = f"alive/{node.name}" in seen.items
    cordon = find(seen, f"{keys.CORDONS}{node.name}", Cordon)
    lost = find(seen, f"{keys.LOSSES}{node.name}", Loss)
    return NodeView(
        node,
        on,
        held,
        version,
        state.value if state else "",
        ip,
        mine,
        cordon.record if cordon else None,
        lost.record if lost else None,
    )
