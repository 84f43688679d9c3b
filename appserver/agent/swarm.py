"""Swarm's nodes kept as our record has them, by the agent of the manager that leads: labels, cordons, drains, roles.

And whether a manager reaches its Swarm at all: one that is cut off from the majority can look after no stack.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from threading import Event

from appserver.agent.conditions import Finding
from appserver.core.fleet import SWARM, Cordon
from appserver.core.swarm_managers import change
from appserver.core.swarm_nodes import Member, leads, marks
from appserver.errors import EngineError, StoreError
from appserver.ports import KV, Engine, Stacks
from appserver.store import keys
from appserver.store.records import below, nodes_below

log = logging.getLogger(__name__)

_EVERY_S = 2.0
_IDLE_S = 30.0
"""On an engine that manages no Swarm."""
_PATIENCE_S = 10.0
"""For so long a Swarm may be without a leader: a new one is chosen in the meantime."""
_LOST_S = 120.0
"""After so long a manager that is down is not waited for: a host that starts anew is back before."""


class SwarmNodes:
    """`run` in a thread of its own."""

    def __init__(
        self, kv: KV, engine: Engine, stacks: Stacks, told: Callable[[], None], lost_s: float = _LOST_S
    ) -> None:
        """
        Args:
            told: called when `conditions` says something else.
            lost_s: for how long a manager that is away is waited for.
        """
        self._kv = kv
        self._engine = engine
        self._stacks = stacks
        self._told = told
        self._lost_s = lost_s
        self._away: dict[str, float] = {}
        """Since when managers are down, by their ids."""
        self._manages = False
        self._since: float | None = None
        """When it was first without an answer."""
        self._finding: Finding = None

    def conditions(self) -> tuple[tuple[str, Finding], ...]:
        """Of this node, where it manages a Swarm."""
        return ((SWARM, self._finding),) if self._manages else ()

    def run(self, stop: Event) -> None:
        wait_s = 0.0
        while not stop.wait(wait_s):
            try:
                self._note("" if self.look() else None)
            except EngineError as error:
                self._note(str(error))
            except StoreError as error:
                log.warning("event=swarm_nodes_wait reason=%s", error)
            wait_s = _EVERY_S if self._manages else _IDLE_S

    def look(self) -> bool:
        """Say what differs. False where this engine manages no Swarm.

        Raises:
            EngineError, StoreError
        """
        mine = self._engine.info().swarm
        if mine is None or not mine.manager:
            return False
        members = self._stacks.members()
        if not leads(members, mine.node):
            return True
        seen = self._kv.snapshot("nodes/", keys.CORDONS)
        cordons = {name: held.record for name, held in below(seen, keys.CORDONS, Cordon)}
        told = [*marks(members, [one.record for one in nodes_below(seen)], cordons)]
        step = change(members, self._lost(members))
        for mark in told or ([step] if step else []):  # one after the other: what `step` says is of what was before
            log.info("event=swarm_node_told node=%s availability=%s role=%s", mark.id, mark.availability, mark.role)
            self._stacks.mark(mark)
        return True

    def _lost(self, members: Sequence[Member]) -> Collection[str]:
        now = time.monotonic()
        away = [one.id for one in members if one.manager and not one.ready]
        self._away = {ident: self._away.get(ident, now) for ident in away}
        return [ident for ident, since in self._away.items() if now - since >= self._lost_s]

    def _note(self, against: str | None) -> None:
        """
        Args:
            against: empty where all is well; None where there is nothing to manage.
        """
        before = self.conditions()
        if not against:
            self._manages, self._since = against is not None, None
            self._finding = (True, "its Swarm answers")
        elif self._manages:
            now = time.monotonic()
            self._since = now if self._since is None else self._since
            if now - self._since >= _PATIENCE_S:
                self._finding = (False, against)
        if self.conditions() != before:
            self._told()
