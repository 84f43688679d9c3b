"""A new commit of a source over every application that is configured from it: look, decide, apply, record.

Pushes, polls and recovery all come through here, so that a commit means the same by whichever way it came.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from appserver.core import push as core
from appserver.core import sources
from appserver.core.access import Caller
from appserver.core.config_tree import Fault
from appserver.core.entities import AppKey, Application, Desired, Source, SourceState
from appserver.core.push import Checked
from appserver.errors import AppServerError, Conflict, Invalid, InvalidMany, NotFound, UserError
from appserver.ports import KV, Clock, Sealer
from appserver.services.deploy import Deploy
from appserver.services.source_files import SourceFiles
from appserver.services.source_records import SourceRecord, SourceRecords
from appserver.services.source_trees import SourceTrees
from appserver.store import keys
from appserver.store.records import below, find
from image_config import Repository
from image_config.errors import ConfigError

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Applications whose records are written at the same time."""
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Examined:
    """A commit that was looked at. `faults` refuse it whole; without them `repository` is there."""

    source: Source
    commit: str
    repository: Repository | None
    files: Mapping[str, str]
    checks: tuple[Checked, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """One application that a commit changes: the operation that rolls it out, or why there is none yet."""

    key: AppKey
    operation: str
    why: str = ""


class Reconfigure:
    def __init__(
        self, *, kv: KV, records: SourceRecords, trees: SourceTrees, deploy: Deploy, sealer: Sealer, clock: Clock
    ) -> None:
        self._kv = kv
        self._files = SourceFiles(kv, sealer)
        self._records = records
        self._trees = trees
        self._deploy = deploy
        self._clock = clock

    @contextmanager
    def turn(self, name: str, who: str, wait_s: float) -> Iterator[Mapping[str, int]]:
        """See `SourceRecords.turn`."""
        with self._records.turn(name, who, wait_s) as fence:
            yield fence

    def examine(
        self, caller: Caller, source: Source, commit: str, environment: Mapping[str, str] | None = None
    ) -> Examined:
        """Read the commit, lint all of it, and plan every application of the source with it."""
        try:
            repository, files = self._trees.checked(source, commit, environment)
        except Invalid as error:
            return Examined(source, commit, None, {}, (), faults(error))
        wrong = tuple(fault for error in repository.faults() for fault in faults(error))
        if wrong:
            return Examined(source, commit, None, {}, (), wrong)
        checks = self._planned(caller, source, repository, commit)
        broken = tuple(fault for one in checks for fault in one.faults)
        return Examined(source, commit, repository, files, checks, broken or core.right_faults(caller, checks))

    def apply(self, caller: Caller, seen: Examined, fence: Mapping[str, int], reason: str) -> tuple[Begun, ...]:
        """Bring the commit into force, then each application to it. What cannot be begun stays on record as pending.

        Raises:
            LeadershipLost: the turn ended; nothing, or not all, was begun, and the duty goes on with it.
        """
        waiting = {str(one.key): one.waits for one in seen.checks if one.waits}
        changing = [one.key for one in seen.checks if one.changes and not one.waits]
        pending = {**waiting, **{str(key): "" for key in changing}}
        now = self._clock.now()
        name, place = seen.source.name, sources.place(seen.source)
        self._files.write(name, seen.commit, seen.files, fence)
        self._records.change(name, lambda state: sources.advanced(state, seen.commit, place, pending, now), fence)
        begun = self._begin(caller, seen, changing, reason, fence)
        self._files.drop(name, but=seen.commit)
        return begun

    def retry(self, caller: Caller, record: SourceRecord, fence: Mapping[str, int], reason: str) -> tuple[Begun, ...]:
        """Those a commit in force is still to be rolled out to: they were stopped, had no node, or we died."""
        source, commit = record.source, record.state.commit
        repository = self._trees.in_force(source.name, commit)
        checks = self._planned(caller, source, repository, commit, frozenset(record.state.pending))
        seen = Examined(source, commit, repository, {}, checks, ())
        held = {str(one.key): one.waits or _sentence(one.faults) for one in checks if one.waits or one.faults}
        changing = [one.key for one in checks if one.changes and str(one.key) not in held]
        left = {**held, **{str(key): "" for key in changing}}
        self._records.change(
            source.name, lambda state: replace(state, pending=left) if state.commit == commit else state, fence
        )
        return self._begin(caller, seen, changing, reason, fence)

    def _planned(
        self,
        caller: Caller,
        source: Source,
        repository: Repository,
        commit: str,
        only: frozenset[str] | None = None,
    ) -> tuple[Checked, ...]:
        found = self._applications(source.name)
        wanted = [(key, run) for key, run in found if only is None or str(key) in only]
        return tuple(
            one for key, run in wanted if (one := self._check(caller, source, key, run, repository, commit)) is not None
        )

    def _applications(self, name: str) -> tuple[tuple[AppKey, str], ...]:
        """Those configured from the source and not on their way out, each with how it is to run."""
        seen = self._kv.snapshot("applications/")
        ours = [app.record for _, app in below(seen, "applications/", Application) if app.record.source == name]
        places = {app.key: [keys.desired(node, app.key) for node in app.nodes] for app in ours}
        every = [place for found in places.values() for place in found]
        wanted = self._kv.snapshot(*every) if every else seen
        runs: list[tuple[AppKey, str]] = []
        for key, found in places.items():
            held = {one.record.run for place in found if (one := find(wanted, place, Desired))}
            if held != {"removed"}:
                runs.append((key, "stopped" if held == {"stopped"} else "running"))
        return tuple(runs)

    def _check(
        self, caller: Caller, source: Source, key: AppKey, run: str, repository: Repository, commit: str
    ) -> Checked | None:
        try:
            planned = self._deploy.replan(caller, key, repository, {source.name: commit})
        except NotFound:
            return None  # deleted since it was listed
        except UserError as error:
            blameless = self._broken_before(caller, source, key, commit)
            return Checked(key, waits=_line(error)) if blameless else Checked(key, faults=faults(error, key))
        checked = Checked(key, planned)
        if run == "stopped" and checked.changes:
            return Checked(key, planned, waits="it is stopped, and takes the new configuration when it is started")
        return checked

    def _broken_before(self, caller: Caller, source: Source, key: AppKey, commit: str) -> bool:
        """Whether the application cannot be planned with the commit in force either."""
        held = self._trees.current(source.name)
        if held.commit == commit:
            return True
        try:
            self._deploy.replan(caller, key, held.repository, {source.name: held.commit} if held.commit else {})
        except UserError:
            return True
        return False

    def _begin(
        self, caller: Caller, seen: Examined, changing: Sequence[AppKey], reason: str, fence: Mapping[str, int]
    ) -> tuple[Begun, ...]:
        def begin(key: AppKey) -> Begun:
            return self._one(caller, seen, key, reason)

        if not changing:
            return ()
        with ThreadPoolExecutor(min(AT_ONCE, len(changing)), thread_name_prefix="reconfigure") as pool:
            begun = tuple(pool.map(begin, changing))
        told = {str(one.key): one.why for one in begun}
        left = {name for name, why in told.items() if why}

        def settle(state: SourceState) -> SourceState:
            if state.commit != seen.commit:
                return state
            kept = {n: told.get(n, why) for n, why in state.pending.items() if n not in told or n in left}
            return replace(state, pending=kept)

        self._records.change(seen.source.name, settle, fence)
        return begun

    def _one(self, caller: Caller, seen: Examined, key: AppKey, reason: str) -> Begun:
        for attempt in range(_TRIES):
            try:
                done = self._deploy.redeploy(caller, key, reason, seen.repository, {seen.source.name: seen.commit})
                return Begun(key, done.operation)
            except Conflict as error:
                if attempt + 1 == _TRIES:
                    return Begun(key, "", _line(error))
            except NotFound:
                return Begun(key, "")
            except AppServerError as error:
                log.warning("reconfigure application=%s commit=%s reason=%r", key, seen.commit, str(error))
                return Begun(key, "", _line(error))
        raise AssertionError("unreachable")


def faults(error: Exception, key: AppKey | None = None) -> tuple[Fault, ...]:
    """What an error says, as lines for a terminal: each with its place, and the application it is about."""
    if isinstance(error, ConfigError):
        return tuple((one.where, ": ".join(part for part in (one.key, one.reason) if part)) for one in error.faults)
    if isinstance(error, InvalidMany):
        found = error.faults
    elif isinstance(error, Invalid):
        found = ((error.where, error.why),)
    else:
        return ((str(key or ""), str(error)),)
    return tuple((where, f"{why} ({key})" if key else why) for where, why in found)


def _sentence(found: Sequence[Fault]) -> str:
    return "; ".join(f"{where}: {why}" for where, why in found[:3])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
