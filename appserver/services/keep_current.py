"""The elected duty that brings each source's newest good commit into force: what a push left undone, what remotes have.

Level-triggered: it compares what is there with what is on record, so whatever died in between is made up for.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event, Thread

from appserver.core import sources as core
from appserver.core.access import Caller
from appserver.core.entities import SourceState
from appserver.core.push_text import plain
from appserver.core.refs import short
from appserver.errors import AppServerError, Compacted, Conflict, Invalid, RepoError, StoreError
from appserver.ports import KV, Clock, Repositories
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.reconfigure import Begun, Reconfigure
from appserver.services.source_records import SourceRecord, SourceRecords
from appserver.services.sources import Sources
from appserver.store.watching import watching

log = logging.getLogger(__name__)

LOOK_S = 15.0
"""How often hosted repositories and applications that wait are looked at."""
TIDY_S = 86_400.0
AT_ONCE = 4
_TURN_S = 5.0
_PAUSE_S = 1.0
_BUS = "bus.cluman.pipeline"


@dataclass(slots=True)
class _Progress:
    """What this process remembers of a source between looks; nothing depends on it but pauses."""

    running: Future[None] | None = None
    failures: int = 0
    next_look: datetime | None = None
    tidied: datetime | None = None


class KeepCurrent:
    def __init__(
        self,
        *,
        kv: KV,
        records: SourceRecords,
        sources: Sources,
        repositories: Repositories,
        reconfigure: Reconfigure,
        audit: Audit,
        events: Events,
        clock: Clock,
        jitter: Callable[[], float] = lambda: random.uniform(-1, 1),  # noqa: S311  # spreads load, guards nothing
        look_s: float = LOOK_S,
    ) -> None:
        self._kv = kv
        self._records = records
        self._sources = sources
        self._repositories = repositories
        self._reconfigure = reconfigure
        self._audit = audit
        self._events = events
        self._clock = clock
        self._jitter = jitter
        self._look_s = look_s
        self._known: dict[str, _Progress] = {}

    def run(self, stop: Event) -> None:
        """Until told to stop. Wakes when a source's record changes, and every second for what has come due."""
        woken = Event()
        Thread(target=self._wake, args=(woken, stop), name="sources woken", daemon=True).start()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="source") as pool:
            while not stop.is_set():
                woken.clear()
                try:
                    self._look(pool)
                except StoreError as error:
                    log.warning("event=sources_wait reason=%r", str(error))
                    stop.wait(_PAUSE_S)
                woken.wait(min(self._look_s, 1.0))

    def _look(self, pool: ThreadPoolExecutor) -> None:
        """One pass: begin whatever is due and not under way."""
        found = self._records.all()
        for name in self._known.keys() - {record.source.name for record in found}:
            del self._known[name]
        now = self._clock.now()
        for record in found:
            progress = self._known.setdefault(record.source.name, _Progress())
            if progress.running and not progress.running.done():
                continue
            fetch = core.due(record.source, record.state, progress.failures, self._jitter(), now)
            idle = record.source.kind == "remote" and not record.state.pending
            if fetch or (not idle and now >= (progress.next_look or now)):
                progress.next_look = now + timedelta(seconds=self._look_s)
                progress.running = pool.submit(self._attend, record, progress, fetch)

    def attend(self, name: str, fetch: bool = True) -> None:
        """Bring one source up to date now.

        Args:
            fetch: whether a remote is asked for news; else only what waits is tried again.
        Raises:
            AppServerError: whatever hindered it; recorded in the source's state where the source is to blame.
        """
        began = self._clock.now()
        record = self._records.get(name)
        asked = record.state.asked
        remote = record.source.kind == "remote"
        try:
            head = self._head(record) if fetch or not remote else record.state.commit
            if head and head != record.state.commit:
                self._advance(record, head)
            elif record.state.pending:
                self._retry(name)
            elif head and record.state.error:
                self._records.change(name, _cleared)
        except (Invalid, RepoError) as error:
            self._blame(record, str(error), "")
            raise
        finally:
            if asked > record.state.answered or (remote and fetch):
                self._answer(name, asked, began)

    def _attend(self, record: SourceRecord, progress: _Progress, fetch: bool) -> None:
        name = record.source.name
        try:
            self.attend(name, fetch)
            progress.failures = 0
            self._tidy(record, progress)
        except Conflict as error:
            progress.next_look = None
            log.info("event=source_waits source=%s reason=%r", name, str(error))
        except AppServerError as error:
            progress.failures += 1
            log.warning("event=source_failed source=%s failures=%s error=%r", name, progress.failures, str(error))
        except Exception:
            progress.failures += 1
            log.exception("event=source_failed source=%s", name)

    def _head(self, record: SourceRecord) -> str | None:
        """The branch's commit: fetched when the source is elsewhere and due, else as it is here."""
        source = record.source
        if source.kind == "remote":
            return self._repositories.fetch(source.name, self._sources.remote(source))
        self._sources.house(record)
        repository = self._repositories.open(source.name, "hosted")
        head = repository.head(source.branch)
        held = core.kept(source, record.state)
        if held and head != held and (head is None or not repository.contains(held, head)):
            # The repositories of this app server are not those that the commit in force came through.
            log.info("event=source_elsewhere source=%s in_force=%s here=%s", source.name, held, head)
            return held
        return head

    def _advance(self, record: SourceRecord, head: str) -> None:
        source = record.source
        caller = _caller(source.name)
        with self._reconfigure.turn(source.name, caller.name, _TURN_S) as fence:
            state = self._records.get(source.name).state
            if head == state.commit:
                return  # a push was in the middle of it
            repository = self._repositories.open(source.name, source.kind)
            seen = self._reconfigure.examine(caller, source, head)
            if seen.faults:
                self._blame(record, "\n".join(f"{where}: {why}" for where, why in seen.faults[:20]), head)
                return
            told = repository.describe(head)
            reason = plain(f"{source.name} {short(head)}: {told.subject} (by {told.author})")
            begun = self._reconfigure.apply(caller, seen, fence, reason)
        self._tell(caller, source.name, reason, begun)

    def _retry(self, name: str) -> None:
        caller = _caller(name)
        with self._reconfigure.turn(name, caller.name, _TURN_S) as fence:
            record = self._records.get(name)
            if record.state.pending:
                reason = f"{name} {short(record.state.commit)}, later"
                begun = self._reconfigure.retry(caller, record, fence, reason)
                if any(one.operation for one in begun):
                    self._tell(caller, name, reason, begun)

    def _answer(self, name: str, asked: int, began: datetime) -> None:
        """What came after the look began may not have been seen by it."""
        self._records.change(name, lambda state: replace(state, checked_at=began, answered=max(asked, state.answered)))

    def _tell(self, caller: Caller, name: str, reason: str, begun: tuple[Begun, ...]) -> None:
        self._audit.record(caller, "push", f"source:{name}", "ok", reason)
        detail: Mapping[str, object] = {"applications": [str(one.key) for one in begun]}
        self._events.emit(_BUS, "deploy", "INFO", name, reason, caller.name, detail)

    def _blame(self, record: SourceRecord, error: str, commit: str) -> None:
        """Record why the newest is not in force; told on the bus once, not at every look."""
        now = self._clock.now()
        name = record.source.name
        before = self._records.get(name).state
        after = self._records.change(name, lambda state: core.failed(state, error, commit, now))
        if before != after:
            self._audit.record(_caller(name), "push", f"source:{name}", "refused", f"{short(commit)} {error}"[:500])
            told = f"{name} {short(commit)}: {error.splitlines()[0]}"
            self._events.emit(_BUS, "REJECT", "WARNING", name, told)

    def _tidy(self, record: SourceRecord, progress: _Progress) -> None:
        now = self._clock.now()
        if progress.tidied is None:
            progress.tidied = now  # not at start-up, when everybody is busy
        elif now >= progress.tidied + timedelta(seconds=TIDY_S):
            progress.tidied = now
            self._repositories.tidy(record.source.name, record.source.kind, record.state.commit)

    def _wake(self, woken: Event, stop: Event) -> None:
        while not stop.is_set():
            try:
                start = self._kv.snapshot("sourcestate/").revision
                woken.set()
                with watching(self._kv, "sourcestate/", start, stop) as watch:
                    for _ in watch:
                        woken.set()
            except Compacted:
                continue
            except StoreError:
                stop.wait(_PAUSE_S)
        woken.set()


def _caller(name: str) -> Caller:
    """Who acts for a source: bound by policy as an operator is, whoever wrote the commit."""
    return Caller(f"source:{name}", "operator", via="system")


def _cleared(state: SourceState) -> SourceState:
    return replace(state, error="", error_commit="", error_at=None)
