"""This boot server's part in the updates: look at what is on record, decide (`core/rollout_worker.py`), say or do it.

All that is written demands that the request is still the one that it was decided on. So what is late changes nothing:
neither an update that was stopped, nor the next one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from appserver.core import rollout_worker as core
from appserver.core.rollout_record import Progress, Run
from appserver.core.rollout_worker import Mine, Move, Sight
from appserver.errors import AppServerError, Compacted
from appserver.ports import KV, Snapshot
from appserver.store import rollout as store
from appserver.store.codec import encode
from appserver.store.hearing import Hearing
from appserver.store.records import find

log = logging.getLogger(__name__)

_LOOK_S = 0.5
"""How soon it is seen that it is to stop."""
_ANYWAY_S, _AGAIN_S = 5.0, 1.0


if TYPE_CHECKING:
    from appserver.agent.rollout_step import Doing

Begun = Callable[[Run, int, int, Progress], "Doing"]
"""The run, the number of its step, the store revision of its request, and what this server did in it until now."""


class Worker:
    """`run` in a thread of its own."""

    def __init__(self, kv: KV, lrn: int, begun: Begun) -> None:
        """`begun` makes a step. What that takes is brought in with the first one: until then an agent is small."""
        self._kv = kv
        self._lrn = lrn
        self._begun = begun
        self._doing: Doing | None = None
        self._said = ""
        self._wake: Callable[[], None] = lambda: None

    def run(self, stop: Event) -> None:
        """Until told to stop; a step that runs then ends with it, and is done again by the next agent."""
        began = False
        try:
            while not stop.is_set():
                try:
                    began = began or self._begin()
                    self._follow(stop)
                except Compacted:
                    continue
                except AppServerError as error:
                    log.warning("event=updates_wait reason=%r", str(error))
                    stop.wait(_AGAIN_S)
        finally:
            if self._doing:
                self._doing.end()

    def _follow(self, stop: Event) -> None:
        with Hearing(self._kv, ("status/", "update/"), self._kv.snapshot(store.REQUEST).revision) as hearing:
            self._wake = hearing.poke
            looked = 0.0
            while not stop.is_set():
                if hearing.names() or time.monotonic() - looked >= _ANYWAY_S or self._is_over():
                    looked = time.monotonic()
                    self.look()
                hearing.wait(_LOOK_S)

    def _begin(self) -> bool:
        """Nothing runs here: this agent holds the node's claim, and what one before it ran has ended with that."""
        self._kv.commit({}, {}, [store.busy(self._lrn)])
        return True

    def look(self) -> Move:
        """One round of it; what was decided.

        Raises:
            StoreError
        """
        seen = self._kv.snapshot(store.REQUEST, store.STATUSES, store.RUN)
        asked, stored = store.request_of(seen), store.run_of(seen)
        run = stored.record if stored and asked and stored.record.of(asked.record) else None
        if asked and run is None and not asked.record.stop:
            if self._doing:
                self._doing.cancel()
            return self._tell(Move("wait", "the updater has not put down the steps yet"))
        sight = Sight(
            self._lrn,
            asked.record if asked else None,
            store.statuses_of(seen),
            run.steps if run else (),
            run.first if run else 1,
        )
        move = core.decide(sight, self._mine(run))
        self._act(move, seen, run)
        return self._tell(move)

    def _mine(self, run: Run | None) -> Mine:
        """What this server is doing; of a step that an agent before this one did, what it put down."""
        doing = self._doing
        if doing and run and doing.number != run.number:
            doing.cancel()
            if doing.is_alive():
                return Mine("running", doing.step)
            self._doing = doing = None
        if doing:
            return doing.mine()
        last = self._on_record(run).last if run else None
        return Mine("done", last.step) if last and last.phase == "done" else Mine()

    def _act(self, move: Move, seen: Snapshot, run: Run | None) -> None:
        if move.kind == "cancel" and self._doing:
            self._doing.cancel()
            if not self._doing.is_alive():
                self._doing = None
        elif move.kind == "report" and move.status:
            own = store.status(self._lrn)
            expect = {store.REQUEST: seen.revision_of(store.REQUEST), own: seen.revision_of(own)}
            if self._kv.commit(expect, {own: encode(move.status)}):
                log.info("event=update_status step=%d cond=%d", move.status.step, move.status.cond)
        elif move.kind == "run" and run:
            if self._doing and self._doing.is_alive():
                return
            before = self._on_record(run)
            self._doing = self._begun(run, move.step, seen.revision_of(store.REQUEST), before)
            self._doing.start(self._wake)

    def _on_record(self, run: Run) -> Progress:
        key = store.progress(self._lrn, run.number)
        stored = find(self._kv.snapshot(key), key, Progress)
        return stored.record if stored else Progress(run.number)

    def _is_over(self) -> bool:
        """Whether what was begun here has ended since the last look."""
        return self._doing is not None and self._doing.is_news()

    def _tell(self, move: Move) -> Move:
        if move.reason != self._said:
            self._said = move.reason
            log.info("event=update kind=%s reason=%r", move.kind, move.reason)
        return move
