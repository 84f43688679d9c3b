"""The elected duty that looks after loose ends: room that nobody came for is given back, and who came without is told.

How long room has been without its container is counted here, from the first look on: no two clocks are compared, and
an app server that takes the duty over begins to count anew, so nobody is released early.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event

from appserver.core.entities import ContainerRecord
from appserver.core.events import NODE, SERVICE
from appserver.core.placement import placed
from appserver.core.placement.manager import loose_ends
from appserver.core.placement.placed import LEASE_S, Placed
from appserver.core.placement.request import Claim, Reservation, Resident
from appserver.errors import StoreError
from appserver.ports import KV, Leadership, Snapshot
from appserver.services.events import Events
from appserver.services.placements_nodes import container
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import Stored, below, find

log = logging.getLogger(__name__)

EVERY_S = 5.0
REPORT_AFTER_S = 60.0
"""A container is told of when it has been without a reservation for so long: what is being removed is gone by then."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is on one node."""

    node: str
    held: Mapping[str, Claim]
    residents: Sequence[Resident]
    watched: bool
    """Whether its agent is there to see containers come."""


class Ends:
    """Level-triggered: whatever it could not do is there at the next look."""

    def __init__(
        self, *, kv: KV, events: Events, now: Callable[[], float] = time.monotonic, every_s: float = EVERY_S
    ) -> None:
        self._kv = kv
        self._events = events
        self._now = now
        self._every_s = every_s
        self._since: dict[tuple[str, str], float] = {}
        """Node and holder, or container, to when it was first seen loose."""
        self._told: dict[str, tuple[str, ...]] = {}

    def run(self, stop: Event, leadership: Leadership) -> None:
        self._since, self._told = {}, {}
        while not stop.is_set():
            try:
                self.tidy(leadership.fence)
            except StoreError as error:
                log.warning("event=placement_ends_wait reason=%r", str(error))
            stop.wait(self._every_s)

    def tidy(self, fence: Mapping[str, int] | None = None) -> tuple[str, ...]:
        """One look; the holders whose room was given back."""
        seen = self._kv.snapshot("alive/", "reservations/", "containers/", "applications/", keys.PLACEMENTS)
        records = dict(below(seen, keys.PLACEMENTS, Placed))
        loose: set[tuple[str, str]] = set()
        released = list(self._strays(seen, records, fence or {}))
        for look in _looks(seen, records):
            found = loose_ends(look.held, look.residents, ())
            loose.update((look.node, name) for name in (*found.release, *found.report))
            promised = {name for name in found.release if self._is_promised(look, name, seen, records)}
            for holder in loose_ends(look.held, look.residents, promised).release:
                if self._release(look.node, holder, records.get(holder), seen, fence or {}):
                    released.append(holder)
            running = {one.name for one in look.residents if one.running}
            self._report(look.node, [name for name in found.report if name in running])
        self._since = {key: at for key, at in self._since.items() if key in loose}
        return tuple(released)

    def _waited(self, node: str, name: str) -> float:
        now = self._now()
        return now - self._since.setdefault((node, name), now)

    def _is_promised(self, look: Look, holder: str, seen: Snapshot, records: Mapping[str, Stored[Placed]]) -> bool:
        """A container may come for as long as its room is kept. An application keeps its room while it is there."""
        if not placed.is_of_container(holder):
            cluster, _, name = holder.partition(".")
            return f"applications/{cluster}/{name}" in seen.items or self._waited(look.node, holder) < LEASE_S
        if not look.watched:
            self._since.pop((look.node, holder), None)
            return True
        kept_s = records[holder].record.lease_s if holder in records else 0.0
        return self._waited(look.node, holder) < kept_s

    def _release(
        self, node: str, holder: str, stored: Stored[Placed] | None, seen: Snapshot, fence: Mapping[str, int]
    ) -> bool:
        if stored and stored.record.node == node:
            there = keys.container(*placed.parted(holder))
            expect = {**fence, there: seen.revision_of(there)}  # its container may come at this very moment
            done = release(self._kv, holder, stored.record, stored.revision, expect)
        else:
            done = _let_go(self._kv, node, holder, fence)
        if done:
            log.info("event=placement_released holder=%s node=%s", holder, node)
            message = f"nothing came for what {holder} holds of {node}: its room is free again"
            self._events.emit(SERVICE, "delete", "WARNING", holder, message)
        return done

    def _strays(self, seen: Snapshot, records: Mapping[str, Stored[Placed]], fence: Mapping[str, int]) -> Iterator[str]:
        """Records whose claim is gone, as where their node has been retired."""
        for holder, stored in records.items():
            held = find(seen, keys.reservation(stored.record.node), Reservation)
            if held is None or holder not in held.record.holders:
                where = keys.placement(*placed.parted(holder))
                at = keys.reservation(stored.record.node)
                if self._kv.commit({**fence, where: stored.revision, at: seen.revision_of(at)}, {}, [where]):
                    yield holder

    def _report(self, node: str, names: Sequence[str]) -> None:
        """Told once, and again when there are others."""
        due = tuple(name for name in names if self._waited(node, name) >= REPORT_AFTER_S)
        if due and set(due) - set(self._told.get(node, ())):
            what, whose = ("a container runs", "its") if len(due) == 1 else (f"{len(due)} containers run", "their")
            message = f"{what} on {node} without a reservation, and {whose} room is not counted: {', '.join(due)}"
            self._events.emit(NODE, "update", "WARNING", node, message)
        self._told[node] = due


def release(kv: KV, holder: str, record: Placed, revision: int, expect: Mapping[str, int] | None = None) -> bool:
    """A container's record and its claim go together. False where either changed meanwhile, or `expect` fails.

    Args:
        revision: at which the record was read.
    """
    where, held_at = keys.placement(*placed.parted(holder)), keys.reservation(record.node)
    seen = kv.snapshot(held_at)
    held = find(seen, held_at, Reservation)
    puts = {held_at: encode(held.record.without(holder))} if held else {}
    fence = {where: revision, held_at: seen.revision_of(held_at), **(expect or {})}
    return bool(kv.commit(fence, puts, [where]))


def _let_go(kv: KV, node: str, holder: str, fence: Mapping[str, int]) -> bool:
    """A claim without a record."""
    where = keys.reservation(node)
    seen = kv.snapshot(where)
    held = find(seen, where, Reservation)
    if held is None or holder not in held.record.holders:
        return False
    return bool(kv.commit({**fence, where: held.revision}, {where: encode(held.record.without(holder))}))


def _looks(seen: Snapshot, records: Mapping[str, Stored[Placed]]) -> Iterator[Look]:
    there: defaultdict[str, list[Resident]] = defaultdict(list)
    for known_as, one in below(seen, "containers/", ContainerRecord):
        mine = records.get(known_as)
        name = placed.parted(known_as)[1]
        holder = known_as if mine and mine.record.node == one.record.node else one.record.application
        there[one.record.node].append(container(name, one.record, holder, ""))
    held = {name: one.record.holders for name, one in below(seen, "reservations/", Reservation)}
    for node in sorted({*there, *held}):
        yield Look(node, held.get(node, {}), there[node], keys.alive(node) in seen.items)
