"""What is on record as installed on one boot server."""

from __future__ import annotations

from collections.abc import Mapping

from appserver.core.boot import Installed
from appserver.ports import KV, Snapshot
from appserver.store import keys


def read_installed(kv: KV, *lrns: int) -> tuple[Installed, ...]:
    """Of each of these boot servers, all at one store revision; empty where nothing is on record."""
    seen = kv.snapshot(*(prefix for lrn in lrns for prefix in _places(lrn)))
    lists: dict[str, dict[str, str]] = {prefix: {} for lrn in lrns for prefix in _places(lrn)}
    _sort(seen, lists)
    return tuple(Installed(*(lists[prefix] for prefix in _places(lrn))) for lrn in lrns)


def installed_in(seen: Snapshot, lrn: int) -> Installed:
    """Of one boot server, in a snapshot of its `install/<LRN>/`, whatever else is in it."""
    lists: dict[str, dict[str, str]] = {prefix: {} for prefix in _places(lrn)}
    _sort(seen, lists)
    return Installed(*lists.values())


def _places(lrn: int) -> tuple[str, str]:
    return keys.installed(lrn, "containers"), keys.installed(lrn, "debs")


def _sort(seen: Snapshot, lists: Mapping[str, dict[str, str]]) -> None:
    for key, item in seen.items.items():
        prefix, _, name = key.rpartition("/")
        if f"{prefix}/" in lists:
            lists[f"{prefix}/"][name] = item.value
