"""Nodes that nothing new is placed on; drained, what is there is placed elsewhere too."""

from __future__ import annotations

from appserver.core.access import Caller, require
from appserver.core.events import NODE
from appserver.core.fleet import Cordon
from appserver.core.placement.request import Reservation
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Clock
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.moves import Moved, Moves
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import find, find_node

_TRIES = 64
"""A node on which many are placing at this moment changes with each of them."""


class Cordons:
    def __init__(self, *, kv: KV, moves: Moves, audit: Audit, events: Events, clock: Clock) -> None:
        self._kv = kv
        self._moves = moves
        self._audit = audit
        self._events = events
        self._clock = clock

    def cordon(self, caller: Caller, name: str, reason: str = "") -> Cordon:
        """Nothing new comes; what is there stays. A drained node is drained no more.

        Raises:
            NotFound: there is no such node.
        """
        with self._audit.of(caller, "cordon", f"node:{name}", reason):
            return self._put(caller, name, Cordon(caller.name, self._clock.now(), reason))

    def plan(self, caller: Caller, name: str, reason: str = "") -> tuple[Moved, ...]:
        """What draining it would move where. Nothing is written."""
        require(caller, "A", f"node:{name}")
        self._check(name)
        cordon = Cordon(caller.name, self._clock.now(), reason, drain=True)
        return self._moves.away_from(caller, name, f"{name} is {cordon}", dry_run=True, cordon=cordon)

    def drain(self, caller: Caller, name: str, reason: str = "") -> tuple[Moved, ...]:
        """What is there goes elsewhere, each application as its update says; those that cannot stay, and are told.

        Once more moves what was left.
        """
        with self._audit.of(caller, "drain", f"node:{name}", reason):
            cordon = self._put(caller, name, Cordon(caller.name, self._clock.now(), reason, drain=True))
            return self._moves.away_from(caller, name, f"{name} is {cordon}")

    def undrain(self, caller: Caller, name: str) -> None:
        """It takes what comes again. What left does not come back by itself."""
        where = keys.cordon(name)
        with self._audit.of(caller, "undrain", f"node:{name}"):
            require(caller, "A", f"node:{name}")
            stored = find(self._kv.snapshot(where), where, Cordon)
            if stored is None:
                self._check(name)
                return
            if not self._kv.commit({where: stored.revision}, {}, [where]):
                raise Conflict(f"somebody else changed {name} meanwhile; look again")
            self._events.emit(NODE, "update", "INFO", name, f"{name} takes applications again", caller.name)

    def _put(self, caller: Caller, name: str, cordon: Cordon) -> Cordon:
        require(caller, "A", f"node:{name}")
        self._check(name)
        self._write(name, cordon)
        self._events.emit(NODE, "update", "WARNING", name, f"{name} is {cordon}", caller.name)
        return cordon

    def _write(self, name: str, cordon: Cordon) -> None:
        """With its reservations, though they stay as they are: who is placing something there must decide again."""
        held = keys.reservation(name)
        for _ in range(_TRIES):
            seen = self._kv.snapshot(held)
            reserved = seen.items[held].value if held in seen.items else encode(Reservation())
            if self._kv.commit({held: seen.revision_of(held)}, {keys.cordon(name): encode(cordon), held: reserved}):
                return
        raise Conflict(f"reservations on {name} keep changing; try again")

    def _check(self, name: str) -> None:
        if find_node(self._kv.snapshot(keys.node(name)), name) is None:
            raise NotFound(f"there is no node {name}")
