"""The elected duty for global applications: a node that can take a copy gets one, whenever it comes.

It listens for what changes of nodes and of applications, and places only what that can concern: what it costs follows
from what happens, not from how many nodes there are. It listens for what happened, not only for what is so now: a node
that could take nothing for a moment, in which an application was placed without it, looks as it did before. What found
no room is tried again once a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
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
_ALIVE, _APPLICATIONS = "alive/", "applications/"


@dataclass(frozen=True, slots=True)
class Ground:
    """What counts of a node. `usable`: it takes applications. `size` and `labels` decide which.

    `since`: when each condition last changed, so that one that was bad for a moment is not as it was before.
    """

    cluster: str
    usable: bool
    labels: Mapping[str, str]
    size: tuple[float, int]
    since: tuple[datetime, ...]


class Everywhere:
    def __init__(self, *, kv: KV, moves: Moves) -> None:
        self._kv = kv
        self._moves = moves
        self._grounds: dict[str, Ground] = {}
        self._known: dict[tuple[AppKey, datetime, int], bool] = {}
        """Whether a revision is global: it does not change while its application is there."""
        self._later: set[AppKey] = set()
        """Those that lacked a copy while they were rolled out: looked at as soon as that is over."""

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

    def look(self, changed: Iterable[str], passed: Iterable[str] = (), applications: Iterable[str] = ()) -> None:
        """
        Args:
            changed: nodes whose record did.
            passed: nodes that came or went, or were cordoned or let go, or both by now.
            applications: as `<cluster>/<name>`, whose record did: one is in force, or its roll-out is over.
        """
        self._look_at({*changed}, {*passed})
        if told := [_APPLICATIONS + name for name in sorted({*applications})]:
            self._place(lambda one: one.key in self._later, told)

    def again(self) -> None:
        """Whatever lacks a copy somewhere: there may be room by now."""
        self._place(lambda one: self._lacks(one, self._grounds))

    def _follow(self, stop: Event) -> None:
        looks, after = 0, self.begin()
        with (
            Hearing(self._kv, (NODES,), after) as changed,
            Hearing(self._kv, (_ALIVE, keys.CORDONS), after) as passed,
            Hearing(self._kv, (_APPLICATIONS,), after) as applications,
        ):
            while not stop.wait(_LOOK_S):
                self.look(changed.names(), passed.names(), applications.names())
                looks += 1
                if looks % _AGAIN == 0:
                    self.again()

    def _look_at(self, changed: set[str], passed: set[str]) -> None:
        asked = sorted(changed | passed)
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
            elif now and now.usable and (name in passed or before != now):
                comes.add(name)
        if anew or comes:
            self._place(lambda one: one.cluster in anew or self._lacks(one, comes))

    def _lacks(self, one: Application, names: Iterable[str]) -> bool:
        """Whether it has no copy on one of these nodes that takes applications of its cluster."""
        lacking = (self._grounds[name] for name in {*names}.difference(one.nodes))
        return any(ground.usable and ground.cluster == one.cluster for ground in lacking)

    def _place(self, concerns: Callable[[Application], bool], told: Sequence[str] = ()) -> None:
        """Global applications that are concerned, placed anew: a copy that is well stays.

        A revision that is in force since the last time is looked at in any case: what came while it was on its way was
        not there for whoever placed it, nor was the application there for whoever looked at the node.

        Args:
            told: keys of the applications to look at; all of them where nothing is said.
        """
        listed = self._kv.snapshot(*(told or (_APPLICATIONS,)), "clusters/")
        swarms = {name for name, one in below(listed, "clusters/", Cluster) if one.record.kind == "swarm"}
        applications = (one.record for _, one in below(listed, _APPLICATIONS, Application))
        found = [one for one in applications if one.revision and one.cluster not in swarms]  # those place by themselves
        if not told:
            there = {_known_as(one) for one in found}
            self._known = {known: is_global for known, is_global in self._known.items() if known in there}
            self._later &= {one.key for one in found}
        for one in found:
            is_new = _known_as(one) not in self._known
            if self._is_global(one) and (concerns(one) or (is_new and self._lacks(one, self._grounds))):
                self._spread(one.key)

    def _is_global(self, one: Application) -> bool:
        known = _known_as(one)
        if known not in self._known:
            stored = read(self._kv, keys.revision(one.key, one.revision), Revision)
            self._known[known] = stored is not None and stored.record.options.mode == "global"
        return self._known[known]

    def _spread(self, key: AppKey) -> None:
        """Looked at first: there is mostly nothing to do, and nothing to be audited."""
        if self._moves.is_rolled_out(key):
            self._later.add(key)
            return
        self._later.discard(key)
        planned = self._moves.planned(_SELF, key, _WHY)
        if planned.done and not planned.done.plan.changed:
            return
        moved = planned if planned.refused else self._moves.one(_SELF, key, _WHY)
        if moved.refused:
            log.warning("event=not_everywhere application=%s reason=%s", key, moved.refused)
        elif moved.done and moved.done.operation:
            log.info("event=everywhere application=%s nodes=%s", key, moved.done.plan.node)


def _known_as(one: Application) -> tuple[AppKey, datetime, int]:
    return one.key, one.created_at, one.revision


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
    since = tuple(condition.since for condition in node.conditions)
    return Ground(node.cluster, usable, node.labels, (engine.cpus, engine.memory), since)


_SELF = Caller("moorage", "operator", via="system")
_WHY = "nodes came or went"
