"""The updater: the elected duty that asks the boot servers for an update, and follows it to its end.

Each look is observe, decide, act, record: one snapshot, `core/rollout.py`, and one transaction that demands that this
app server leads and that nobody asked for something else meanwhile. A successor finds all it needs on record.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event, Thread

from appserver.core import events as buses
from appserver.core import notices, rollout
from appserver.core.events import Severity
from appserver.core.notices import Notice, NoticeKind
from appserver.core.release_versions import is_version, parse
from appserver.core.rollout import Action, completed
from appserver.core.rollout_record import Cause, Outcome, Request, Run
from appserver.core.rollout_run import begun
from appserver.core.site_config import Site
from appserver.errors import AppServerError, Compacted
from appserver.ports import KV, Clock, Leadership, Snapshot
from appserver.services.events import Events
from appserver.services.rollout_start import KEPT, Freeze, Told, seen_of, start
from appserver.store import notices as outbox
from appserver.store import rollout as store
from appserver.store.codec import encode
from appserver.store.hearing import Hearing
from appserver.store.parts import parts
from appserver.store.records import Stored
from appserver.store.releases import kept

log = logging.getLogger(__name__)

_LOOK_S = 0.5
"""How soon it is seen that it is to stop."""
_AGAIN_S = 2.0
_ANYWAY_S = 30.0
"""What counts is heard, the end of a deadline too: at 1,000 nodes a look is a megabyte."""
_HEARD = ("status/", "info/", "update/", "alive/", "config/", "releases/")

Check = Callable[[Event, Mapping[str, int]], None]
"""Looks for new releases while this app server leads: until told to stop, with its fence."""


class Updater:
    def __init__(
        self,
        *,
        kv: KV,
        site: Callable[[], Site],
        events: Events,
        clock: Clock,
        freeze: Freeze,
        check: Check | None = None,
    ) -> None:
        """
        Args:
            site: the configuration that is in force.
            freeze: why it has no new release begun with, at a time; "" where one may be.
            check: None: nobody looks for releases.
        """
        self._kv = kv
        self._site = site
        self._events = events
        self._clock = clock
        self._freeze = freeze
        self._check = check
        self._said = ""

    def run(self, stop: Event, leadership: Leadership) -> None:
        if self._check:
            check, fence = self._check, leadership.fence
            Thread(target=lambda: check(stop, fence), name="releases", daemon=True).start()
        while not stop.is_set():
            try:
                self._follow(stop, leadership.fence)
            except Compacted:
                continue
            except AppServerError as error:
                log.warning("event=updater_waits reason=%r", str(error))
                stop.wait(_AGAIN_S)

    def _follow(self, stop: Event, fence: Mapping[str, int]) -> None:
        """Look whenever something changed, and now and then."""
        with Hearing(self._kv, _HEARD, self._kv.snapshot(store.RELEASE).revision) as hearing:
            looked = 0.0
            while not stop.is_set():
                if hearing.names() or time.monotonic() - looked >= _ANYWAY_S:
                    looked = time.monotonic()
                    self.look(fence)
                hearing.wait(_LOOK_S)

    def look(self, fence: Mapping[str, int]) -> Action:
        """One round of it; what was decided.

        Raises:
            StoreError
        """
        seen = self._kv.snapshot(*store.STANDING)
        asked, run = store.request_of(seen), store.run_of(seen)
        if asked and not asked.record.stop and (run is None or not run.record.of(asked.record)):
            self._adopt(seen, asked, run, fence)
            seen = self._kv.snapshot(*store.STANDING)
            asked, run = store.request_of(seen), store.run_of(seen)
        if asked and run and run.record.of(asked.record) and run.record.ended_at is None:
            if asked.record.stop:
                self._end(seen, run, "stopped", "stopped by another program", {}, fence)
                return self.decide(self._kv.snapshot(*store.STANDING))
            self._tell_dead(seen, run.record, fence)
            if _through(seen, asked.record):
                self._end(seen, run, "completed", "", {}, fence)
                seen = self._kv.snapshot(*store.STANDING)
        action = self.decide(seen)
        if f"{action.kind}: {action.reason}" != self._said:
            self._said = f"{action.kind}: {action.reason}"
            log.info("event=updater action=%s reason=%r", action.kind, action.reason)
        if action.kind == "request-stop" and action.request:
            self._stop(seen, action, fence)
        elif action.request:
            cause: Cause = "reconfigure" if action.kind == "reconfigure" else "update"
            self._begin(seen, action.request, cause, action, fence)
        return action

    def decide(self, seen: Snapshot) -> Action:
        """What is next, without doing it."""
        now = self._clock.now()
        return rollout.decide(seen_of(seen, self._site(), now, self._freeze), now)

    def _begin(self, seen: Snapshot, request: Request, cause: Cause, action: Action, fence: Mapping[str, int]) -> None:
        found = kept(self._kv, request.version)
        if found is None:
            log.warning("event=updater_waits reason=%r", f"release {request.version} is not on record")
            return
        if busy := store.busy_of(seen):
            log.info("event=updater_waits reason=%r", f"{rollout.listed(busy)}: a step still runs")
            return
        before = run.record if (run := store.run_of(seen)) else None
        number = before.number + 1 if before else 1
        older = before is not None and parse(request.version) < parse(before.version)
        if cause == "update" and older:
            cause = "rollback"
        timeout_s = self._site().seconds("config/worker-timeout-duration")
        fresh = begun(number, found.release, request, cause, timeout_s, _in_force(before))
        if before and before.outcome != "completed" and before.version == fresh.version:
            fresh = replace(fresh, reached=store.reached(self._kv, before))
        detail = notices.BEGIN_RECONFIGURE if cause == "reconfigure" else notices.BEGIN_UPDATE
        told = self._notice(seen, fresh, "begin", detail)
        gone = [key for key in seen.items if key.startswith(store.STATUSES)] if action.clear else []
        if start(self._kv, seen, fresh, request, gone, told, fence):
            self._say(f"update {number} to {request.version} begins: {action.reason}", "INFO", {"update": number})

    def _adopt(self, seen: Snapshot, asked: Stored[Request], run: Stored[Run] | None, fence: Mapping[str, int]) -> None:
        """A request that another program wrote: the run that belongs to it. What servers said before is of another."""
        if is_version(asked.record.version) and (found := kept(self._kv, asked.record.version)):
            gone = [key for key in seen.items if key.startswith(store.STATUSES)]
            before = run.record if run else None
            number = before.number + 1 if before else 1
            timeout_s = self._site().seconds("config/worker-timeout-duration")
            fresh = begun(number, found.release, asked.record, "update", timeout_s, _in_force(before))
            told = self._notice(seen, fresh, "begin", notices.BEGIN_UPDATE)
            start(self._kv, seen, fresh, None, gone, told, fence)

    def _stop(self, seen: Snapshot, action: Action, fence: Mapping[str, int]) -> None:
        asked, run = store.request_of(seen), store.run_of(seen)
        if asked is None or action.request is None:
            return
        puts = {store.REQUEST: encode(action.request)}
        if run and run.record.of(asked.record) and run.record.ended_at is None:
            outcome: Outcome = "late" if action.reason.startswith(_LATE) else "aborted"
            self._end(seen, run, outcome, action.reason, puts, fence)
        else:
            self._kv.commit({**fence, store.REQUEST: asked.revision}, puts)

    def _end(
        self,
        seen: Snapshot,
        run: Stored[Run],
        outcome: Outcome,
        why: str,
        puts: Mapping[str, str],
        fence: Mapping[str, int],
    ) -> None:
        """How it came out, with the notice of it in the same transaction: no change of leader loses that."""
        over = replace(run.record, outcome=outcome, why=why, ended_at=self._clock.now())
        absent, told = self._notice(seen, over, "success" if outcome == "completed" else "failure", why)
        expect = {**fence, store.REQUEST: seen.revision_of(store.REQUEST), store.RUN: run.revision, **absent}
        text = encode(over)
        if self._kv.commit(expect, {**puts, store.RUN: text, store.run(over.number): text, **told}):
            self._prune(over.number, fence)
            severity: Severity = "INFO" if outcome == "completed" else "ERROR"
            message = f"update {over.number} to {over.version}: {outcome}" + (f": {why}" if why else "")
            self._say(message, severity, {"update": over.number})

    def _prune(self, newest: int, fence: Mapping[str, int]) -> None:
        """Updates of long ago are forgotten, with what each server did in them."""
        seen = self._kv.snapshot(store.RUNS, store.STEPS).items
        numbered = {key: key.rpartition("/")[2] for key in seen}
        old = [key for key, number in numbered.items() if number.isdecimal() and int(number) <= newest - KEPT]
        for some in parts(old):
            self._kv.commit(fence, {}, some)

    def _tell_dead(self, seen: Snapshot, run: Run, fence: Mapping[str, int]) -> None:
        """Of servers of the update whose agents are gone: each once in an update, at once."""
        asked = store.request_of(seen)
        statuses = store.statuses_of(seen)
        for lrn, name in store.dead_of(seen).items():
            if lrn in run.servers and asked and not completed(asked.record, statuses.get(lrn)):
                notice = Notice(
                    run.number,
                    "warning",
                    run.version,
                    (lrn,),
                    run.began_at,
                    rollout.gone({lrn: name}),
                    self._clock.now(),
                )
                absent, told = outbox.puts(seen, [notice])
                if told and self._kv.commit({**fence, **absent}, told):
                    self._say(notice.detail, "WARNING", {"update": run.number})

    def _notice(self, seen: Snapshot, run: Run, kind: NoticeKind, detail: str) -> Told:
        notice = Notice(run.number, kind, run.version, run.servers, run.began_at, detail, self._clock.now())
        return outbox.puts(seen, [notice])

    def _say(self, message: str, severity: Severity, detail: Mapping[str, object]) -> None:
        self._events.emit(buses.NODE, "update", severity, "update", message, detail=detail)


_LATE = "workers take too long"


def _through(seen: Snapshot, asked: Request) -> bool:
    statuses = store.statuses_of(seen)
    return all(completed(asked, statuses.get(lrn)) for lrn in asked.servers)


def _in_force(before: Run | None) -> str:
    """The release that was brought to its end last."""
    if before is None:
        return ""
    return before.version if before.outcome == "completed" else before.before
