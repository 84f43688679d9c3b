"""The claim of a node's name and address: three keys under one lease, made in one transaction or not at all.

`alive/<name>` says that the node is on, `machines/runnodes/<ip>` how far it has come, `machines/agents/<name>` who has
them. Where the store does not let this agent write the latter two, or it has no address, `alive` alone is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from appserver.core.claims import Claimed, Holder, Rival, contested
from appserver.errors import StoreError
from appserver.ports import KV, Snapshot
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import below

TTL_S = 10.0
_TRIES = 5


def claim(
    kv: KV,
    mine: Holder,
    lease: int,
    dead: Callable[[Holder], bool],
    now: datetime,
    whole: bool = True,
    take: bool = True,
    own: Collection[int] = (),
) -> int | Rival:
    """The store revision of the claim; or who stands in the way, and nothing is written.

    Args:
        whole: False claims `alive` alone.
        take: False only looks; 0 where nobody stands in the way.
        own: leases of this run besides `lease`, of before.
    Raises:
        Denied: the store does not let this agent write one of the keys.
        StoreError
    """
    puts = {keys.alive(mine.node): mine.address}
    if whole:  # who it is comes first: whoever watches knows the name before the state
        puts = {keys.agent(mine.node): encode(mine), **puts, keys.runnode(mine.ip): "waiting"}
    for _ in range(_TRIES):
        seen = kv.snapshot(*puts)
        if rival := contested(mine, {lease, *own}, _found(kv, seen, mine, whole), dead, now):
            return rival
        if not take:
            return 0
        expect = {key: seen.revision_of(key) for key in puts}
        if revision := kv.commit(expect, puts, [keys.rival(mine.node, lease)] if whole else (), lease=lease):
            return revision
    raise StoreError(f"the claim of {mine.node} keeps being contested")


def _found(kv: KV, seen: Snapshot, mine: Holder, whole: bool) -> tuple[Claimed, ...]:
    """Both claims as they are: the name's, and the address's, whose holder may have another name."""
    what = {keys.alive(mine.node): f"the name {mine.node}"}
    if whole:
        what[keys.runnode(mine.ip)] = f"the address {mine.ip}"
    leases = {key: seen.items[key].lease for key in what if key in seen.items}
    holders = _holders(seen)
    if whole and set(leases.values()) - {0, *holders}:
        holders |= _holders(kv.snapshot(keys.AGENTS))
    return tuple(Claimed(what[key], lease, holders.get(lease)) for key, lease in leases.items())


def _holders(seen: Snapshot) -> dict[int, Holder]:
    """By their leases."""
    return {seen.items[f"{keys.AGENTS}{name}"].lease: one.record for name, one in below(seen, keys.AGENTS, Holder)}
