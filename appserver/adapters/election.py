"""Who leads, over any KV: the oldest key below `leader/<name>/` does, each held by its candidate's lease.

Source: the election of etcd's concurrency package. Each candidate watches only the one before it,
so that a leader's end wakes one and not all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

from appserver.errors import Compacted
from appserver.ports import KV, Leadership, Lease

_LOOK_S = 0.2
"""How soon a waiting candidate sees that it was told to stop."""


@dataclass(slots=True)
class Held:
    """See `ports.Leadership`."""

    fence: Mapping[str, int]
    lost: Event
    lease: int


@contextmanager
def campaign(kv: KV, name: str, ttl_s: float, value: str, stop: Event) -> Iterator[Leadership | None]:
    """See `ports.KV.leader`. A candidate whose lease ends while it waits stands again, at the end of the line."""
    if not name or "/" in name:
        raise ValueError(f'"{name}" cannot name a leadership')
    while not stop.is_set():
        with kv.lease(ttl_s) as lease:
            place = f"leader/{name}/{lease.id:x}"
            revision = kv.commit({place: 0}, {place: value}, lease=lease.id)
            if revision and _come_first(kv, f"leader/{name}/", place, lease, stop):
                yield Held({place: revision}, lease.lost, lease.id)
                return
    yield None


def _come_first(kv: KV, line: str, place: str, lease: Lease, stop: Event) -> bool:
    """Wait until no older key stands in the line; False when told to stop, or when `place` is gone."""
    while not stop.is_set() and not lease.lost.is_set():
        seen = kv.snapshot(line)
        if place not in seen.items:
            return False
        mine = seen.items[place].created
        older = [(item.created, key) for key, item in seen.items.items() if item.created < mine]
        if not older:
            return True
        _wait_gone(kv, max(older)[1], seen.revision, lease, stop)
    return False


def _wait_gone(kv: KV, key: str, after: int, lease: Lease, stop: Event) -> None:
    """Return when `key` was deleted, when waiting became pointless, or when the watch must look again."""
    ended = Event()
    watch = kv.watch(key, after)

    def follow() -> None:
        try:
            with suppress(Compacted):  # whoever waits lists again
                for change in watch:
                    if change.value is None:
                        return
        finally:
            ended.set()

    Thread(target=follow, name=f"election {key}", daemon=True).start()
    try:
        while not (ended.wait(_LOOK_S) or stop.is_set() or lease.lost.is_set()):
            pass
    finally:
        watch.close()
