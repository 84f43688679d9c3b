"""Releases: taken from their repository and kept on record with their files, put aside, forgotten when old.

What is on record does not depend on the repository any more, nor on the disk of one app server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from appserver.core import release_kept, release_versions
from appserver.core.events import PIPELINE
from appserver.core.refs import short
from appserver.core.release import Kept
from appserver.core.release_refs import REPOSITORY
from appserver.core.site_config import Site
from appserver.errors import Conflict, LeadershipLost, NotFound
from appserver.ports import KV, Clock, Sealer
from appserver.ports.repositories import Tag
from appserver.services.events import Events
from appserver.services.release_place import Examined, ReleasePlace
from appserver.store import releases as store
from appserver.store import rollout
from appserver.store.codec import encode
from appserver.store.records import Stored

NO_FENCE: Mapping[str, int] = {}


class Releases:
    def __init__(
        self,
        *,
        kv: KV,
        sealer: Sealer,
        place: ReleasePlace,
        site: Callable[[], Site],
        events: Events,
        clock: Clock,
    ) -> None:
        self._kv = kv
        self._sealer = sealer
        self._place = place
        self._site = site
        self._events = events
        self._clock = clock

    def kept(self) -> tuple[Kept, ...]:
        """Those on record, the newest first."""
        return tuple(one.record for one in store.kept_of(self._kv.snapshot(store.RELEASES)))

    def tags(self) -> Mapping[str, str]:
        """Tag to commit, of all releases that the repository has or had.

        Raises:
            RepoError
        """
        here = {name: tag.commit for name, tag in self._place.tags().items()}
        return {**release_kept.tags_of(self.kept(), self._place.source()), **here}

    def keep(self, wanted: str, fence: Mapping[str, int] = NO_FENCE) -> Kept:
        """Put a release on record, unless it is there already; what it says has been checked then.

        Args:
            wanted: a tag, or a version of whatever tag.
            fence: expected of every write.
        Raises:
            NotFound: there is no such tag.
            Invalid, InvalidMany: it is no release, or not signed as it has to be.
            Conflict: that version is on record as another commit.
            RepoError, LeadershipLost
        """
        known = release_versions.tagged(wanted)
        version = str(known[1] if known else release_versions.parse(wanted, "release"))
        held = store.stored(self._kv, version)
        if held and self._is_enough(held.record, wanted if known else ""):
            return held.record
        name, tag = self._found(wanted, version)
        if held and held.record.commit != tag.commit:
            before, now = short(held.record.commit), short(tag.commit)
            raise Conflict(f"{name} is at {now}, and {version} is on record as {before}: one version is one commit")
        return self.record(self._place.examine(name, tag.id), fence)

    def record(self, seen: Examined, fence: Mapping[str, int] = NO_FENCE) -> Kept:
        """Put on record what was examined.

        Raises:
            Conflict, LeadershipLost
        """
        version = seen.release.version
        held = store.stored(self._kv, version)
        if held:
            return self._known(held, seen, fence)
        store.write_files(self._kv, self._sealer, version, seen.files, fence)
        made = Kept(
            seen.release,
            self._place.source(),
            seen.tag,
            seen.commit,
            seen.signed_by,
            tags=(seen.tag,),
            taken_at=self._clock.now(),
        )
        if not self._kv.commit({**fence, store.release(version): 0}, {store.release(version): encode(made)}):
            return self._known(store.stored(self._kv, version), seen, fence)
        signed = f", signed by {seen.signed_by}" if seen.signed_by else ""
        message = f"release {version} is on record: {seen.tag} at {short(seen.commit)}{signed}"
        self._events.emit(PIPELINE, "create", "INFO", REPOSITORY, message)
        self._prune(fence)
        return made

    def put_aside(self, version: str, why: str, fence: Mapping[str, int] = NO_FENCE) -> None:
        """From now on nobody takes it by itself; with an empty reason, again.

        Raises:
            NotFound, Conflict
        """
        held = store.stored(self._kv, version)
        if held is None:
            raise NotFound(f"release {version} is not on record")
        if held.record.aside == why:
            return
        self._change(held, replace(held.record, aside=why[:500], back=held.record.back and bool(why)), fence)
        told = f"is put aside: {why}" if why else "is no longer put aside"
        self._events.emit(PIPELINE, "update", "WARNING" if why else "INFO", REPOSITORY, f"release {version} {told}")

    def _is_enough(self, kept: Kept, tag: str) -> bool:
        """Whether nothing has to be looked up: it is known by that tag, and signed where that is asked for."""
        unsigned = not kept.signed_by and bool(self._site().text("config/release-signers"))
        return not unsigned and (not tag or tag in kept.tags)

    def _found(self, wanted: str, version: str) -> tuple[str, Tag]:
        for fetched in (False, True):
            if fetched:
                self._place.fetch()
            tags = self._place.tags()
            name = wanted if wanted in tags else release_kept.best(tags, version) if wanted == version else None
            if name:
                return name, tags[name]
        raise NotFound(f"{wanted} is no release of the repository {self._place.source()}")

    def _known(self, held: Stored[Kept] | None, seen: Examined, fence: Mapping[str, int]) -> Kept:
        """One more tag, or the signature, of what is on record."""
        if held is None:
            raise LeadershipLost(f"release {seen.release.version} was not put on record: another app server leads now")
        before = held.record
        if before.commit != seen.commit:
            told = f"{before.release.version} is on record as {short(before.commit)}"
            raise Conflict(f"{seen.tag} is at {short(seen.commit)}, and {told}: one version is one commit")
        tags = before.tags if seen.tag in before.tags else (*before.tags, seen.tag)
        after = replace(before, tags=tags, tag=seen.tag, signed_by=seen.signed_by or before.signed_by)
        if after != before:
            self._change(held, after, fence)
        return after

    def _change(self, held: Stored[Kept], after: Kept, fence: Mapping[str, int]) -> None:
        key = store.release(after.release.version)
        if not self._kv.commit({**fence, key: held.revision}, {key: encode(after)}):
            raise Conflict(f"release {after.release.version} changed meanwhile; try again")

    def _prune(self, fence: Mapping[str, int]) -> None:
        seen = self._kv.snapshot(store.RELEASES, rollout.RELEASE, rollout.REQUEST, rollout.RUN)
        held = {one.record.release.version: one for one in store.kept_of(seen)}
        asked, run = rollout.request_of(seen), rollout.run_of(seen)
        in_use = {rollout.release_of(seen), asked.record.version if asked else ""}
        in_use |= {run.record.version, run.record.before, run.record.files} if run else set()
        for version in release_kept.surplus([one.record for one in held.values()], in_use):
            store.drop(self._kv, held[version], fence)
