"""What the updater and people have in common: what an update is decided on, and how it is begun."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from appserver.core.rollout import Seen
from appserver.core.rollout_record import Request, Run
from appserver.core.site_config import Site
from appserver.ports import KV, Snapshot
from appserver.store import rollout as store
from appserver.store.codec import encode

KEPT = 100
"""Updates that the history goes back."""
Told = tuple[Mapping[str, int], Mapping[str, str]]
"""Notices, as what joins `expect` and `puts` of the commit that they tell of."""
Freeze = Callable[[Site, datetime], str]


def seen_of(seen: Snapshot, site: Site, now: datetime, freeze: Freeze) -> Seen:
    """What the updater decides on, of a snapshot of `store.STANDING`."""
    asked, run = store.request_of(seen), store.run_of(seen)
    own = run.record if run and asked and run.record.of(asked.record) else None
    return Seen(
        store.servers_of(seen),
        store.release_of(seen),
        asked.record if asked else None,
        store.statuses_of(seen),
        own is not None and store.is_late(seen, own.number),
        own.timeout_s if own else 0.0,
        store.dead_of(seen),
        freeze(site, now),
    )


def start(
    kv: KV,
    seen: Snapshot,
    run: Run,
    request: Request | None,
    gone: list[str],
    told: Told,
    more: Mapping[str, int],
    puts: Mapping[str, str] | None = None,
) -> bool:
    """The deadline, then request and run in one transaction. False: something changed meanwhile.

    Args:
        request: None where it is there already.
        gone: keys to delete.
        more: expected as well.
    """
    expect = {**more, store.REQUEST: seen.revision_of(store.REQUEST), store.RUN: seen.revision_of(store.RUN)}
    lease = kv.grant(max(run.timeout_s, 1.0))
    if not kv.commit(expect, {store.DEADLINE: str(run.number)}, lease=lease):
        return False
    idle = {store.busy(lrn): 0 for lrn in run.servers}
    written = {store.RUN: encode(run), **({store.REQUEST: encode(request)} if request else {}), **(puts or {})}
    return bool(kv.commit({**expect, **idle, **told[0]}, {**written, **told[1]}, gone))
