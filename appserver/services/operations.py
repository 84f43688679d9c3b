"""Following an operation to its end. Nothing is written but what `Finish` would write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Event, Thread

from appserver.core import operations as core
from appserver.core.access import Caller
from appserver.core.entities import Application, Desired, Observed, Outcome
from appserver.core.operations import Operation, OperationKey
from appserver.core.updates import Rollout
from appserver.errors import Compacted, NotFound, StoreError
from appserver.ports import KV
from appserver.services.access import Access
from appserver.services.finish import Finish
from appserver.store import keys
from appserver.store.records import find
from appserver.store.watching import watching

HEARTBEAT_S = 15.0
_AGAIN_S = 1.0


class Operations:
    """One operation's state now, or each of its states as they come."""

    def __init__(self, kv: KV, access: Access, finish: Finish) -> None:
        self._kv = kv
        self._access = access
        self._finish = finish

    def get(self, caller: Caller, operation: str) -> Operation:
        """
        Raises:
            Invalid: not an id. NotFound: of an application that is not there and never was.
        """
        asked = core.parse(operation)
        self._access.require(caller, "R", f"application:{asked.app}")
        return self._read(asked)

    def follow(
        self, caller: Caller, operation: str, after: int = 0, stop: Event | None = None
    ) -> Iterator[Operation | None]:
        """Its states, beginning with the present one when newer than `after`; None every 15 s of silence.

        Ends with a terminal state, or when `stop` is set. What `get` would refuse is refused here, before the first.
        """
        self.get(caller, operation)
        asked = core.parse(operation)
        return self._states(asked, after, stop or Event())

    def _states(self, asked: OperationKey, after: int, stop: Event) -> Iterator[Operation | None]:
        done = Event()
        woken: Queue[None] = Queue()
        Thread(target=self._wake, args=(asked, woken, done), name=f"follow {asked}", daemon=True).start()
        told: Operation | None = None
        heard = time.monotonic()
        try:
            while not stop.is_set():
                now = self._read(asked)
                if now.cursor > after and (told is None or _differs(now, told)):
                    told, heard = now, time.monotonic()
                    yield now
                if now.is_over:
                    return
                try:
                    woken.get(timeout=_AGAIN_S)
                except Empty:
                    if time.monotonic() - heard >= HEARTBEAT_S:
                        heard = time.monotonic()
                        yield None
        finally:
            done.set()

    def _wake(self, asked: OperationKey, woken: Queue[None], done: Event) -> None:
        """Turns changes of what the operation depends on into wake-ups; the reader looks by itself once a second."""
        suffix = f"/{asked.app}"
        while not done.is_set():
            try:
                start = self._kv.snapshot(keys.application(asked.app)).revision
                woken.put(None)
                with watching(self._kv, "observed/", start, done) as watch:
                    for change in watch:
                        if change.key.endswith(suffix):
                            woken.put(None)
            except Compacted:
                continue
            except StoreError:
                done.wait(_AGAIN_S)

    def _read(self, asked: OperationKey) -> Operation:
        """The state on record; a roll-out that the agents are through with is settled first.

        It is read again whoever settled it: no change of `observed/` follows that would wake a follower.
        """
        operation, at_rest = self._derive(asked)
        if not operation.is_over and at_rest:
            self._finish.settle(asked.app)
            operation, _ = self._derive(asked)
        return operation

    def _derive(self, asked: OperationKey) -> tuple[Operation, bool]:
        app = asked.app
        first = self._kv.snapshot(keys.application(app))
        application = find(first, keys.application(app), Application)
        if application is None:
            if first.revision < asked.commit:
                raise NotFound(f"there is no operation {asked}")
            return core.derive(asked, {}, {}, None, first.revision), False
        nodes = application.record.nodes
        own = [of(node, app) for node in nodes for of in (keys.desired, keys.observed)]
        snapshot = self._kv.snapshot(keys.application(app), keys.rollout(app), keys.outcome(app, asked.revision), *own)
        desired = {
            n: (wanted.record, wanted.revision)
            for n in nodes
            if (wanted := find(snapshot, keys.desired(n, app), Desired))
        }
        observed = {
            n: (told.record, told.revision) for n in nodes if (told := find(snapshot, keys.observed(n, app), Observed))
        }
        outcome = find(snapshot, keys.outcome(app, asked.revision), Outcome)
        cursor = max((item.revision for item in snapshot.items.values()), default=snapshot.revision)
        rollout = find(snapshot, keys.rollout(app), Rollout)
        operation = core.derive(
            asked,
            desired,
            observed,
            outcome.record if outcome else None,
            cursor,
            rollout.record if rollout else None,
            snapshot.items[keys.rollout(app)].created if rollout else 0,
            application.record.failed_restarts,
        )
        resting = any(core.at_rest(seen, asked.commit) for seen, _ in observed.values())
        return operation, resting


def _differs(now: Operation, before: Operation) -> bool:
    return now.cursor != before.cursor or now.state != before.state
