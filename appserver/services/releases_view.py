"""Releases for people: which are on record, how the search for new ones goes; a look at once, and putting one aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event, Timer

from appserver.core.access import Caller, require
from appserver.core.release import Kept, Probe, ReleaseStep
from appserver.core.release_choice import pause_s
from appserver.core.release_windows import frozen, next_window
from appserver.core.site_config import Site
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Clock
from appserver.services.audit import Audit
from appserver.services.release_place import ReleasePlace
from appserver.services.releases import Releases
from appserver.store import releases as store
from appserver.store import rollout
from appserver.store.releases import Search
from appserver.store.watching import watching

LOOK_S = 15.0
_TRIES = 16


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """`in_force`: it is what the boot servers are, or are to be, updated to."""

    kept: Kept
    in_force: bool = False

    def to_json(self) -> Mapping[str, object]:
        kept = self.kept
        return {
            "version": kept.release.version,
            "tag": kept.tag,
            "tags": list(kept.tags or (kept.tag,)),
            "commit": kept.commit,
            "source": kept.source,
            "signed_by": kept.signed_by or None,
            "in_force": self.in_force,
            "aside": kept.aside or None,
            "taken_at": _moment(kept.taken_at),
            "images": dict(kept.release.images),
            "debs": dict(kept.release.debs),
            "steps": [_step(step) for step in kept.release.steps],
        }


@dataclass(frozen=True, slots=True)
class SearchView:
    """How the search goes. `frozen` is the reason against taking anything now; `next_window` is without freezes."""

    channel: str
    source: str
    search: Search
    frozen: str
    next_look: datetime | None
    next_window: datetime | None

    def to_json(self) -> Mapping[str, object]:
        search = self.search
        return {
            "channel": self.channel,
            "source": self.source,
            "found": search.found or None,
            "why": search.why or None,
            "frozen": self.frozen or None,
            "error": search.error or None,
            "error_at": _moment(search.error_at),
            "looked_at": _moment(search.looked_at),
            "next_look": _moment(self.next_look),
            "next_window": _moment(self.next_window),
        }


class ReleaseList:
    def __init__(
        self,
        *,
        kv: KV,
        place: ReleasePlace,
        releases: Releases,
        site: Callable[[], Site],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._kv = kv
        self._place = place
        self._releases = releases
        self._site = site
        self._audit = audit
        self._clock = clock

    def list(self, caller: Caller) -> tuple[ReleaseView, ...]:
        """Those on record, the newest first."""
        require(caller, "R", "update:")
        return tuple(self._view(one) for one in self._releases.kept())

    def show(self, caller: Caller, version: str) -> ReleaseView:
        """
        Raises:
            Invalid: it is no version.
            NotFound: it is not on record.
        """
        require(caller, "R", "update:")
        found = store.kept(self._kv, version)
        if found is None:
            raise NotFound(f"release {version} is not on record; `moorage update releases` lists those that are")
        return self._view(found)

    def search(self, caller: Caller) -> SearchView:
        require(caller, "R", "update:")
        site, now = self._site(), self._clock.now()
        search = store.search(self._kv).record
        last = max(filter(None, (search.looked_at, search.error_at)), default=None)
        pause = timedelta(seconds=pause_s(site.seconds("config/check-update-interval"), search.failures))
        return SearchView(
            site.text("config/env"),
            self._place.source(),
            search,
            frozen(site, now),
            last + pause if last else None,
            next_window(site, now),
        )

    def look(self, caller: Caller, wait_s: float = LOOK_S) -> SearchView:
        """Have it looked at once, by whoever leads: how that went, or how it is after `wait_s`.

        Where nobody stands for it that is told at once, and whoever leads next looks. What is new is taken when its
        window is open and nothing is frozen, as at any other look.
        """
        with self._audit.of(caller, "check", "update:"):
            require(caller, "E", "update:")
            asked = self._ask()
            if self._kv.snapshot(rollout.UPDATERS).items:
                self._wait(asked, wait_s)
            return self.search(caller)

    def put_aside(self, caller: Caller, version: str, why: str) -> ReleaseView:
        """It is not taken by itself any more; with an empty reason it is again.

        Raises:
            NotFound, Conflict
        """
        with self._audit.of(caller, "put aside", f"update:{version[:64]}", why):
            require(caller, "U", "update:")
            self._releases.put_aside(version, why)
            return self.show(caller, version)

    def _view(self, kept: Kept) -> ReleaseView:
        return ReleaseView(kept, kept.release.version == rollout.release_of(self._kv.snapshot(rollout.RELEASE)))

    def _wait(self, asked: int, wait_s: float) -> None:
        """Until it was looked, for so long at most."""
        over = Event()
        patience = Timer(wait_s, over.set)
        patience.daemon = True
        patience.start()
        try:
            start = self._kv.snapshot(store.SEARCH).revision
            with watching(self._kv, store.SEARCH, start, over) as watch:
                changes = iter(watch)
                while store.search(self._kv).record.answered < asked and next(changes, None):
                    pass
        finally:
            patience.cancel()

    def _ask(self) -> int:
        """The number that `answered` reaches when it was looked."""
        for _ in range(_TRIES):
            held = store.search(self._kv)
            wanted = replace(held.record, asked=held.record.asked + 1)
            if store.put_search(self._kv, wanted, held.revision):
                return wanted.asked
        raise Conflict("the search for releases keeps changing; try again")


def _step(step: ReleaseStep) -> Mapping[str, object]:
    return {
        **step.to_json(),
        "guard": [_probe(one) for one in step.guard],
        "health": [_probe(one) for one in step.health],
        "variables": sorted(step.variables),
    }


def _probe(probe: Probe) -> str:
    return f"{probe}, within {probe.within_s:g} s"


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
