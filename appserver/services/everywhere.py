"""The elected duty for global applications: a node that can take a copy gets one, whenever it comes."""

from __future__ import annotations

import logging
from threading import Event

from appserver.core.access import Caller
from appserver.core.entities import AppKey, Application, Revision
from appserver.core.fleet import Cordon
from appserver.errors import StoreError
from appserver.ports import KV
from appserver.services.moves import Moves
from appserver.store import keys
from appserver.store.records import below, nodes_below, read

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_AGAIN = 60
"""So many looks without news, and everything is looked at all the same."""

Usable = frozenset[tuple[str, str]]
"""Cluster and name of each node that takes applications."""


class Everywhere:
    def __init__(self, *, kv: KV, moves: Moves) -> None:
        self._kv = kv
        self._moves = moves
        self._known: dict[tuple[AppKey, int], bool] = {}
        """Whether a revision is global: it does not change."""

    def run(self, stop: Event) -> None:
        """Until told to stop."""
        seen: Usable = frozenset()
        looks = 0
        while not stop.wait(_LOOK_S):
            try:
                usable = self._usable()
                looks += 1
                if usable != seen or looks >= _AGAIN:
                    self.look({cluster for cluster, _ in usable})
                    seen, looks = usable, 0
            except StoreError as error:
                log.warning("event=everywhere_waits reason=%s", error)

    def look(self, clusters: set[str]) -> None:
        """Place each global application of these clusters anew: a copy that is well stays."""
        listed = self._kv.snapshot("applications/")
        found = {name: one.record for name, one in below(listed, "applications/", Application) if one.record.revision}
        there = {(one.key, one.revision) for one in found.values()}
        self._known = {known: is_global for known, is_global in self._known.items() if known in there}
        for name, one in found.items():
            if one.cluster in clusters and self._is_global(one.key, one.revision):
                self._spread(name, one.key)

    def _is_global(self, key: AppKey, number: int) -> bool:
        if (key, number) not in self._known:
            stored = read(self._kv, keys.revision(key, number), Revision)
            self._known[key, number] = stored is not None and stored.record.options.mode == "global"
        return self._known[key, number]

    def _spread(self, name: str, key: AppKey) -> None:
        """Looked at first: there is mostly nothing to do, and nothing to be audited."""
        if self._moves.is_rolled_out(key):
            return  # looked at again afterwards, a minute from now at the latest
        planned = self._moves.planned(_SELF, key, _WHY)
        if planned.done and not planned.done.plan.changed:
            return
        moved = planned if planned.refused else self._moves.one(_SELF, key, _WHY)
        if moved.refused:
            log.warning("event=not_everywhere application=%s reason=%s", name, moved.refused)
        elif moved.done and moved.done.operation:
            log.info("event=everywhere application=%s nodes=%s", name, moved.done.plan.node)

    def _usable(self) -> Usable:
        seen = self._kv.snapshot("nodes/", "alive/", keys.CORDONS)
        cordoned = {name for name, _ in below(seen, keys.CORDONS, Cordon)}
        return frozenset(
            (node.cluster, node.name)
            for node in (stored.record for stored in nodes_below(seen))
            if keys.alive(node.name) in seen.items
            and node.engine
            and node.name not in cordoned
            and not any(c.speaks_against for c in node.conditions)
        )


_SELF = Caller("moorage", "operator", via="system")
_WHY = "nodes came or went"
