"""Waiting for the proxies: until what is about to be stopped is asked nothing any more, and has answered."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from threading import Event

from appserver.core.entities import AppKey
from appserver.core.routes import Applied, has_left
from appserver.errors import StoreError
from appserver.ports import KV
from appserver.store import keys
from appserver.store.records import below

log = logging.getLogger(__name__)

LEAVES_S = 3.0
"""So long a proxy has to read that a container leaves; one that is slower is not waited for."""
_LOOK_S = 0.05


class Proxies:
    """Those that say in the store how far they are."""

    def __init__(self, kv: KV, served_at: Callable[[AppKey, float], int], leaves_s: float = LEAVES_S) -> None:
        """
        Args:
            served_at: see `Reports.served_at`.
        """
        self._kv = kv
        self._served_at = served_at
        self._leaves_s = leaves_s

    def until_left(self, key: AppKey, containers: Collection[str], drain_s: float, over: Event) -> None:
        """What takes requests no more was said just now: until no proxy sends it any, and has its answers.

        In bounded time, whatever store and proxies do, and without a wait where there is no proxy.

        Args:
            containers: ids.
            drain_s: for the answers.
        """
        limit = time.monotonic() + self._leaves_s
        if not (revision := self._served_at(key, limit)):
            return
        drained = limit + drain_s
        while not over.wait(_LOOK_S):
            try:
                listed = self._kv.snapshot(keys.PROXIES)
            except StoreError as error:
                log.warning("event=proxies_not_asked application=%s reason=%s", key, error)
                return
            heard, answered = has_left(
                containers, revision, [one.record for _, one in below(listed, keys.PROXIES, Applied)]
            )
            now = time.monotonic()
            if (heard and answered) or now > drained or (not heard and now > limit):
                return
