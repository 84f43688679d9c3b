"""Typed reading of snapshots: one record, or all below a prefix, each with the revision it was read at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from appserver.ports import KV, Snapshot
from appserver.store.codec import decode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """A record and the store revision that wrote it last."""

    record: T
    revision: int


def find(snapshot: Snapshot, key: str, kind: type[T]) -> Stored[T] | None:
    """The record under `key` in a snapshot, or None."""
    item = snapshot.items.get(key)
    return Stored(decode(item.value, kind), item.revision) if item else None


def below(snapshot: Snapshot, prefix: str, kind: type[T]) -> Iterator[tuple[str, Stored[T]]]:
    """What follows the prefix, and the record, in key order."""
    for key, item in snapshot.items.items():
        if key.startswith(prefix):
            yield key[len(prefix) :], Stored(decode(item.value, kind), item.revision)


def read(kv: KV, key: str, kind: type[T]) -> Stored[T] | None:
    """One record, straight from the store."""
    return find(kv.snapshot(key), key, kind)
