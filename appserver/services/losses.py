"""The elected duty for nodes whose agent is gone: when that was noticed, and what is placed elsewhere after its grace.

How long that is ago is on record, so that a change of the app server that does this begins no grace anew. It is
counted, not reckoned from a time of day: two app servers may not agree on that, and who is early has two writers. What
nobody watched does not count: the node may have been there meanwhile.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event

from appserver.core.access import Caller
from appserver.core.entities import AppKey, Desired, Observed, Revision
from appserver.core.fleet import SWARM, Loss
from appserver.errors import StoreError
from appserver.ports import KV, Clock, Snapshot
from appserver.services.moves import Moves
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import applications_below, below, nodes_below, read

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_STEP_S = 5.0
"""At most so much is counted between two looks."""
_TOLD_S, _SHARE = 5.0, 0.1
"""It is written when it is so much more than what is on record, and a share of that: less often the longer it lasts."""
_AGAIN_S, _LONGEST_S = 15.0, 3600.0
"""Between two tries for one application: twice that after the first, and longer each time."""


class Losses:
    def __init__(self, *, kv: KV, moves: Moves, clock: Clock, seconds: Callable[[], float] = time.monotonic) -> None:
        self._kv = kv
        self._moves = moves
        self._clock = clock
        self._seconds = seconds
        self._looked: float | None = None
        self._waited: dict[tuple[str, int], float] = {}
        """By node, and the store revision that wrote its loss first."""
        self._tried: dict[tuple[AppKey, str], tuple[int, float]] = {}
        """How often, and when last."""
        self._graces: dict[tuple[AppKey, int], float | None] = {}
        """Of a revision: it does not change."""

    def run(self, stop: Event) -> None:
        """Until told to stop."""
        self._looked = None
        while not stop.wait(_LOOK_S):
            try:
                self.look()
            except StoreError as error:
                log.warning("event=losses_wait reason=%s", error)

    def look(self) -> None:
        """Note who is gone and who is back, and move what has waited for long enough."""
        seen = self._kv.snapshot("nodes/", "alive/", keys.LOSSES)
        lost = self._counted(seen, self._noted(seen))
        now = self._seconds()
        for node, loss in lost.items():
            for key, revisions in self._wanted(node):
                grace_s = self._longest(key, revisions)
                if grace_s is not None and loss.waited_s >= grace_s:
                    self._move(key, node, f"{node} is lost since {loss.at:%H:%M:%S} UTC", now, loss)
        helpless = _helpless(seen)
        for node, why in helpless.items():
            for key, revisions in self._wanted(node):
                if not revisions:
                    self._move(key, node, f"{node}: {why}", now)
        self._tried = {known: at for known, at in self._tried.items() if known[1] in {*lost, *helpless}}
        if not lost:
            self._graces.clear()

    def _noted(self, seen: Snapshot) -> Mapping[str, Loss]:
        """Those that are gone, by name. A first look notes the moment."""
        known = {name: held.record for name, held in below(seen, keys.LOSSES, Loss)}
        there = {stored.record.name for stored in nodes_below(seen)}
        gone = {name for name in there if keys.alive(name) not in seen.items}
        now = Loss(self._clock.now())
        news = dict.fromkeys(sorted(gone - known.keys()), now)
        for name, loss in news.items():
            self._kv.commit({keys.alive(name): 0}, {keys.loss(name): encode(loss)})
            log.warning("event=node_lost node=%s", name)
        for name in sorted(known.keys() - gone):
            self._kv.commit({}, {}, [keys.loss(name)])
            log.info("event=node_back node=%s", name)
        return {**{name: loss for name, loss in known.items() if name in gone}, **news}

    def _counted(self, seen: Snapshot, lost: Mapping[str, Loss]) -> Mapping[str, Loss]:
        """With what they have waited by now, which is on record where it is news."""
        now = self._seconds()
        step = min(now - self._looked, _STEP_S) if self._looked is not None else 0.0
        self._looked = now
        waited: dict[tuple[str, int], float] = {}
        found = dict(lost)
        puts: dict[str, str] = {}
        for name, loss in lost.items():
            where = keys.loss(name)
            if where not in seen.items:
                continue  # noted at this look
            known = name, seen.items[where].created
            waited[known] = max(self._waited.get(known, 0.0), loss.waited_s) + step
            found[name] = replace(loss, waited_s=round(waited[known], 3))
            if waited[known] >= loss.waited_s * (1 + _SHARE) + _TOLD_S:
                puts[where] = encode(found[name])
        self._waited = waited
        for some in parts(tuple(puts)):
            self._kv.commit({name: seen.revision_of(name) for name in some}, {name: puts[name] for name in some})
        return found

    def _wanted(self, node: str) -> tuple[tuple[AppKey, tuple[int, ...]], ...]:
        """What is to run there, with the revisions that its agent may know of; of a stack none: Swarm runs that."""
        wanted, seen = keys.desired_of(node), keys.observed_of(node)
        listed = self._kv.snapshot(wanted, seen)
        told = {key: stored.record for key, stored in applications_below(listed, seen, Observed)}
        found = ((key, one.record) for key, one in applications_below(listed, wanted, Desired))
        return tuple(
            (key, () if one.stack else tuple({one.revision, *([told[key].revision] if key in told else ())} - {0}))
            for key, one in found
            if one.run == "running"
        )

    def _longest(self, key: AppKey, revisions: tuple[int, ...]) -> float | None:
        """The agent that is lost stops by the revision that it knows: none may be over before that one is."""
        graces = [self._grace_s(key, number) for number in revisions]
        return None if None in graces else max((grace for grace in graces if grace is not None), default=0.0)

    def _grace_s(self, key: AppKey, number: int) -> float | None:
        known = (key, number)
        if known not in self._graces:
            stored = read(self._kv, keys.revision(*known), Revision)
            self._graces[known] = stored.record.options.grace_s if stored else None
        return self._graces[known]

    def _move(self, key: AppKey, node: str, why: str, now: float, loss: Loss | None = None) -> None:
        tries, last = self._tried.get((key, node), (0, None))
        waits = last is not None and now < last + min(_AGAIN_S * 2 ** min(tries, 16), _LONGEST_S)
        if waits or self._moves.is_rolled_out(key):
            return  # a roll-out, paused or not, is somebody's: what it leaves is looked at afterwards
        self._tried[key, node] = (tries + 1, now)
        if loss:  # whoever places it goes by that
            self._kv.commit({keys.alive(node): 0}, {keys.loss(node): encode(loss)})
        moved = self._moves.planned(_SELF, key, why)
        if not moved.refused:
            moved = self._moves.one(_SELF, key, why)
        if moved.refused:
            log.warning("event=not_moved application=%s node=%s reason=%s", key, node, moved.refused)
        elif moved.done:
            log.warning("event=moved application=%s from=%s to=%s", key, node, moved.done.plan.node)


def _helpless(seen: Snapshot) -> Mapping[str, str]:
    """Managers that do not reach their Swarm, though their agent is there, and why: they can look after no stack."""
    return {
        one.record.name: condition.reason
        for one in nodes_below(seen)
        for condition in one.record.conditions
        if condition.name == SWARM and not condition.ok and keys.alive(one.record.name) in seen.items
    }


_SELF = Caller("moorage", "operator", via="system")
