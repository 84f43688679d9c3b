"""Who a node's name and address belong to: one agent at a time, for as long as it keeps its lease.

A claim is three keys of one lease: `alive/<name>`, `machines/runnodes/<ip>` and `machines/agents/<name>`, the last of
which says whose it is. Another agent that finds them claimed is a rival, and does nothing but say so, unless the one
that holds them is known to be dead. An agent may find its own claim of before: under the lease it has, or under one
that it took for lost while the store was away, and that the store counts anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """`machines/agents/<name>`: one run of one agent.

    `ip` is the address that it stands under in `machines/runnodes/`. `boot` and `space` are the kernel's boot id and
    the namespace of process ids: where both are alike, whether the process `pid`, begun at `ticks`, lives can be
    told. `run` is one start of an agent: the same in all its claims, another with the next start.
    """

    node: str
    ip: str
    address: str
    host: str
    boot: str
    space: int
    pid: int
    ticks: int
    run: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.node} at {self.address} on host {self.host} (process {self.pid})"


@dataclass(frozen=True, slots=True)
class Claimed:
    """One key of a claim as it was found: who holds it, None where that is not on record. `lease` 0: nobody does."""

    what: str
    lease: int
    holder: Holder | None


@dataclass(frozen=True, slots=True)
class Rival:
    """`machines/rivals/<name>/<lease>`: an agent that finds taken what it wants, and does not work.

    `what` is what both claim; `other` holds it, None where that is not on record.
    """

    mine: Holder
    what: str
    other: Holder | None
    since: datetime

    def __str__(self) -> str:
        other = self.other or "one that does not say who it is"
        return f"two agents claim {self.what}: {other} has it, {self.mine} asks for it"


def contested(
    mine: Holder, own: Collection[int], found: Sequence[Claimed], dead: Callable[[Holder], bool], now: datetime
) -> Rival | None:
    """Who stands in the way of a claim. None: it may be made, over what is there.

    Args:
        own: every lease that this run has had. What they hold is its own, also where no holder is on record.
        dead: whether the process behind a holder is known to have ended; False where that cannot be told.
    """
    for one in found:
        if one.lease in (0, *own):
            continue
        if one.holder is None or (one.holder.run != mine.run and not dead(one.holder)):
            return Rival(mine, one.what, one.holder, now)
    return None
