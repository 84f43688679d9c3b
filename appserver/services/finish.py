"""Recording how roll-outs ended: an elected duty, and whoever waits for an operation helps it along.

Every write is one transaction guarded by what it was decided on, so any number of app servers may try.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from threading import Event

from appserver.core import finish as core
from appserver.core import rolling
from appserver.core.deploy import claim_of
from appserver.core.entities import AppKey, Application, Desired, FailedRestart, Observed, Outcome, Revision
from appserver.core.operations import is_resting
from appserver.core.placement.request import Claim, Reservation
from appserver.core.updates import Rollout
from appserver.errors import AppServerError, BadRecord, Compacted, StoreError
from appserver.ports import KV, Clock, Snapshot
from appserver.services.events import Events
from appserver.services.watched import Watched
from appserver.store import keys
from appserver.store.codec import decode, encode
from appserver.store.parts import parts
from appserver.store.records import find, read, skipped
from appserver.store.watching import watching

log = logging.getLogger(__name__)
_TRIES = 16
"""Commits tried while others reserve on the same node."""
_PAUSE_S = 1.0
_REMEMBERED = 4096
_BUS = "bus.cluman.log.application"

Reserved = tuple[tuple[str, int, Reservation], ...]
"""Key, the revision it was read at, and what is to be written."""


class Finish:
    """Level-triggered: it looks at every application first, then at each that an agent reports on."""

    def __init__(self, kv: KV, events: Events, clock: Clock, seconds: Callable[[], float] = time.monotonic) -> None:
        self._kv = kv
        self._events = events
        self._clock = clock
        self._watched = Watched(seconds)
        self._claims: dict[tuple[AppKey, datetime, int], Claim] = {}

    def settle(self, key: AppKey) -> bool:
        """Record what there is to record of one application. True when something was written."""
        wrote = False
        for _ in range(_TRIES):
            first = self._kv.snapshot(keys.application(key))
            stored = find(first, keys.application(key), Application)
            if stored is None:
                return wrote
            snapshot = self._snapshot(key, stored.record)
            application = find(snapshot, keys.application(key), Application)
            if application is None or application.revision != stored.revision:
                continue
            desired = _desired(snapshot, key, application.record)
            number = max((wanted.revision for wanted, _ in desired.values()), default=0)
            settled = find(snapshot, keys.outcome(key, number), Outcome) if number else None
            observed = _observed(snapshot, key, application.record)
            now = self._clock.now()
            rollout = find(snapshot, keys.rollout(key), Rollout)
            passed = self._watched.passed(key, rollout.record.moments if rollout else ())
            if rollout and any(wanted.run != "removed" for wanted, _ in desired.values()):
                on = {node for node in application.record.nodes if keys.alive(node) in snapshot.items}
                known = {node for node in application.record.nodes if keys.node(node) in snapshot.items}
                move = rolling.move(rollout.record, desired, observed, on, now, passed, known)
                if not move.over:
                    if move.rollout == rollout.record and not move.desired:
                        return False
                    if self._go_on(key, move, snapshot, application.record):
                        return True
                    continue
                written = snapshot.items[keys.rollout(key)].created, rollout.revision
                decided = rolling.conclude(move.rollout, application.record, desired, observed, move.over, now, written)
            else:
                decided = core.decide(application.record, desired, observed, settled.record if settled else None, now)
            reserved = tuple(self._reserved(application.record, decided, snapshot))
            if decided.is_empty and not reserved:
                return wrote
            if self._commit(key, decided, snapshot, application.record, reserved):
                self._tell(key, decided, application.record.failed_restarts)
                if not decided.ended:
                    return True
                wrote = True  # a restart is over, of a revision that may not have its outcome yet: no report follows
        return wrote

    def run(self, stop: Event) -> None:
        """Until told to stop: list, then watch, and list again after a compaction or an outage."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except Compacted:
                continue
            except StoreError as error:
                log.warning("event=finisher_waits reason=%s", error)
                stop.wait(_PAUSE_S)

    def _follow(self, stop: Event) -> None:
        listed = self._kv.snapshot("observed/")
        for key, item in listed.items.items():
            self._try(key, item.value)
        with watching(self._kv, "observed/", listed.revision, stop) as watch:
            for change in watch:
                if change.value is not None:
                    self._try(change.key, change.value)

    def _try(self, observed_key: str, told: str) -> None:
        try:
            app = keys.stored_app(observed_key)
            if is_resting(decode(told, Observed, observed_key)):
                self.settle(app)
        except StoreError:
            raise
        except BadRecord as error:
            skipped(observed_key, error)
        except AppServerError:
            log.exception("event=finish_failed record=%s", observed_key)

    def _snapshot(self, key: AppKey, application: Application) -> Snapshot:
        nodes = application.nodes
        named = [of(node, key) for node in nodes for of in (keys.desired, keys.observed)]
        held = [of(node) for node in nodes for of in (keys.reservation, keys.alive, keys.node)]
        return self._kv.snapshot(
            keys.application(key),
            keys.rollout(key),
            *named,
            *held,
            keys.outcomes(key),
            *([keys.revisions(key)] if self._leaving(key, nodes) else []),
        )

    def _leaving(self, key: AppKey, nodes: tuple[str, ...]) -> bool:
        """Whether the application is being removed everywhere, and its revisions must be listed to forget them."""
        wanted = self._kv.snapshot(*[keys.desired(node, key) for node in nodes])
        found = [find(wanted, keys.desired(node, key), Desired) for node in nodes]
        return all(one is None or one.record.run == "removed" for one in found)

    def _go_on(self, key: AppKey, move: rolling.Move, snapshot: Snapshot, application: Application) -> bool:
        """The next batch, or what became of this one."""
        own = [keys.application(key), keys.rollout(key), *(keys.desired(node, key) for node in application.nodes)]
        expect = {name: snapshot.revision_of(name) for name in own}
        puts = {keys.desired(node, key): encode(wanted) for node, wanted in move.desired.items()}
        puts[keys.rollout(key)] = encode(move.rollout)
        if not self._kv.commit(expect, puts):
            return False
        self._watched.passed(key, move.rollout.moments)
        if move.desired or move.rollout.paused:
            self._events.emit(_BUS, "update", "INFO", str(key), str(move.rollout))
        return True

    def _commit(
        self, key: AppKey, decided: core.Finish, snapshot: Snapshot, application: Application, reserved: Reserved
    ) -> bool:
        where = keys.application(key)
        rollout = keys.rollout(key)
        expect = {where: snapshot.revision_of(where), rollout: snapshot.revision_of(rollout)}
        puts: dict[str, str] = {}
        deletes = (
            [rollout] if rollout in snapshot.items and (decided.outcome or decided.forget or decided.ended) else []
        )
        for node in application.nodes:
            expect[keys.desired(node, key)] = snapshot.revision_of(keys.desired(node, key))
        for node in decided.released:
            deletes += [name for name in (keys.desired(node, key), keys.observed(node, key)) if name in snapshot.items]
        for held, revision, reservation in reserved:
            expect[held] = revision
            puts[held] = encode(reservation)
        if decided.forget:
            own = (keys.revisions(key), keys.outcomes(key))
            *first, last = parts([name for name in snapshot.items if name.startswith(own)]) or [()]
            for some in first:  # the application's own record goes last: until then it is to be forgotten again
                if not self._kv.commit(expect, {}, some):
                    return False
            return bool(self._kv.commit(expect, puts, [*deletes, where, *last]))
        if decided.outcome:
            expect[keys.outcome(key, decided.number)] = snapshot.revision_of(keys.outcome(key, decided.number))
            puts[keys.outcome(key, decided.number)] = encode(decided.outcome)
        if decided.application and not decided.is_empty:
            puts[where] = encode(decided.application)
        puts.update({keys.desired(node, key): encode(wanted) for node, wanted in decided.desired.items()})
        return bool(self._kv.commit(expect, puts, deletes))

    def _reserved(
        self, application: Application, decided: core.Finish, snapshot: Snapshot
    ) -> Iterator[tuple[str, int, Reservation]]:
        """The reservations to write, each with its key and the revision it was read at; those that stand are not."""
        holder = str(application.key)
        for node in (*decided.released, *decided.stays):
            where = keys.reservation(node)
            held = find(snapshot, where, Reservation)
            if held is None or (node not in decided.released and held.record.holders.get(holder) == Claim()):
                continue  # nothing was asked for, or Swarm places it
            if node in decided.released or not decided.stays[node]:
                after = held.record.without(holder)
            else:
                claim = self._claim(application, decided.stays[node])
                after = held.record.with_claim(holder, claim) if claim else held.record
            if after != held.record:
                yield where, held.revision, after

    def _claim(self, application: Application, number: int) -> Claim | None:
        """Of a revision, which never changes while its application is there. None where it is not on record."""
        known = (application.key, application.created_at, number)
        if known not in self._claims:
            stored = read(self._kv, keys.revision(application.key, number), Revision)
            if stored is None:
                return None
            if len(self._claims) >= _REMEMBERED:
                self._claims.clear()
            self._claims[known] = claim_of(stored.record.project)
        return self._claims[known]

    def _tell(self, key: AppKey, decided: core.Finish, before: Sequence[FailedRestart]) -> None:
        if decided.forget:
            self._events.emit(_BUS, "delete", "INFO", str(key), f"{key} is removed")
        elif decided.ended and decided.application and (failed := decided.application.failed_restarts) != before:
            why = "; ".join(map(str, failed[-1].causes)) if failed else ""
            self._events.emit(_BUS, "die", "ERROR", str(key), f"the restart ended there: {why}")
        elif decided.outcome and decided.outcome.state == "failed":
            why = "; ".join(map(str, decided.outcome.causes))
            back = ", the previous revision is back" if decided.desired else ""
            self._events.emit(_BUS, "die", "ERROR", str(key), f"revision {decided.number} failed{back}: {why}")
        elif decided.outcome:
            self._events.emit(_BUS, "started", "INFO", str(key), f"revision {decided.number} is in force")


def _desired(snapshot: Snapshot, key: AppKey, application: Application) -> dict[str, tuple[Desired, int]]:
    found = {node: find(snapshot, keys.desired(node, key), Desired) for node in application.nodes}
    return {node: (one.record, one.revision) for node, one in found.items() if one}


def _observed(snapshot: Snapshot, key: AppKey, application: Application) -> dict[str, Observed]:
    found = {node: find(snapshot, keys.observed(node, key), Observed) for node in application.nodes}
    return {node: one.record for node, one in found.items() if one}
