"""The search for new releases, by the app server that leads updates: the newest of the channel comes into force.

Each look is observe, decide, act, record: the repository and the site's configuration, `core/release_choice.py`, the
release put on record and in force, and how it went where people find it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

from appserver.core import release_kept
from appserver.core.events import PIPELINE
from appserver.core.release_choice import Choice, choose, pause_s
from appserver.core.release_refs import REPOSITORY
from appserver.core.site_config import Site
from appserver.errors import AppServerError, Conflict, LeadershipLost, StoreError
from appserver.ports import KV, Clock
from appserver.services.events import Events
from appserver.services.release_place import ReleasePlace
from appserver.services.releases import Releases
from appserver.store import releases as store
from appserver.store import rollout
from appserver.store.releases import Search

log = logging.getLogger(__name__)

_LOOK_S, _AGAIN_S = 1.0, 5.0
_TIDY = timedelta(days=1)
_TRIES = 16


class ReleaseCheck:
    def __init__(
        self,
        *,
        kv: KV,
        place: ReleasePlace,
        releases: Releases,
        site: Callable[[], Site],
        events: Events,
        clock: Clock,
    ) -> None:
        self._kv = kv
        self._place = place
        self._releases = releases
        self._site = site
        self._events = events
        self._clock = clock
        self._begun = clock.now()
        self._held: Site | None = None
        self._tidied = clock.now()

    def run(self, stop: Event, fence: Mapping[str, int]) -> None:
        """Until told to stop: whenever it is time, somebody asks, or the site is configured otherwise."""
        while not stop.is_set():
            try:
                if self._is_due():
                    self.look(fence)
                    self._tidy()
            except StoreError as error:
                log.warning("event=release_check_waits reason=%r", str(error))
                stop.wait(_AGAIN_S)
            except Exception:  # a fault of ours: the next look may meet another release
                log.exception("event=release_check_broke")
                stop.wait(_AGAIN_S)
            stop.wait(_LOOK_S)

    def look(self, fence: Mapping[str, int]) -> Search:
        """Look now; how it went, as it is on record.

        Raises:
            StoreError, LeadershipLost
        """
        began = self._begun = self._clock.now()
        site = self._held = self._site()
        before = store.search(self._kv).record
        try:
            choice = self._look(site, before, began, fence)
            after = replace(
                before, looked_at=began, found=choice.tag, why=choice.why, error="", error_at=None, failures=0
            )
        except StoreError:
            raise
        except AppServerError as error:
            after = replace(before, error=str(error)[:2000], error_at=began, failures=before.failures + 1)
        self._tell(before, after)
        return self._record(after, before.asked, fence)

    def _is_due(self) -> bool:
        search, site = store.search(self._kv).record, self._site()
        if self._held is None or site.kept != self._held.kept or search.asked > search.answered:
            return True
        pause = pause_s(site.seconds("config/check-update-interval"), search.failures)
        return self._clock.now() >= self._begun + timedelta(seconds=pause)

    def _look(self, site: Site, before: Search, now: datetime, fence: Mapping[str, int]) -> Choice:
        if site.text("config/env") != "none":
            self._place.fetch()
        seen = self._kv.snapshot(rollout.RELEASE)
        current = rollout.release_of(seen)
        pause = pause_s(site.seconds("config/check-update-interval"), before.failures)
        tags = self._releases.tags()
        aside = release_kept.aside(self._releases.kept(), tags)
        choice = choose(site, tags, aside, current, before.looked_at, now, pause)
        if choice.why:
            return choice
        kept = self._releases.keep(choice.tag, fence)
        expect = {**fence, rollout.RELEASE: seen.revision_of(rollout.RELEASE)}
        if not self._kv.commit(expect, {rollout.RELEASE: kept.release.version}):
            return replace(choice, why="somebody changed the release in force meanwhile")
        was = f", after {current}" if current else ""
        message = f"release {kept.release.version} is in force ({choice.tag}){was}"
        self._events.emit(PIPELINE, "PROMOTE", "INFO", REPOSITORY, message)
        return choice

    def _tell(self, before: Search, after: Search) -> None:
        """Once for each change: it is looked again and again."""
        if after.error and after.error != before.error:
            log.warning("event=release_check_failed error=%r", after.error)
            told = f"releases cannot be looked for: {after.error.splitlines()[0]}"
            self._events.emit(PIPELINE, "REJECT", "WARNING", REPOSITORY, told)
        elif before.error and not after.error:
            self._events.emit(PIPELINE, "update", "INFO", REPOSITORY, "releases can be looked for again")
        if (after.found, after.why) != (before.found, before.why):
            log.info("event=release_check found=%s why=%r", after.found, after.why)

    def _record(self, wanted: Search, asked: int, fence: Mapping[str, int]) -> Search:
        """Somebody may have asked for a look meanwhile: that one is still to come."""
        for _ in range(_TRIES):
            held = store.search(self._kv)
            after = replace(wanted, asked=held.record.asked, answered=max(asked, held.record.answered))
            if store.put_search(self._kv, after, held.revision, fence):
                return after
            if not all(self._kv.snapshot(key).revision_of(key) == at for key, at in fence.items()):
                raise LeadershipLost("another app server looks for releases now")
        raise Conflict("the search for releases keeps changing")

    def _tidy(self) -> None:
        if self._clock.now() >= self._tidied + _TIDY:
            self._tidied = self._clock.now()
            self._place.tidy()
