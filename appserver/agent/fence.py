"""What may be placed elsewhere is stopped here in time, when this node has lost the store: it must not run twice.

An application with `x-moorage.grace` runs on another node so long after this one was lost. The lease by which that is
judged runs out here when it runs out there, so both sides know the moment; here the end comes a little earlier. When
the store is back, what is wanted is read anew: it is started again, or it has moved and is removed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event

from appserver.agent.fence_memory import EARLY_S
from appserver.agent.lanes import Lanes
from appserver.agent.wishes import Wish, Wishes
from appserver.core.entities import AppKey, Desired
from appserver.errors import BadRecord, NotFound, StoreError
from appserver.ports import KV
from appserver.store import keys
from appserver.store.records import read

log = logging.getLogger(__name__)

_LOOK_S = 0.5


class Fence:
    """`run` in a thread of its own."""

    def __init__(
        self,
        kv: KV,
        node: str,
        wishes: Wishes,
        lanes: Lanes,
        lost_since: Callable[[], float | None],
        remember: Callable[[Mapping[AppKey, float]], None] = lambda graces: None,
    ) -> None:
        """
        Args:
            lost_since: monotonic time at which this node's lease ran out; None while it has one.
            remember: what may move, and its grace, for an agent that is started while the store is away.
        """
        self._kv = kv
        self._node = node
        self._wishes = wishes
        self._lanes = lanes
        self._lost_since = lost_since
        self._remember = remember
        self._held: dict[AppKey, Wish] = {}
        """What stands in for what was wanted."""

    def run(self, stop: Event) -> None:
        while not stop.wait(_LOOK_S):
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        lost = self._lost_since()
        if lost is None:
            self._let_go()
            graces = {key: self._grace_s(key) for key in self._wishes.all()}
            self._remember({key: grace_s for key, grace_s in graces.items() if grace_s})
            return
        for key in self._wishes.all():
            grace_s = self._grace_s(key)
            if grace_s is not None and now - lost >= max(0.0, grace_s - EARLY_S):
                self._hold(key)

    def _hold(self, key: AppKey) -> None:
        wish = self._wishes.get(key)
        if wish is None or wish.desired.run != "running":
            return
        off = replace(wish.desired, run="stopped")
        if wish.desired.stack:  # another manager has it by now; what runs is Swarm's
            off = replace(wish.desired, run="removed", handed_on=True)
        stopped = Wish(off, -wish.at)
        self._held[key] = stopped
        log.warning("event=fenced application=%s reason=%r", key, "this node is lost to the others, and it may move")
        if self._wishes.set(key, stopped):
            self._lanes.supersede(key)

    def _let_go(self) -> None:
        """By what the store says now: it may have moved while this node was away. Not before that can be read."""
        for key, stopped in [*self._held.items()]:
            try:
                stored = read(self._kv, keys.desired(self._node, key), Desired)
            except (StoreError, BadRecord) as error:
                log.warning("event=fence_stays application=%s reason=%s", key, error)
                continue
            del self._held[key]
            if self._wishes.get(key) == stopped:  # else it was listed anew already
                log.info("event=fence_lifted application=%s", key)
                self._wishes.set(key, Wish(stored.record, stored.revision) if stored else None)
                self._lanes.supersede(key)

    def _grace_s(self, key: AppKey) -> float | None:
        wish = self._wishes.get(key)
        if wish is None or wish.desired.run != "running":
            return None
        if wish.desired.stack:
            return 0.0
        try:
            return self._wishes.revision(key, wish.desired.revision).options.grace_s
        except (NotFound, StoreError, BadRecord) as error:
            log.warning("event=not_fenced application=%s reason=%s", key, error)
            return None
