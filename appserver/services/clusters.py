"""Clusters: groups of nodes that applications are placed on. `all` and `orphans` are computed and cannot be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from appserver.core import groups
from appserver.core.access import Caller, require
from appserver.core.entities import Application
from appserver.core.fleet import Cluster, Node
from appserver.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from appserver.ports import KV, Snapshot
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import ABSENT, below, find, nodes_below

Strategy = Literal["spread", "binpack", "random"]
SYSTEM: Mapping[str, str] = {"all": "every node that is on", "orphans": "nodes of no cluster that is on record"}
"""Computed groups, and what they hold."""


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One group. `on` are those of `nodes` whose agent is alive; `version` is 0 for a computed group."""

    cluster: Cluster
    nodes: tuple[str, ...]
    on: tuple[str, ...]
    applications: tuple[str, ...]
    version: int = 0

    def to_json(self) -> Mapping[str, object]:
        cluster = self.cluster
        return {
            "name": cluster.name,
            "title": cluster.title,
            "kind": cluster.kind,
            "strategy": cluster.strategy,
            "live": cluster.live,
            "labels": dict(cluster.labels),
            "selector": list(cluster.selector),
            "system": cluster.name in SYSTEM,
            "nodes": list(self.nodes),
            "on": list(self.on),
            "applications": list(self.applications),
        }


class Clusters:
    def __init__(self, *, kv: KV, audit: Audit, events: Events) -> None:
        self._kv = kv
        self._audit = audit
        self._events = events

    def list(self, caller: Caller) -> tuple[ClusterView, ...]:
        """Those on record by name, then the computed ones."""
        require(caller, "R", "cluster:")
        seen = self._seen()
        stored = [_view(seen, held.record, held.revision) for _, held in below(seen, "clusters/", Cluster)]
        return (*stored, *(_computed(seen, name) for name in SYSTEM))

    def show(self, caller: Caller, name: str) -> ClusterView:
        require(caller, "R", f"cluster:{name}")
        seen = self._seen()
        if name in SYSTEM:
            return _computed(seen, name)
        held = find(seen, keys.cluster(name), Cluster)
        if held is None:
            raise NotFound(f"there is no cluster {name}")
        return _view(seen, held.record, held.revision)

    def put(self, caller: Caller, wanted: Cluster, expect: int = 0) -> ClusterView:
        """Make it, or change title, strategy and labels of one that is there. Its kind stays.

        Args:
            expect: the revision the caller looked at; 0: any, `ABSENT`: it was not there.
        """
        with self._audit.of(caller, "put", f"cluster:{wanted.name}"):
            key = _changeable(wanted.name)
            if wanted.strategy not in get_args(Strategy):
                raise Invalid("strategy", f"is one of {', '.join(get_args(Strategy))}")
            if wanted.kind == "group":
                groups.check(wanted.selector)
            elif wanted.selector:
                raise Invalid("selector", "is for groups: a node says itself which cluster it is of")
            seen = self._seen()
            held = find(seen, key, Cluster)
            require(caller, "U" if held else "C", f"cluster:{wanted.name}")
            if expect and expect != (held.revision if held else ABSENT):
                raise PreconditionFailed(f"cluster {wanted.name} changed meanwhile")
            if held and held.record.kind != wanted.kind:
                raise Invalid("kind", f"{wanted.name} is of kind {held.record.kind}, and that cannot be changed")
            revision = self._kv.commit({key: seen.revision_of(key)}, {key: encode(wanted)})
            if not revision:
                raise Conflict(f"cluster {wanted.name} changed meanwhile; look again")
            what = "update" if held else "create"
            self._events.emit(_BUS, what, "INFO", wanted.name, f"cluster {wanted.name}: {what}", caller.name)
            return _view(seen, wanted, revision)

    def delete(self, caller: Caller, name: str, expect: int = 0) -> None:
        """An empty one: no node says it is its, and no application is on it. A group holds nothing, and just goes."""
        with self._audit.of(caller, "delete", f"cluster:{name}"):
            key = _changeable(name)
            require(caller, "D", f"cluster:{name}")
            view = self.show(caller, name)
            if expect and expect != view.version:
                raise PreconditionFailed(f"cluster {name} changed meanwhile")
            _empty(view)
            marked = self._kv.commit({key: view.version}, {key: encode(replace(view.cluster, going=True))})
            if not marked:
                raise Conflict(f"cluster {name} changed meanwhile; look again")
            try:
                _empty(self.show(caller, name))  # whoever deploys from now on is refused
            except Conflict:
                self._kv.commit({key: marked}, {key: encode(replace(view.cluster, going=False))})
                raise
            if not self._kv.commit({key: marked}, {}, [key]):
                raise Conflict(f"cluster {name} changed meanwhile; look again")
            self._events.emit(_BUS, "delete", "INFO", name, f"cluster {name}: delete", caller.name)

    def ensure(self, name: str) -> None:
        """At the first start: the cluster that nodes join where nobody says another."""
        key = keys.cluster(name)
        if not self._kv.snapshot(key).items:
            self._kv.commit({key: 0}, {key: encode(Cluster(name, title="made at the first start"))})

    def _seen(self) -> Snapshot:
        return self._kv.snapshot("clusters/", "nodes/", "alive/", "applications/")


_BUS = "bus.cluman.log.nodesGroup"


def _changeable(name: str) -> str:
    if name in SYSTEM:
        raise Forbidden(f"{name} is computed: {SYSTEM[name]}")
    return keys.cluster(name)


def _empty(view: ClusterView) -> None:
    """
    Raises:
        Conflict: it is not.
    """
    for held, what in ((view.nodes, "nodes"), (view.applications, "applications")):
        if held and view.cluster.kind != "group":
            raise Conflict(f"cluster {view.cluster.name} has {what} yet: {', '.join(held[:5])}")


def _view(seen: Snapshot, cluster: Cluster, version: int) -> ClusterView:
    if cluster.kind == "group":
        return _group(seen, cluster, version)
    nodes = tuple(name for name, node in _nodes(seen).items() if node.cluster == cluster.name)
    below_it = below(seen, f"applications/{cluster.name}/", Application)
    return ClusterView(cluster, nodes, _on(seen, nodes), tuple(str(app.record.key) for _, app in below_it), version)


def _group(seen: Snapshot, cluster: Cluster, version: int) -> ClusterView:
    nodes = groups.members(cluster.selector, _nodes(seen).values())
    found = (app.record for _, app in below(seen, "applications/", Application))
    there = tuple(str(app.key) for app in found if not {*nodes}.isdisjoint(app.nodes))
    return ClusterView(cluster, nodes, _on(seen, nodes), there, version)


def _computed(seen: Snapshot, name: str) -> ClusterView:
    nodes = _nodes(seen)
    members = {
        "all": lambda: _on(seen, tuple(nodes)),
        "orphans": lambda: tuple(n for n, node in nodes.items() if f"clusters/{node.cluster}" not in seen.items),
    }[name]()
    return ClusterView(Cluster(name, title=SYSTEM[name]), members, _on(seen, members), ())


def _nodes(seen: Snapshot) -> dict[str, Node]:
    return {stored.record.name: stored.record for stored in nodes_below(seen)}


def _on(seen: Snapshot, nodes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in nodes if f"alive/{name}" in seen.items)
