"""Lists that only grow at their end, as audit and events: read backwards by pages, shortened by count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from appserver.ports import KV
from appserver.store import codec
from appserver.store.parts import parts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items with their ids, and the cursor of the next page; empty when this was the last."""

    items: tuple[tuple[str, T], ...]
    next: str = ""


def read_back(
    kv: KV, prefix: str, kind: type[T], wanted: Callable[[T], bool], after: str = "", limit: int = 50
) -> Page[T]:
    """Newest first, older than the id `after`. Only what is looked at is decoded."""
    items = kv.snapshot(prefix).items
    found: list[tuple[str, T]] = []
    for key in sorted(items, reverse=True):
        entry_id = key.removeprefix(prefix)
        if after and entry_id >= after:
            continue
        if len(found) == limit:
            return Page(tuple(found), found[-1][0])
        record = codec.decode(items[key].value, kind)
        if wanted(record):
            found.append((entry_id, record))
    return Page(tuple(found))


def prune(kv: KV, prefix: str, kept: int) -> int:
    """Delete the oldest over `kept`; how many went."""
    return drop(kv, sorted(kv.snapshot(prefix).items)[:-kept])


def drop(kv: KV, gone: Sequence[str]) -> int:
    """Delete keys that nobody minds to see go one part after another; how many went."""
    for some in parts(gone):
        kv.commit({}, {}, some)
    return len(gone)
