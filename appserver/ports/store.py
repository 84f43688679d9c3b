"""What is asked of the store: one revisioned key space, leases, watches, a leader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Item:
    """One key's text, the revision that wrote it last, the one that created it, and its lease (0: none)."""

    value: str
    revision: int
    created: int = 0
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Keys below the prefixes asked for, all at one store revision, in key order."""

    revision: int
    items: Mapping[str, Item]

    def revision_of(self, key: str) -> int:
        """The revision that wrote `key` last; 0 where it is absent, as `KV.commit` expects."""
        item = self.items.get(key)
        return item.revision if item else 0


@dataclass(frozen=True, slots=True)
class Change:
    """One key changed. `value` is None when it was deleted or its lease ended."""

    key: str
    value: str | None
    revision: int


class Watch(Protocol):
    """Changes in order. Iteration ends after `close`, from whichever thread it is called."""

    def __iter__(self) -> Iterator[Change]: ...
    def close(self) -> None: ...


class Lease(Protocol):
    """Kept alive in the background until closed. `lost` is set when the store no longer holds it."""

    id: int
    lost: Event


class Leadership(Protocol):
    """Held until the context ends or the lease is lost.

    `fence` joins the `expect` of every commit made as leader, so that a leader that was
    replaced cannot write. `lease` is its own: what is put under it is gone when another leads.
    """

    fence: Mapping[str, int]
    lost: Event
    lease: int


class KV(Protocol):
    """Keys to text. Revisions rise with every commit; revision 0 means "absent"."""

    def snapshot(self, *prefixes: str) -> Snapshot:
        """All at one revision. A prefix ends in "/"; a name without it is one key; "" is everything."""

    def commit(
        self, expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int:
        """Write all or nothing; the new revision, or 0 when an expected key's revision differs.

        Raises:
            TooLarge: a value over 1 MiB.
            LeadershipLost: `lease` is gone.
            StoreError: the store did not answer; whether it wrote is then not known.
        """

    def watch(self, prefix: str, after: int) -> Watch:
        """Every change below `prefix` with a revision over `after`, through restarts of the store.

        Raises (from iteration):
            Compacted: changes after `after` are gone; list again.
        """

    def lease(self, ttl_s: float) -> AbstractContextManager[Lease]: ...

    def grant(self, ttl_s: float) -> int:
        """A lease that nobody keeps alive: what is put under it is gone after `ttl_s`. Its id, for `commit`."""

    def leader(self, name: str, ttl_s: float, value: str, stop: Event) -> AbstractContextManager[Leadership | None]:
        """Wait to lead under `leader/<name>/`; None when `stop` was set first."""
