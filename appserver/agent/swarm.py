"""Swarm's nodes kept as our record has them, by the agent of the manager that leads: labels, cordons, drains."""

from __future__ import annotations

import logging
from threading import Event

from appserver.core.fleet import Cordon
from appserver.core.swarm_nodes import marks
from appserver.errors import EngineError, StoreError
from appserver.ports import KV, Engine, Stacks
from appserver.store import keys
from appserver.store.records import below, nodes_below

log = logging.getLogger(__name__)

_EVERY_S = 2.0
_IDLE_S = 30.0
"""On an engine that manages no Swarm."""


class SwarmNodes:
    """`run` in a thread of its own."""

    def __init__(self, kv: KV, engine: Engine, stacks: Stacks) -> None:
        self._kv = kv
        self._engine = engine
        self._stacks = stacks

    def run(self, stop: Event) -> None:
        wait_s = 0.0
        while not stop.wait(wait_s):
            try:
                wait_s = _EVERY_S if self.look() else _IDLE_S
            except (EngineError, StoreError) as error:
                log.warning("event=swarm_nodes_wait reason=%s", error)
                wait_s = _IDLE_S

    def look(self) -> bool:
        """Say what differs. False where this engine manages no Swarm.

        Raises:
            EngineError, StoreError
        """
        mine = self._engine.info().swarm
        if mine is None or not mine.manager:
            return False
        members = self._stacks.members()
        seen = self._kv.snapshot("nodes/", keys.CORDONS)
        cordons = {name: held.record for name, held in below(seen, keys.CORDONS, Cordon)}
        for mark in marks(members, [one.record for one in nodes_below(seen)], cordons, mine.node):
            log.info("event=swarm_node_told node=%s availability=%s", mark.id, mark.availability)
            self._stacks.mark(mark)
        return True
