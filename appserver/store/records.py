"""Typed reading of snapshots: one record, or all below a prefix, each with the revision it was read at.

Who asks for one record is told when it cannot be read; who goes through many goes on past it, and the log tells.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from appserver.core.entities import AppKey
from appserver.core.fleet import Node
from appserver.errors import BadRecord
from appserver.ports import KV, Snapshot
from appserver.store import keys
from appserver.store.codec import decode

T = TypeVar("T")

NODES = "nodes/"
ABSENT = -1
"""As the version that somebody decided a write on: there was none."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """A record and the store revision that wrote it last."""

    record: T
    revision: int


def find(snapshot: Snapshot, key: str, kind: type[T]) -> Stored[T] | None:
    """The record under `key` in a snapshot, or None.

    Raises:
        BadRecord: it is there, and cannot be read.
    """
    item = snapshot.items.get(key)
    return Stored(decode(item.value, kind, key), item.revision) if item else None


def below(snapshot: Snapshot, prefix: str, kind: type[T]) -> Iterator[tuple[str, Stored[T]]]:
    """What follows the prefix, and the record, in key order; without those that cannot be read."""
    for key, item in snapshot.items.items():
        if key.startswith(prefix):
            try:
                stored = Stored(decode(item.value, kind, key), item.revision)
            except BadRecord as error:
                skipped(key, error)
            else:
                yield key[len(prefix) :], stored


def applications_below(snapshot: Snapshot, prefix: str, kind: type[T]) -> Iterator[tuple[AppKey, Stored[T]]]:
    """The same of a prefix that ends in `<cluster>.<app>`."""
    for name, stored in below(snapshot, prefix, kind):
        try:
            key = keys.stored_app(f"{prefix}{name}")
        except BadRecord as error:
            skipped(f"{prefix}{name}", error)
        else:
            yield key, stored


def nodes_below(snapshot: Snapshot) -> Iterator[Stored[Node]]:
    """Nodes that stand under their own name, in the order of their names.

    An agent writes the record of its node, and may not speak for another.
    """
    for name, stored in below(snapshot, NODES, Node):
        if stored.record.name == name:
            yield stored
        else:
            skipped(f"{NODES}{name}", _misnamed(name, stored.record))


def find_node(snapshot: Snapshot, name: str) -> Stored[Node] | None:
    """The node's record in a snapshot, or None.

    Raises:
        BadRecord: it is there, and cannot be read, or speaks for another.
    """
    stored = find(snapshot, keys.node(name), Node)
    if stored and stored.record.name != name:
        raise _misnamed(name, stored.record)
    return stored


def read(kv: KV, key: str, kind: type[T]) -> Stored[T] | None:
    """One record, straight from the store.

    Raises:
        BadRecord, StoreError
    """
    return find(kv.snapshot(key), key, kind)


def skipped(key: str, why: BadRecord) -> None:
    """Log that a record was passed over: once for each key, since whoever passes it does so again and again."""
    if key not in _skipped:
        _skipped.add(key)
        log.warning("event=record_skipped key=%s reason=%r", key, str(why))


def _misnamed(name: str, record: Node) -> BadRecord:
    return BadRecord(f"{NODES}{name}: is said to be {record.name[:80]!r}")


_skipped: set[str] = set()
