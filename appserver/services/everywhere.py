"""The elected duty for global applications: a node that can take a copy gets one, whenever it comes."""

from __future__ import annotations

import logging
from threading import Event

from appserver.core.access import Caller
from appserver.core.entities import AppKey, Application, Revision
from appserver.core.fleet import Cordon
from appserver.errors import AppServerError, StoreError
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
        for name, stored in below(listed, "applications/", Application):
            key = stored.record.key
            if key.cluster in clusters and self._is_global(key, stored.record):
                self._spread(name, key)

    def _is_global(self, key: AppKey, application: Application) -> bool:
        if not application.revision:
            return False
        stored = read(self._kv, keys.revision(key, application.revision), Revision)
        return stored is not None and stored.record.options.mode == "global"

    def _spread(self, name: str, key: AppKey) -> None:
        try:
            moved = self._moves.one(_SELF, key, "nodes came or went")
        except AppServerError as error:
            log.warning("event=not_everywhere application=%s reason=%s", name, error)
            return
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
