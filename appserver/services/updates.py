"""Updates of the boot servers, as people want them: asked for, stopped, begun anew, taken back.

Asking writes what the updater goes by; what cannot wait for it, or is no decision of its own, is one transaction here
that demands that the request is still the one that was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from appserver.core import events as buses
from appserver.core import rollout as core
from appserver.core.access import Caller, require
from appserver.core.notices import BEGIN_UPDATE, Notice
from appserver.core.release import Release
from appserver.core.release_versions import why_not
from appserver.core.rollout_record import Request, Run
from appserver.core.rollout_run import again, back
from appserver.core.site_config import Site
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Clock, Snapshot
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.rollout_start import Freeze, start
from appserver.services.updates_view import process, wanted
from appserver.store import notices as outbox
from appserver.store import releases
from appserver.store import rollout as store
from appserver.store.codec import encode
from appserver.store.records import Stored
from appserver.store.releases import kept

NOTHING: Mapping[str, str] = {}
NO_FENCE: Mapping[str, int] = {}


class Updates:
    def __init__(
        self,
        *,
        kv: KV,
        site: Callable[[], Site],
        audit: Audit,
        events: Events,
        clock: Clock,
        freeze: Freeze,
    ) -> None:
        """
        Args:
            freeze: why nothing is begun with, at a time; "" where something may be.
        """
        self._kv = kv
        self._site = site
        self._audit = audit
        self._events = events
        self._clock = clock
        self._freeze = freeze

    def request(self, caller: Caller, version: str = "", older: bool = False) -> str:
        """Make a release that is kept the one to be updated to, whatever channel and window say; a freeze holds.

        An update that is stopped has to be recovered before it begins. Going back puts what is in force aside: neither
        it nor what came before it is taken again of itself.

        Args:
            version: empty: the one that is there already, which is begun with as soon as it can be.
            older: that it may be older than what is in force: a rollback, which somebody has approved.
        Raises:
            NotFound: no such release is kept.
            Conflict: it is older; or an update is under way.
        """
        with self._audit.of(caller, "rollback" if older else "request", f"update:{version[:40]}"):
            require(caller, "U" if older else "E", "update:")
            seen = self._kv.snapshot(*store.STANDING)
            now, asked = store.release_of(seen), wanted(self._kv, seen, version, older)
            if asked != now:
                back = bool(now) and older and bool(why_not(asked, now))
                expect, puts = self._aside(now, f"{caller.name} went back to {asked}") if back else ({}, {})
                expect |= {store.RELEASE: seen.revision_of(store.RELEASE)}
                self._commit(expect, {**puts, store.RELEASE: asked})
            self._tell(caller, f"update to {asked} was asked for")
            return asked

    def stop(self, caller: Caller, why: str = "") -> None:
        """What runs is ended within seconds, and nothing new begins.

        Raises:
            NotFound: nothing is asked for.
            Conflict: it is through.
        """
        with self._audit.of(caller, "stop", "update:", why):
            require(caller, "E", "update:")
            seen = self._kv.snapshot(*store.STANDING)
            asked = self._asked(seen)
            if asked.record.stop:
                return
            if self._is_through(seen, asked.record):
                raise Conflict(f"the update to {asked.record.version} is through")
            puts = {store.REQUEST: encode(replace(asked.record, stop=True))}
            expect = {store.REQUEST: asked.revision}
            run = store.run_of(seen)
            if run and run.record.of(asked.record) and run.record.ended_at is None:
                told = f"stopped by {caller.name}" + (f": {why}" if why else "")
                over = replace(run.record, ended_at=self._clock.now(), outcome="stopped", why=told)
                puts |= {store.RUN: encode(over), store.run(over.number): encode(over)}
                expect[store.RUN] = run.revision
            self._commit(expect, puts)
            self._tell(caller, f"the update to {asked.record.version} is stopped" + (f": {why}" if why else ""))

    def recover(self, caller: Caller) -> None:
        """What is left of a stopped update is deleted; the updater begins anew, with the servers that there are.

        Raises:
            NotFound: nothing is asked for.
            Conflict: it is not stopped, or a step still runs somewhere.
        """
        with self._audit.of(caller, "recover", "update:"):
            require(caller, "E", "update:")
            seen, asked = self._stopped()
            contents = self._kv.snapshot(store.CONTENTS).items
            gone = [*contents, store.REQUEST, *(key for key in seen.items if key.startswith(store.STATUSES))]
            self._commit({store.REQUEST: asked.revision, **_idle(seen)}, {}, gone)
            self._tell(caller, f"the update to {asked.record.version} is recovered")

    def retry(self, caller: Caller) -> Run:
        """The update that was stopped, taken up at the first step that not all were through with.

        Raises:
            NotFound, Conflict
        """
        with self._audit.of(caller, "retry", "update:"):
            require(caller, "E", "update:")
            seen, _ = self._stopped()
            run = self._run(seen)
            statuses, servers = store.statuses_of(seen), store.servers_of(seen)
            fresh = again(run, run.number + 1, statuses, servers, self._clock.now())
            return self._start(caller, seen, replace(fresh, by=caller.name, reached=store.reached(self._kv, run)))

    def undo(self, caller: Caller) -> Run:
        """What was begun of a stopped update is taken back, where its steps say how; its release is put aside.

        Raises:
            NotFound, Conflict
        """
        with self._audit.of(caller, "undo", "update:"):
            require(caller, "U", "update:")
            seen, asked = self._stopped()
            run = self._run(seen)
            reached = store.reached(self._kv, run)
            fresh = back(run, run.number + 1, reached, store.servers_of(seen), self._clock.now())
            held = kept(self._kv, fresh.version)
            release = held.release if held else Release(fresh.version, ())
            fresh = replace(fresh, images=release.images, debs=release.debs)
            why = f"update {run.number} was taken back by {caller.name}"
            expect, puts = self._aside(asked.record.version, why)
            puts |= {store.RELEASE: fresh.version}
            expect |= {store.RELEASE: seen.revision_of(store.RELEASE)}
            targets = [store.content(step.target) for step in fresh.steps if step.target]
            return self._start(caller, seen, replace(fresh, by=caller.name), puts, expect, targets)

    def _aside(self, version: str, why: str) -> tuple[dict[str, int], dict[str, str]]:
        """What puts a release aside, in the transaction that takes it back."""
        held = releases.stored(self._kv, version)
        if held is None:
            return {}, {}
        key = releases.release(version)
        return {key: held.revision}, {key: encode(replace(held.record, aside=why, back=True))}

    def _start(
        self,
        caller: Caller,
        seen: Snapshot,
        run: Run,
        puts: Mapping[str, str] = NOTHING,
        expect: Mapping[str, int] = NO_FENCE,
        gone: Sequence[str] = (),
    ) -> Run:
        site = self._site()
        if frozen := self._freeze(site, self._clock.now()):
            raise Conflict(f"{frozen}; a line of config/release-freeze says so")
        request = Request(run.version, run.servers, False, run.began_at)
        notice = Notice(run.number, "begin", run.version, run.servers, run.began_at, BEGIN_UPDATE, run.began_at)
        gone = [*gone, *(key for key in seen.items if key.startswith(store.STATUSES))]
        timed = replace(run, timeout_s=site.seconds("config/worker-timeout-duration"))
        if not start(
            self._kv, seen, timed, request, gone, outbox.puts(seen, [notice]), {**_idle(seen), **expect}, puts
        ):
            raise Conflict("the update changed meanwhile; look again")
        self._tell(caller, f"update {run.number} to {run.version} begins: {run.cause}, {len(run.steps)} steps")
        return timed

    def _stopped(self) -> tuple[Snapshot, Stored[Request]]:
        seen = self._kv.snapshot(*store.STANDING)
        asked = self._asked(seen)
        if not asked.record.stop:
            raise Conflict("not stopped")
        if busy := store.busy_of(seen):
            raise Conflict(f"{core.listed(busy)}: a step still runs there; look again in some seconds")
        return seen, asked

    def _asked(self, seen: Snapshot) -> Stored[Request]:
        asked = store.request_of(seen)
        if asked is None:
            raise NotFound("not found: no update is asked for")
        return asked

    def _run(self, seen: Snapshot) -> Run:
        run = store.run_of(seen)
        if run is None:
            raise Conflict("what its steps were is not on record: `moorage update recover` begins anew")
        return run.record

    def _is_through(self, seen: Snapshot, asked: Request) -> bool:
        return process(asked, store.statuses_of(seen)) == "completed"

    def _commit(self, expect: Mapping[str, int], puts: Mapping[str, str], gone: list[str] | None = None) -> None:
        if not self._kv.commit(expect, puts, gone or []):
            raise Conflict("the update changed meanwhile; look again")

    def _tell(self, caller: Caller, message: str) -> None:
        self._events.emit(buses.NODE, "update", "INFO", "update", message, caller.name)


def _idle(seen: Snapshot) -> Mapping[str, int]:
    return {store.busy(lrn): 0 for lrn in store.servers_of(seen)}
