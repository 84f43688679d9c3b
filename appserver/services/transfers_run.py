"""Moves to another cluster, carried on by an elected duty: the old application leaves once the new one is up.

Each step is one guarded transaction, which changes what is wanted and the move's record together. So any app server may
take the next one, and none takes a step twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

from appserver.core.access import Caller
from appserver.core.entities import AppKey, Application, Desired, Observed, Outcome, Revision
from appserver.core.expose import Expose
from appserver.core.operations import at_rest
from appserver.core.routes import Applied, Serving
from appserver.core.transfer import Side, Transfer, decide
from appserver.errors import AppServerError, BadRecord, StoreError
from appserver.ports import KV, Clock, Snapshot
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.routes_claims import Claims
from appserver.services.transfers import BUS
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import Stored, below, find, read, skipped

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_KEPT = timedelta(days=1)
"""So long it can be read how a move ended."""


class TransfersRun:
    def __init__(self, *, kv: KV, claims: Claims, audit: Audit, events: Events, clock: Clock) -> None:
        self._kv = kv
        self._claims = claims
        self._audit = audit
        self._events = events
        self._clock = clock

    def run(self, stop: Event) -> None:
        """Until told to stop."""
        while not stop.wait(_LOOK_S):
            try:
                self.look()
            except StoreError as error:
                log.warning("event=moves_wait reason=%s", error)

    def look(self) -> None:
        """Every one a step further, where it can be; those that were over long ago are forgotten."""
        for name, stored in below(self._kv.snapshot(keys.MOVES), keys.MOVES, Transfer):
            try:
                self._go_on(AppKey(*name.split("/", 1)), stored)
            except StoreError:
                raise
            except BadRecord as error:
                skipped(f"{keys.MOVES}{name}", error)
            except AppServerError as error:
                log.warning("event=move_waits application=%s reason=%s", name, error)

    def _go_on(self, key: AppKey, stored: Stored[Transfer]) -> None:
        now, at, where = stored.record, self._clock.now(), keys.move(key)
        if now.is_over:
            if at - (now.ended_at or now.at) > _KEPT:
                self._kv.commit({where: stored.revision}, {}, [where])
            return
        there = AppKey(now.to, key.name)
        seen = self._kv.snapshot(keys.application(key), keys.application(there))
        old, old_held = self._side(seen, key, now.old_made)
        new, new_held = self._side(seen, there, now.new_made)
        exposes = self._exposes(there, new)
        proxies = [one.record for _, one in below(self._kv.snapshot(keys.PROXIES), keys.PROXIES, Applied)]
        unserved = self._unserved(exposes, key, old, there, new, proxies)
        then = decide(now, key, old, new, unserved, self._is_unread(exposes, proxies), at)
        if then == now:
            return
        expect = {where: stored.revision, **old_held, **new_held}
        puts = {where: encode(then)}
        if then.phase != now.phase:
            held, changes = self._step(then, key, old, there, new, exposes)
            expect, puts = {**expect, **held}, {**puts, **changes}
        if self._kv.commit(expect, puts) and then.phase != now.phase:
            self._tell(key, then)

    def _step(
        self, then: Transfer, key: AppKey, old: Side, there: AppKey, new: Side, exposes: tuple[Expose, ...]
    ) -> tuple[Mapping[str, int], Mapping[str, str]]:
        """What the commit expects and writes that brings this phase about."""
        if then.phase == "passing":
            return self._claims.pass_on(key, there, exposes)
        if then.phase == "leaving":
            return {}, _removal(key, old, then.by)
        if then.phase == "undoing":
            return {}, _removal(there, new, then.by)
        if then.phase == "failed" and new.is_going:
            return self._claims.pass_on(there, key, self._exposes(key, old))
        return {}, {}

    def _side(self, seen: Snapshot, key: AppKey, made: datetime) -> tuple[Side, Mapping[str, int]]:
        """With the store revisions that the next step stands on."""
        where = keys.application(key)
        found = find(seen, where, Application)
        held = {where: seen.revision_of(where)}
        if found is None or found.record.created_at != made:
            return Side(), held
        nodes = found.record.nodes
        listed = self._kv.snapshot(*(of(node, key) for node in nodes for of in (keys.desired, keys.observed)))
        desired: dict[str, Desired] = {}
        rests: list[bool] = []
        for node in nodes:
            if wanted := find(listed, keys.desired(node, key), Desired):
                desired[node] = wanted.record
                held[keys.desired(node, key)] = wanted.revision
                told = find(listed, keys.observed(node, key), Observed)
                through = told is not None and at_rest(told.record, wanted.revision)
                rests.append(through and wanted.record.run == "stopped")
        number = max((one.revision for one in desired.values()), default=0)
        outcome = read(self._kv, keys.outcome(key, number), Outcome) if number else None
        side = Side(found.record, desired, bool(rests) and all(rests), outcome.record if outcome else None)
        return side, held

    def _exposes(self, key: AppKey, side: Side) -> tuple[Expose, ...]:
        number = max((one.revision for one in side.desired.values()), default=0)
        stored = read(self._kv, keys.revision(key, number), Revision) if number else None
        return stored.record.options.expose if stored else ()

    def _unserved(
        self,
        exposes: tuple[Expose, ...],
        key: AppKey,
        old: Side,
        there: AppKey,
        new: Side,
        proxies: Sequence[Applied],
    ) -> frozenset[str]:
        """What the old one answers through the proxies, and the new one is to, and does not yet as all of them know."""
        if not exposes:
            return frozenset()
        wanted = {one.address for one in exposes}
        answered, _ = self._served(key, old)
        there_too, said = self._served(there, new)
        known = all(one.revision >= said for one in proxies)
        return frozenset(wanted & answered - (there_too if known else set()))

    def _is_unread(self, exposes: tuple[Expose, ...], proxies: Sequence[Applied]) -> bool:
        """Whether a proxy goes by claims that are older than those on record."""
        if not exposes:
            return False
        seen = self._kv.snapshot(*{keys.route(one.host) for one in exposes})
        newest = max((item.revision for item in seen.items.values()), default=0)
        return any(one.routes < newest for one in proxies)

    def _served(self, key: AppKey, side: Side) -> tuple[set[str], int]:
        """And the store revision of what was said of it last."""
        runs = [node for node, wanted in side.desired.items() if wanted.run == "running"]
        seen = self._kv.snapshot(*(keys.serving(node, key) for node in runs)) if runs else None
        found = [find(seen, keys.serving(node, key), Serving) for node in runs] if seen else []
        told = [stored for stored in found if stored]
        served = {f"{one.host}{one.path}" for stored in told for one in stored.record.endpoints}
        return served, max((stored.revision for stored in told), default=0)

    def _tell(self, key: AppKey, then: Transfer) -> None:
        log.info("event=move application=%s to=%s phase=%s", key, then.to, then.phase)
        wrong = then.phase in ("undoing", "failed")
        told = f"move to {then.to}: {then.step}"
        self._events.emit(BUS, "update", "ERROR" if wrong else "INFO", str(key), told, user=then.by)
        if then.is_over:
            by = Caller(then.by, "operator", via="system")
            self._audit.record(by, "move", f"application:{key}", "failed" if wrong else "ok", then.step)


def _removal(key: AppKey, side: Side, by: str) -> Mapping[str, str]:
    """What takes an application away, volumes kept; nothing where it is gone or going."""
    if side.application is None or side.is_going:
        return {}
    gone = {
        keys.desired(node, key): encode(replace(wanted, run="removed", remove_volumes=False, by=by))
        for node, wanted in side.desired.items()
        if wanted.run != "removed"
    }
    return {keys.application(key): encode(side.application), **gone}
