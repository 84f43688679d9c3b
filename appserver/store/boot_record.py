"""What is on record as installed on one boot server."""

from __future__ import annotations

from appserver.core.boot import Installed
from appserver.ports import KV
from appserver.store import keys


def read_installed(kv: KV, *lrns: int) -> tuple[Installed, ...]:
    """Of each of these boot servers, all at one store revision; empty where nothing is on record."""
    places = [(keys.installed(lrn, "containers"), keys.installed(lrn, "debs")) for lrn in lrns]
    items = kv.snapshot(*(prefix for pair in places for prefix in pair)).items
    lists: dict[str, dict[str, str]] = {prefix: {} for pair in places for prefix in pair}
    for key, item in items.items():
        prefix, _, name = key.rpartition("/")
        lists[f"{prefix}/"][name] = item.value
    return tuple(Installed(lists[containers], lists[debs]) for containers, debs in places)
