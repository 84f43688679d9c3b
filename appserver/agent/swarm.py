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
from appserver.core.swarm_nodes import Mark, Member, leads, marks
from appserver.errors import EngineError, StoreError
from appserver.ports import KV, Engine, Stacks
from appserver.store import keys
from appserver.store.records import below, nodes_below

log = logging.getLogger(__name__)

_EVERY_S = 2.0
_GAP_S = 5 * _EVERY_S
"""Who has not looked for so long does not know what was meanwhile."""
_IDLE_S = 30.0
"""On an engine that manages no Swarm."""
_PATIENCE_S = 10.0
"""For so long a Swarm may be without a leader: a new one is chosen in the meantime."""
_LOST_S = 120.0
"""After so long a manager that is down is not waited for: a host that starts anew is back before. One that is back has
to stay for as long."""


class Spells:
    """For how long nodes are down, or up, in the eyes of one who looks all the time."""

    def __init__(self, enough_s: float) -> None:
        self._enough_s = enough_s
        self._at = 0.0
        self._since: dict[tuple[str, bool], float] = {}

    def seen(self, members: Sequence[Member], now: float) -> tuple[Collection[str], Collection[str]]:
        """Ids of managers that are down for long enough, and of nodes that are up for as long.

        Args:
            now: when this was so; after a gap in looking all spells begin anew.
        """
        if now - self._at > _GAP_S:
            self.forget()
        self._at = now
        found = {(one.id, one.ready) for one in members if one.manager or one.ready}
        self._since = {spell: self._since.get(spell, now) for spell in found}
        long = [spell for spell, since in self._since.items() if now - since >= self._enough_s]
        return [ident for ident, up in long if not up], [ident for ident, up in long if up]

    def forget(self) -> None:
        self._since = {}


class SwarmNodes:
    """`run` in a thread of its own."""

    def __init__(
        self, kv: KV, engine: Engine, stacks: Stacks, told: Callable[[], None], lost_s: float = _LOST_S
    ) -> None:
        """
        Args:
            told: called when `conditions` says something else.
            lost_s: for how long a manager that is down is waited for, and one that is back is to stay.
        """
        self._kv = kv
        self._engine = engine
        self._stacks = stacks
        self._told = told
        self._spells = Spells(lost_s)
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
        seen = self._kv.snapshot("nodes/", "alive/", keys.CORDONS)  # first: members and moment go together
        members, now = self._stacks.members(), time.monotonic()
        if not leads(members, mine.node):
            self._spells.forget()
            return True
        cordons = {name: held.record for name, held in below(seen, keys.CORDONS, Cordon)}
        nodes = sorted((one.record for one in nodes_below(seen)), key=lambda node: keys.alive(node.name) in seen.items)
        lost, steady = self._spells.seen(members, now)
        differing = {mark.id: mark for mark in marks(members, nodes, cordons)}
        if step := change(members, lost, steady):
            differing.setdefault(
                step.id, step
            )  # one that is to be marked otherwise too has its turn with the next look
        for mark in differing.values():
            self._tell(mark)
        return True

    def _tell(self, mark: Mark) -> None:
        """What Swarm refuses, as of a node that changed meanwhile, is looked at anew with the next look."""
        told = f"node={mark.id} availability={mark.availability} role={mark.role or 'same'}"
        try:
            self._stacks.mark(mark)
        except EngineError as error:
            log.warning("event=swarm_node_not_told %s reason=%s", told, error)
        else:
            log.info("event=swarm_node_told %s", told)

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
