"""`alive/<node>`: there as long as this agent keeps its lease."""

from __future__ import annotations

import logging
from threading import Event

from appserver.errors import StoreError
from appserver.ports import KV
from appserver.store import keys

log = logging.getLogger(__name__)

TTL_S = 10.0
_PAUSE_S = 1.0
_LOOK_S = 1.0


def keep_alive(kv: KV, node: str, address: str, stop: Event, ttl_s: float = TTL_S) -> None:
    """Until told to stop. A lease that was lost is made anew; the key goes at once when the agent ends."""
    where = keys.alive(node)
    while not stop.is_set():
        try:
            with kv.lease(ttl_s) as lease:
                kv.commit({}, {where: address}, lease=lease.id)
                log.info("event=alive node=%s address=%s", node, address)
                while not (stop.is_set() or lease.lost.is_set()):
                    stop.wait(_LOOK_S)
        except StoreError as error:
            log.warning("event=alive_lost node=%s reason=%s", node, error)
            stop.wait(_PAUSE_S)
