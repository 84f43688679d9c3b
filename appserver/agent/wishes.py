"""What is wanted of this node, as the store says it now; it stays known while the store is away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from appserver.core.entities import AppKey, Desired, Revision
from appserver.errors import NotFound
from appserver.ports import KV
from appserver.store import keys
from appserver.store.records import read


@dataclass(frozen=True, slots=True)
class Wish:
    """A desired record and the store revision that wrote it."""

    desired: Desired
    at: int


class Wishes:
    """Revisions are immutable and kept as long as their application is wanted here, so healing needs no store."""

    def __init__(self, kv: KV) -> None:
        self._kv = kv
        self._lock = Lock()
        self._wanted: dict[AppKey, Wish] = {}
        self._revisions: dict[tuple[AppKey, int], Revision] = {}

    def get(self, key: AppKey) -> Wish | None:
        with self._lock:
            return self._wanted.get(key)

    def all(self) -> tuple[AppKey, ...]:
        with self._lock:
            return tuple(self._wanted)

    def named(self, project: str) -> tuple[AppKey, ...]:
        """Applications whose compose project has this name."""
        return tuple(key for key in self.all() if key.name == project)

    def set(self, key: AppKey, wish: Wish | None) -> bool:
        """None: no longer wanted here. True when that is news."""
        with self._lock:
            before = self._wanted.get(key)
            if wish is None:
                self._wanted.pop(key, None)
                self._revisions = {(k, n): r for (k, n), r in self._revisions.items() if k != key}
            else:
                self._wanted[key] = wish
            return before != wish

    def replace(self, wanted: Mapping[AppKey, Wish]) -> tuple[AppKey, ...]:
        """Everything that is wanted, as just listed. Applications that are new, changed or gone."""
        with self._lock:
            changed = {key for key in {*wanted, *self._wanted} if wanted.get(key) != self._wanted.get(key)}
            self._wanted = dict(wanted)
            self._revisions = {(k, n): r for (k, n), r in self._revisions.items() if k not in changed}
            return tuple(changed)

    def known_revision(self, key: AppKey, number: int) -> Revision | None:
        """None where the store would have to be asked."""
        with self._lock:
            return self._revisions.get((key, number))

    def revision(self, key: AppKey, number: int) -> Revision:
        """
        Raises:
            NotFound: it is not on record.
            StoreError: it is not known here yet, and the store does not answer.
            BadRecord: it is not known here yet, and cannot be read.
        """
        known = self.known_revision(key, number)
        if known is None:
            stored = read(self._kv, keys.revision(key, number), Revision)
            if stored is None:
                raise NotFound(f"revision {number} of {key} is not on record")
            known = stored.record
            with self._lock:
                self._revisions[key, number] = known
        return known
