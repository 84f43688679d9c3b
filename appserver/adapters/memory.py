"""`ports.KV` in this process: the meaning of the port without a server, for tests of what stands on it."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event

from appserver.adapters.election import campaign
from appserver.adapters.kv_rules import MAX_TXN_OPS, check_commit
from appserver.errors import Compacted, LeadershipLost
from appserver.ports import Change, Item, Leadership, Snapshot


@dataclass(slots=True, eq=False)
class MemoryLease:
    """See `ports.Lease`. `ends` is by the store's clock; None while somebody keeps it alive."""

    id: int
    ends: float | None = None
    lost: Event = field(default_factory=Event)


class MemoryKV:
    """See `ports.KV`. One instance is one store; share it among whoever is to meet there."""

    def __init__(self, now: Callable[[], float] = time.monotonic, max_txn_ops: int = MAX_TXN_OPS) -> None:
        """`now` counts seconds; leases end by it, seen at the next call or wait after their time."""
        self._now = now
        self._max_txn_ops = max_txn_ops
        self._items: dict[str, Item] = {}
        self._revision = 1
        self._compacted = 0
        self._history: list[Change] = []
        self._leases: dict[int, MemoryLease] = {}
        self._last_lease = 0
        self._changed = Condition()

    def snapshot(self, *prefixes: str) -> Snapshot:
        """See `ports.KV`."""
        with self._changed:
            self._end_leases()
            found = {key: self._items[key] for key in sorted(self._items) if any(_below(key, p) for p in prefixes)}
            return Snapshot(self._revision, found)

    def commit(
        self, expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int:
        """See `ports.KV`."""
        check_commit(expect, puts, deletes, self._max_txn_ops)
        with self._changed:
            self._end_leases()
            if any(self._revision_of(key) != revision for key, revision in expect.items()):
                return 0
            if puts and lease and lease not in self._leases:
                raise LeadershipLost("the lease ended")
            self._write(puts, [key for key in deletes if key in self._items], lease)
            return self._revision

    def watch(self, prefix: str, after: int) -> MemoryWatch:
        """See `ports.KV`."""
        return MemoryWatch(self, prefix, after)

    @contextmanager
    def lease(self, ttl_s: float) -> Iterator[MemoryLease]:
        """See `ports.KV`. Kept alive, so its time does not matter here: `expire` ends it early."""
        lease = self._new_lease(None)
        try:
            yield lease
        finally:
            self.expire(lease.id)

    def grant(self, ttl_s: float) -> int:
        """See `ports.KV`."""
        return self._new_lease(self._now() + ttl_s).id

    def leader(self, name: str, ttl_s: float, value: str, stop: Event) -> AbstractContextManager[Leadership | None]:
        """See `ports.KV`."""
        return campaign(self, name, ttl_s, value, stop)

    def expire(self, lease_id: int) -> None:
        """End a lease as if its holder had been away for its whole time."""
        with self._changed:
            lease = self._leases.pop(lease_id, None)
            if lease is not None:
                lease.lost.set()
                self._write({}, sorted(key for key, item in self._items.items() if item.lease == lease_id))

    def compact(self, revision: int) -> None:
        """Forget changes before `revision`, as etcd does."""
        with self._changed:
            self._compacted = revision
            self._history = [change for change in self._history if change.revision >= revision]
            self._changed.notify_all()

    def changes(self, prefix: str, after: int, closed: Event) -> tuple[Change, ...]:
        """What a watch hands on next, whole revisions; waits for it, empty once `closed` is set."""
        with self._changed:
            while not closed.is_set():
                self._end_leases()
                if after + 1 < self._compacted:
                    raise Compacted(f"changes from revision {after + 1} on were compacted up to {self._compacted}")
                start = bisect_right(self._history, after, key=_revision)
                new = tuple(change for change in self._history[start:] if _below(change.key, prefix))
                if new:
                    return new
                ends = [lease.ends for lease in self._leases.values() if lease.ends is not None]
                self._changed.wait(max(min(ends) - self._now(), 0.01) if ends else None)
            return ()

    def wake(self) -> None:
        """Let waiting watches see that they were closed."""
        with self._changed:
            self._changed.notify_all()

    def _revision_of(self, key: str) -> int:
        item = self._items.get(key)
        return item.revision if item else 0

    def _write(self, puts: Mapping[str, str], deletes: Sequence[str], lease: int = 0) -> None:
        """One revision for all; none where there is nothing to write."""
        if not puts and not deletes:
            return
        self._revision += 1
        for key, value in puts.items():
            before = self._items.get(key)
            self._items[key] = Item(value, self._revision, before.created if before else self._revision, lease)
            self._history.append(Change(key, value, self._revision))
        for key in deletes:
            del self._items[key]
            self._history.append(Change(key, None, self._revision))
        self._changed.notify_all()

    def _new_lease(self, ends: float | None) -> MemoryLease:
        with self._changed:
            self._last_lease += 1
            lease = MemoryLease(self._last_lease, ends)
            self._leases[lease.id] = lease
            self._changed.notify_all()
            return lease

    def _end_leases(self) -> None:
        now = self._now()
        for lease in [lease for lease in self._leases.values() if lease.ends is not None and lease.ends <= now]:
            self.expire(lease.id)


class MemoryWatch:
    """See `ports.Watch`."""

    def __init__(self, kv: MemoryKV, prefix: str, after: int) -> None:
        self._kv = kv
        self._prefix = prefix
        self._after = after
        self._closed = Event()

    def __iter__(self) -> Iterator[Change]:
        while new := self._kv.changes(self._prefix, self._after, self._closed):
            for change in new:
                if self._closed.is_set():
                    return
                yield change
            self._after = new[-1].revision

    def close(self) -> None:
        self._closed.set()
        self._kv.wake()


def _below(key: str, prefix: str) -> bool:
    """Whether a prefix (ends in "/", or is empty: all) or a name (one key) covers `key`."""
    return key.startswith(prefix) if not prefix or prefix.endswith("/") else key == prefix


def _revision(change: Change) -> int:
    return change.revision
