"""How many revisions of an application stay on record: the newest, and whatever somebody may stand on."""

from __future__ import annotations

from collections.abc import Iterable

from appserver.core.entities import AppKey, Application, Desired, Observed, Revision
from appserver.errors import BadRecord
from appserver.ports import KV
from appserver.store import keys
from appserver.store.records import below, find, skipped

_PART = 40
"""Revisions that go at once, each with its outcome."""


class Retention:
    """Safe beside deployments: every deletion holds only while nobody has changed the application since the look."""

    def __init__(self, kv: KV, kept: int) -> None:
        self._kv = kv
        self._kept = max(kept, 1)
        self._done: dict[AppKey, dict[str, int]] = {}
        """What each application stood on when nothing was left to go: revisions are large, and not read again."""

    def prune(self) -> int:
        """Of every application; how many revisions went."""
        found = [one.record for _, one in below(self._kv.snapshot("applications/"), "applications/", Application)]
        self._done = {app.key: self._done[app.key] for app in found if app.key in self._done}
        gone = 0
        for application in found:
            if application.latest > self._kept:
                try:
                    gone += self._prune(application.key)
                except BadRecord as error:
                    skipped(keys.revisions(application.key), error)
        return gone

    def _prune(self, key: AppKey) -> int:
        where = keys.application(key)
        first = find(self._kv.snapshot(where), where, Application)
        if first is None:
            return 0
        nodes = first.record.nodes
        desired = [keys.desired(node, key) for node in nodes]
        observed = [keys.observed(node, key) for node in nodes]
        seen = self._kv.snapshot(where, *desired, *observed)
        fence = {name: seen.revision_of(name) for name in (where, *desired)}
        if fence[where] != first.revision or self._done.get(key) == fence:
            return 0
        wishes = [one.record for name in desired if (one := find(seen, name, Desired))]
        told = [said.record.revision for name in observed if (said := find(seen, name, Observed))]
        named = [number for wish in wishes for number in (wish.revision, wish.previous)]
        going = self._going(key, first.record, {first.record.revision, *named, *told})
        gone = 0
        for start in range(0, len(going), _PART):
            part = going[start : start + _PART]
            names = [name for number in part for name in (keys.revision(key, number), keys.outcome(key, number))]
            if not self._kv.commit(fence, {}, names):
                return gone
            gone += len(part)
        self._done[key] = fence
        return gone

    def _going(self, key: AppKey, application: Application, named: Iterable[int]) -> list[int]:
        prefix = keys.revisions(key)
        held = self._kv.snapshot(prefix)
        numbers = [int(name.removeprefix(prefix)) for name in held.items]
        newest = {number for number in numbers if number > application.latest - self._kept}
        kept = {*newest, *named}
        found = [find(held, keys.revision(key, number), Revision) for number in kept]
        restored = {one.record.restores for one in found if one}
        return [number for number in numbers if number not in kept and number not in restored]
