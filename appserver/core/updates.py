"""How copies of an application are brought from one revision to the next: what its author says, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Mode = Literal["replicated", "global"]
Order = Literal["stop-first", "start-first"]


@dataclass(frozen=True, slots=True)
class Update:
    """`x-moorage.update` of a project.

    Of `parallelism` copies at a time, 0 for all at once; `share` says the same in hundredths of all copies, where it
    is not 0. `order` is that of the containers on one node. A copy counts as up once it was for `monitor_s`; `delay_s`
    passes between two batches. More than `max_failures` copies that do not come up, and the revision before is put
    back on all.
    """

    parallelism: int = 1
    share: int = 0
    order: Order = "stop-first"
    delay_s: float = 0.0
    monitor_s: float = 0.0
    max_failures: int = 0
    percentage: int = 100
    """After so many of all copies it waits to be resumed."""

    def batch(self, copies: int) -> int:
        """How many are updated at a time, at least one."""
        if self.share:
            return max(1, copies * self.share // 100)
        return self.parallelism or copies

    def first(self, copies: int) -> int:
        """How many are updated before it waits to be resumed; rounded up, so that some are."""
        return -(-copies * self.percentage // 100)


STRATEGIES: Mapping[str, tuple[int, Order]] = {
    "stopThenStartEach": (1, "stop-first"),
    "startThenStopEach": (1, "start-first"),
    "stopThenStartAll": (0, "stop-first"),
}
"""Haven's names for a parallelism and an order."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """`rollouts/<cluster>/<app>`: a revision on its way over several nodes; gone when its outcome is on record.

    Nodes are in `waiting`, in the order of their turn, then `acting`, then one of `done`, `failed` and `away`; those of
    `away` have no agent now, and are not waited for. `fresh` had no copy of `before`, `leaving` lose theirs at the end;
    one that is both got its copy from a roll-out which this one took over from.
    """

    revision: int
    before: int
    """Put back where this one fails."""
    update: Update
    since: datetime
    """When the last batch was through, or the first began. This moment, like the others, is by the clock of whoever
    wrote it: for people, and to know it by. How long ago it was each reckons for itself."""
    waiting: tuple[str, ...] = ()
    acting: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    paused: str = ""
    """Why it waits to be resumed; empty while it does not."""
    resumed: bool = False
    """Somebody looked at the first part, and wants the rest."""
    by: str = ""
    begun: datetime | None = None
    """When those that are acting were told."""
    up_since: Mapping[str, datetime] = field(default_factory=dict)
    """Of those that are acting: when each was first seen up."""
    restart: bool = False
    """No other revision, but the same one started again: these services of it, or all."""
    services: tuple[str, ...] = ()

    @property
    def moments(self) -> frozenset[datetime]:
        """What is waited after."""
        return frozenset({self.since, *([self.begun] if self.begun else []), *self.up_since.values()})

    @property
    def nodes(self) -> tuple[str, ...]:
        """All that the revision is meant for."""
        return (*self.done, *self.failed, *self.away, *self.acting, *self.waiting)

    def __str__(self) -> str:
        through = len(self.done) + len(self.failed) + len(self.away)
        what = "restart" if self.restart else f"revision {self.revision}"
        told = f"{what}: {through} of {len(self.nodes)} nodes"
        told += f", now {', '.join(self.acting)}" if self.acting else ""
        told += f", did not come up on {', '.join(self.failed)}" if self.failed else ""
        told += f", not waited for: {', '.join(self.away)}" if self.away else ""
        return told + (f"; paused: {self.paused}" if self.paused else "")
