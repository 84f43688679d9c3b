"""Updates of the boot servers to look at: what is next, how far it is, what was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from appserver.core import rollout as core
from appserver.core import rollout_views as views
from appserver.core.access import Caller, require
from appserver.core.release import ReleaseStep
from appserver.core.release_versions import parse, why_not
from appserver.core.rollout import Action
from appserver.core.rollout_record import Progress, Request, Run, Status
from appserver.core.site_config import Site
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Clock, Snapshot
from appserver.services.rollout_start import KEPT, Freeze, seen_of
from appserver.store import notices as outbox
from appserver.store import rollout as store
from appserver.store.records import below
from appserver.store.releases import kept


@dataclass(frozen=True, slots=True)
class Plan:
    """What the updater would do now, and with which steps where it would begin an update."""

    action: Action
    steps: tuple[ReleaseStep, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        steps = [views.step_json(step, number) for number, step in enumerate(self.steps, 1)]
        return {**views.action_json(self.action), "steps": steps, "warnings": list(self.warnings)}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far it is. `progress` and `nodes` are by LRN; `undelivered` are notices that did not get through."""

    process: str
    """Neco's word: clear, running, aborted or completed."""
    servers: tuple[int, ...]
    release: str
    request: Request | None
    statuses: Mapping[int, Status]
    run: Run | None
    progress: Mapping[int, Progress]
    nodes: Mapping[int, str]
    dead: Mapping[int, str]
    busy: tuple[int, ...]
    action: Action
    undelivered: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        request, run = self.request, self.run
        shown = request.servers if request else self.servers
        return {
            "process": self.process,
            "release": self.release or None,
            "registered": list(self.servers),
            "request": views.request_json(request) if request else None,
            "update": views.run_json(run) if run else None,
            "servers": [self._server(lrn) for lrn in core.numbers((*shown, *self.servers))],
            "next": views.action_json(self.action),
            "undelivered": list(self.undelivered),
        }

    def _server(self, lrn: int) -> dict[str, object]:
        return views.server_json(
            lrn,
            self.nodes.get(lrn, ""),
            self.statuses.get(lrn),
            self.progress.get(lrn),
            lrn in self.dead,
            lrn in self.busy,
        )


class UpdateList:
    def __init__(self, *, kv: KV, site: Callable[[], Site], freeze: Freeze, clock: Clock) -> None:
        self._kv = kv
        self._site = site
        self._freeze = freeze
        self._clock = clock

    def plan(self, caller: Caller, version: str = "", older: bool = False) -> Plan:
        """Nothing is written.

        Args:
            version, older: as if `request` was asked for them; empty: as it stands.
        Raises:
            Invalid, NotFound, Conflict: as `request` would.
        """
        require(caller, "R", "update:")
        seen = self._kv.snapshot(*store.STANDING)
        action = self._decide(seen, wanted(self._kv, seen, version, older) if version else "")
        asked = action.request if action.kind in ("request-update", "reconfigure") else None
        found = kept(self._kv, asked.version) if asked else None
        warnings = []
        if asked and found is None:
            warnings.append(f"release {asked.version} is not on record: `moorage update check`")
        if dead := {lrn: name for lrn, name in store.dead_of(seen).items() if asked and lrn in asked.servers}:
            warnings.append(core.gone(dead))
        return Plan(action, found.release.steps if found else (), tuple(warnings))

    def status(self, caller: Caller) -> Standing:
        require(caller, "R", "update:")
        seen = self._kv.snapshot(*store.STANDING, *outbox.PREFIXES)
        asked, stored = store.request_of(seen), store.run_of(seen)
        run = stored.record if stored else None
        return Standing(
            process(asked.record if asked else None, store.statuses_of(seen)),
            store.servers_of(seen),
            store.release_of(seen),
            asked.record if asked else None,
            store.statuses_of(seen),
            run,
            self._progress(run),
            store.nodes_of(seen),
            store.dead_of(seen),
            store.busy_of(seen),
            self._decide(seen),
            outbox.undelivered_lines(seen, self._clock.now()),
        )

    def history(self, caller: Caller) -> tuple[Run, ...]:
        """Newest first; one that is under way too."""
        require(caller, "R", "update:")
        seen = self._kv.snapshot(store.RUNS, store.RUN)
        ended = {stored.record.number: stored.record for _, stored in below(seen, store.RUNS, Run)}
        current = store.run_of(seen)
        if current:
            ended.setdefault(current.record.number, current.record)
        return tuple(ended[number] for number in sorted(ended, reverse=True)[:KEPT])

    def show(self, caller: Caller, number: int) -> tuple[Run, Mapping[int, Progress]]:
        """
        Raises:
            NotFound
        """
        found = next((run for run in self.history(caller) if run.number == number), None)
        if found is None:
            raise NotFound(f"there is no update {number}")
        return found, self._progress(found)

    def _progress(self, run: Run | None) -> Mapping[int, Progress]:
        if run is None:
            return {}
        return store.progress_of(
            self._kv.snapshot(*(store.progress(lrn, run.number) for lrn in run.servers)), run.number
        )

    def _decide(self, seen: Snapshot, release: str = "") -> Action:
        """
        Args:
            release: as if it was the one to be updated to.
        """
        now = self._clock.now()
        found = seen_of(seen, self._site(), now, self._freeze)
        return core.decide(replace(found, release=release) if release else found, now)


def wanted(kv: KV, seen: Snapshot, version: str, older: bool) -> str:
    """The release that may be asked for now.

    Raises:
        Invalid, NotFound, Conflict
    """
    now = store.release_of(seen)
    found = str(parse(version)) if version else now
    if not found or kept(kv, found) is None:
        raise NotFound(
            f"release {found or 'of any version'} is not kept here; `moorage update releases` lists those that are, "
            f"`moorage update check` looks for new ones"
        )
    asked = store.request_of(seen)
    if asked and not asked.record.stop and process(asked.record, store.statuses_of(seen)) != "completed":
        raise Conflict(f"an update to {asked.record.version} is under way")
    if not older and now and (why := why_not(found, now)) and found != now:
        raise Conflict(f"{why}; `moorage update rollback {found}` goes back")
    if older and now and found != now and not why_not(found, now):
        raise Conflict(f"{found} is newer than {now}, which is in force; `moorage update request {found}` goes there")
    return found


def process(asked: Request | None, statuses: Mapping[int, Status]) -> str:
    """In Neco's word: clear, running, aborted or completed."""
    if asked is None:
        return "clear"
    if asked.stop:
        return "aborted"
    return "completed" if all(core.completed(asked, statuses.get(lrn)) for lrn in asked.servers) else "running"
