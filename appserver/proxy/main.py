"""`moorage proxy`: keeps the routes of this host's proxy as the store has them, and says how far it is.

Without the store the routes stay as they are, and the proxy's own checks leave out what does not answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from appserver.core import proxying
from appserver.core.routes import Applied, Route, Upstream
from appserver.errors import Compacted, ProxyError, StoreError
from appserver.ports import KV, Lease, Proxy
from appserver.proxy.known import Known
from appserver.store import keys
from appserver.store.codec import encode

log = logging.getLogger(__name__)

TTL_S = 10.0
_EVERY_S = 1.0
_SOON_S = 0.1
_KEEN_S = 15.0
"""So long after the last change what is on its way is looked at often."""
_GROWS_BY = 200
_LOOKS_AT_ONCE = 8


class Routing:
    def __init__(self, kv: KV, proxy: Proxy, name: str) -> None:
        """
        Args:
            name: under which it tells how far it is.
        """
        self._kv = kv
        self._proxy = proxy
        self._where = keys.proxy(name)
        self._said: Applied | None = None

    def run(self, stop: Event) -> None:
        """Until told to stop."""
        while not stop.is_set():
            try:
                with self._kv.lease(TTL_S) as lease:
                    self._follow(lease, stop)
            except Compacted:
                continue
            except StoreError as error:
                log.warning("event=routes_wait reason=%s", error)
                stop.wait(_EVERY_S)

    def _follow(self, lease: Lease, stop: Event) -> None:
        """Until told to stop, or what was listed is to be listed anew."""
        over = Event()
        known = Known(self._kv)
        self._said = None
        threads = known.begin(over)
        keen = 0.0
        try:
            with ThreadPoolExecutor(_LOOKS_AT_ONCE, "look") as looks:
                while not (stop.is_set() or lease.lost.is_set() or known.broken):
                    if known.news.is_set():
                        keen = time.monotonic() + _KEEN_S
                    known.news.clear()
                    settled = self._try(known, lease, looks)
                    wait_s = _SOON_S if not settled and time.monotonic() < keen else _EVERY_S
                    self._wait(known.news, stop, wait_s)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        if known.broken:
            raise known.broken

    def _wait(self, news: Event, stop: Event, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not stop.is_set() and not news.wait(min(0.2, max(0.0, until - time.monotonic()))):
            if time.monotonic() >= until:
                return

    def _try(self, known: Known, lease: Lease, looks: ThreadPoolExecutor) -> bool:
        """One round. False where something is on its way."""
        table, heard = known.table()
        try:
            return self._round(table, heard, lease, looks)
        except ProxyError as error:
            log.warning("event=proxy_waits reason=%s", error)
            self._say_nothing()
            return True

    def _round(
        self, table: tuple[Route, ...], heard: Mapping[str, int], lease: Lease, looks: ThreadPoolExecutor
    ) -> bool:
        state = self._proxy.state()
        if (short := proxying.short_of(state, table)) > 0:
            log.info("event=proxy_grows backends=%d", len(state.backends))
            self._proxy.grow(state, max(_GROWS_BY, short))
            return False
        new = proxying.unknown(state, table)
        silent = tuple(
            one for one, answers in zip(new, looks.map(self._proxy.answers, new), strict=True) if not answers
        )
        acts = tuple(proxying.acts(state, table, [one.name for one in silent]))
        self._proxy.apply(acts)
        if acts:
            _tell(acts, silent)
            state = self._proxy.state()
            self._proxy.keep(state)
        draining = proxying.draining(state, table)
        self._say(Applied(heard[keys.SERVING], draining, heard[keys.ROUTES]), lease)
        return not silent and not draining

    def _say(self, applied: Applied, lease: Lease) -> None:
        if applied != self._said:
            self._kv.commit({}, {self._where: encode(applied)}, lease=lease.id)
            self._said = applied

    def _say_nothing(self) -> None:
        """Nobody is to wait for a proxy that is away."""
        if self._said is not None:
            self._kv.commit({}, {}, [self._where])
            self._said = None


def _tell(acts: tuple[proxying.Act, ...], silent: tuple[Upstream, ...]) -> None:
    told = " ".join(f"{act.do}={act.upstream.name or act.prefix}" for act in acts if act.do != "ready")
    if told:
        log.info("event=routes_changed %s%s", told, f" silent={len(silent)}" if silent else "")
