"""Roll-outs over several nodes: held and let go by people, and kept going by an elected duty.

What comes next is decided wherever an agent's report is seen (`services/finish.py`); the duty is for what only time
brings about: a delay that is over, a copy that has been up for long enough, a node that has been lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import Event

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.operations import operation_id
from appserver.core.updates import Rollout
from appserver.errors import AppServerError, BadRecord, Conflict, NotFound, StoreError
from appserver.ports import KV
from appserver.services.access import Access
from appserver.services.audit import Audit
from appserver.services.finish import Finish
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import below, find, skipped

log = logging.getLogger(__name__)

_LOOK_S = 0.5


class Rollouts:
    def __init__(self, kv: KV, finish: Finish, access: Access, audit: Audit) -> None:
        self._kv = kv
        self._finish = finish
        self._access = access
        self._audit = audit
        self._held: dict[str, int] = {}
        """Those that were looked at while they waited for a person, and the store revision that wrote them then."""

    def pause(self, caller: Caller, key: AppKey, reason: str = "") -> str:
        """No further batch begins; what is acting comes to its end. The operation's id.

        Raises:
            NotFound: nothing of it is being rolled out.
        """
        why = f"by {caller.name}" + (f": {reason}" if reason else "")
        return self._change(caller, "pause", key, lambda now: replace(now, paused=now.paused or why), reason)

    def resume(self, caller: Caller, key: AppKey) -> str:
        """Goes on to the end, whatever share of it its author wanted first."""
        return self._change(caller, "resume", key, lambda now: replace(now, paused="", resumed=True))

    def run(self, stop: Event) -> None:
        """Until told to stop."""
        while not stop.wait(_LOOK_S):
            try:
                self.look()
            except StoreError as error:
                log.warning("event=rollouts_wait reason=%s", error)

    def look(self) -> None:
        """Every one that time alone may bring on: of those that wait for a person, what is new."""
        held: dict[str, int] = {}
        for name, stored in below(self._kv.snapshot(keys.ROLLOUTS), keys.ROLLOUTS, Rollout):
            if stored.record.paused and not stored.record.acting:
                held[name] = stored.revision
            if name not in held or self._held.get(name) != stored.revision:
                self._go_on(name)
        self._held = held

    def _go_on(self, name: str) -> None:
        try:
            cluster, _, app = name.partition("/")
            self._finish.settle(AppKey(cluster, app))
        except BadRecord as error:
            skipped(f"{keys.ROLLOUTS}{name}", error)
        except AppServerError as error:
            log.warning("event=rollout_waits application=%s reason=%s", name, error)

    def _change(
        self, caller: Caller, verb: str, key: AppKey, change: Callable[[Rollout], Rollout], reason: str = ""
    ) -> str:
        where = keys.rollout(key)
        with self._audit.of(caller, verb, f"application:{key}", reason):
            self._access.require(caller, "E", f"application:{key}")
            stored = find(self._kv.snapshot(where), where, Rollout)
            if stored is None:
                raise NotFound(f"nothing of {key} is being rolled out over several nodes")
            committed = self._kv.commit({where: stored.revision}, {where: encode(change(stored.record))})
            if not committed:
                raise Conflict(f"{key} went on meanwhile; look again")
            return operation_id(key, stored.record.revision, committed)
