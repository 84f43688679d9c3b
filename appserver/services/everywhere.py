"""The elected duty for global applications: a node that can take a copy gets one, whenever it comes.

It listens for what changes of nodes, and places only what that can concern: what it costs follows from what happens,
not from how many nodes there are. What found no room is tried again once a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from appserver.core.access import Caller
from appserver.core.containers import EngineInfo
from appserver.core.entities import AppKey, Application, Revision
from appserver.core.fleet import Cluster, Cordon
from appserver.errors import BadRecord, Compacted, StoreError
from appserver.ports import KV, Snapshot
from appserver.services.moves import Moves
from appserver.store import keys
from appserver.store.hearing import Hearing
from appserver.store.records import NODES, below, find, find_node, read, skipped

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_AGAIN = 60
"""So many looks, and what has no copy everywhere is tried again."""
_ALIVE = "alive/"


@dataclass(frozen=True, slots=True)
class Ground:
    """What counts of a node. `usable`: it takes applications. `size` and `labels` decide which."""

    cluster: str
    usable: bool
    labels: Mapping[str, str]
    size: tuple[float, int]


class Everywhere:
    def __init__(self, *, kv: KV, moves: Moves) -> None:
        self._kv = kv
        self._moves = moves
        self._grounds: dict[str, Ground] = {}
        self._known: dict[tuple[AppKey, datetime, int], bool] = {}
        """Whether a revision is global: it does not change while its application is there."""

    def run(self, stop: Event) -> None:
        """Until told to stop: list, then listen, and list again after a compaction or an outage."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except Compacted:
                continue
            except StoreError as error:
                log.warning("event=everywhere_waits reason=%s", error)
                stop.wait(_LOOK_S)

    def begin(self) -> int:
        """Everything, as if all of it were news; the store revision from which to listen."""
        listed = self._kv.snapshot(NODES, _ALIVE, keys.CORDONS)
        names = {key.partition("/")[2] for key in listed.items}
        self._grounds = {name: one for name in names if (one := _ground(listed, name))}
        self._place(lambda one: True)
        return listed.revision

    def look(self, names: Iterable[str]) -> None:
        """Something of these nodes changed."""
        asked = sorted({*names})
        if not asked:
            return
        seen = self._kv.snapshot(*(key for name in asked for key in (NODES + name, _ALIVE + name, keys.CORDONS + name)))
        anew: set[str] = set()
        comes: set[str] = set()
        for name in asked:
            before, now = self._grounds.pop(name, None), _ground(seen, name)
            if now:
                self._grounds[name] = now
            if before and now and (before.cluster, before.labels, before.size) != (now.cluster, now.labels, now.size):
                anew |= {before.cluster, now.cluster}  # a copy may have to leave it, too
            elif now and now.usable and not (before and before.usable):
                comes.add(name)
        if anew or comes:
            self._place(lambda one: one.cluster in anew or self._lacks(one, comes))

    def again(self) -> None:
        """Whatever lacks a copy somewhere: there may be room by now."""
        self._place(lambda one: self._lacks(one, self._grounds))

    def _follow(self, stop: Event) -> None:
        looks = 0
        with Hearing(self._kv, (NODES, _ALIVE, keys.CORDONS), self.begin()) as hearing:
            while not stop.wait(_LOOK_S):
                self.look(hearing.names())
                looks += 1
                if looks % _AGAIN == 0:
                    self.again()

    def _lacks(self, one: Application, names: Iterable[str]) -> bool:
        """Whether it has no copy on one of these nodes that takes applications of its cluster."""
        lacking = (self._grounds[name] for name in {*names}.difference(one.nodes))
        return any(ground.usable and ground.cluster == one.cluster for ground in lacking)

    def _place(self, concerns: Callable[[Application], bool]) -> None:
        """Global applications that are concerned, placed anew: a copy that is well stays."""
        listed = self._kv.snapshot("applications/", "clusters/")
        swarms = {name for name, one in below(listed, "clusters/", Cluster) if one.record.kind == "swarm"}
        applications = (one.record for _, one in below(listed, "applications/", Application))
        found = [one for one in applications if one.revision and one.cluster not in swarms]  # those place by themselves
        there = {(one.key, one.created_at, one.revision) for one in found}
        self._known = {known: is_global for known, is_global in self._known.items() if known in there}
        for one in found:
            if self._is_global(one) and concerns(one):
                self._spread(one.key)

    def _is_global(self, one: Application) -> bool:
        known = (one.key, one.created_at, one.revision)
        if known not in self._known:
            stored = read(self._kv, keys.revision(one.key, one.revision), Revision)
            self._known[known] = stored is not None and stored.record.options.mode == "global"
        return self._known[known]

    def _spread(self, key: AppKey) -> None:
        """Looked at first: there is mostly nothing to do, and nothing to be audited."""
        if self._moves.is_rolled_out(key):
            return  # looked at again afterwards, a minute from now at the latest
        planned = self._moves.planned(_SELF, key, _WHY)
        if planned.done and not planned.done.plan.changed:
            return
        moved = planned if planned.refused else self._moves.one(_SELF, key, _WHY)
        if moved.refused:
            log.warning("event=not_everywhere application=%s reason=%s", key, moved.refused)
        elif moved.done and moved.done.operation:
            log.info("event=everywhere application=%s nodes=%s", key, moved.done.plan.node)


def _ground(seen: Snapshot, name: str) -> Ground | None:
    """None where there is no such node, or its record cannot be read."""
    try:
        stored, cordon = find_node(seen, name), find(seen, keys.cordon(name), Cordon)
    except BadRecord as error:
        skipped(NODES + name, error)
        return None
    if stored is None:
        return None
    node = stored.record
    engine = node.engine or EngineInfo("", 0.0, 0)
    well = node.engine is not None and not any(c.speaks_against for c in node.conditions)
    usable = well and cordon is None and keys.alive(name) in seen.items
    return Ground(node.cluster, usable, node.labels, (engine.cpus, engine.memory))


_SELF = Caller("moorage", "operator", via="system")
_WHY = "nodes came or went"
