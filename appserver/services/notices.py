"""The elected duty that sends notices of updates: none is lost when another app server leads, none is sent twice.

A notice is addressed once, to the channels that are configured when it is first seen. Who sends it on a channel claims
it, in a transaction with the fence of the leadership, after the connection stands and before the message leaves; the
result is held to that claim alone, so that it counts also when another leads by then. A claim that somebody left
behind is recorded as `unknown`, and told: it may have arrived, so it is not sent again by itself.
"""

from __future__ import annotations

import logging
import math
import random
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from appserver.core import sendings as core
from appserver.core.channels import Channels
from appserver.core.notices import Notice, run_of
from appserver.core.sendings import CHANNELS, HELD_S, NOBODY, Sending, Waiting
from appserver.errors import StoreError
from appserver.ports import KV, Clock, Leadership, Snapshot
from appserver.services.notices_send import NoticeSender
from appserver.services.notices_try import Tries, news
from appserver.store.codec import encode
from appserver.store.notices import PREFIXES, notice_key, sending_key, sendings_of, told
from appserver.store.records import Stored

log = logging.getLogger(__name__)

_LOOK_S = 0.5

Known = Mapping[str, Mapping[str, Stored[Sending]]]


class Notices:
    def __init__(
        self,
        *,
        kv: KV,
        sender: NoticeSender,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        held_s: float = HELD_S,
    ) -> None:
        """
        Args:
            held_s: a claim of somebody else that is older was left behind.
        """
        self._kv = kv
        self._sender = sender
        self._clock = clock
        self._seconds = seconds
        self._tries = Tries(kv, sender, clock, seconds, chance)
        self._held_s = held_s
        self._since: dict[tuple[str, str, int], float] = {}
        """When a sending was first seen, by notice, channel and the revision that wrote it; 0: ever."""
        self._to: Channels | None = None
        self._hurried: frozenset[tuple[str, str, int]] = frozenset()
        """Do not wait any longer: the configuration has changed since they were tried."""

    def run(self, over: Event, leadership: Leadership) -> None:
        """Until told to stop, and what is being sent by then has come to its end."""
        self._since.clear()
        self._to = None
        busy: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(len(CHANNELS), thread_name_prefix="notices") as pool:
            while not over.is_set():
                try:
                    self._look(leadership, over, pool, busy)
                except StoreError as error:
                    log.warning("event=notices_wait reason=%r", str(error))
                over.wait(_LOOK_S)

    def _look(
        self, leadership: Leadership, over: Event, pool: ThreadPoolExecutor, busy: dict[str, Future[None]]
    ) -> None:
        for channel in [name for name, future in busy.items() if future.done()]:
            busy.pop(channel).result()
        seen = self._kv.snapshot(*PREFIXES)
        notices = {one.name: one.notice for one in told(seen)}
        known = sendings_of(seen)
        fence = leadership.fence
        if fresh := [name for name in notices if name not in known]:
            self._address(fence, seen, fresh)
        self._remember(known)
        self._take_note(fence, known)
        self._forget(fence, seen, notices, known)
        for channel in CHANNELS:
            if channel not in busy and (names := core.due(self._waiting(channel, notices, known))):
                busy[channel] = pool.submit(self._send_all, leadership, over, channel, names)

    def _address(self, fence: Mapping[str, int], seen: Snapshot, names: list[str]) -> None:
        """To whoever is to be told at this moment. Whom somebody adds later is not told of what was."""
        named = self._sender.channels().named
        now = self._clock.now()
        for name in names:
            if named:
                made = {channel: Sending(secrets.token_hex(16), "pending", now) for channel in named}
            else:
                made = {NOBODY: Sending("", "dropped", now, reason="no channel was configured")}
            puts = {sending_key(name, channel): encode(one) for channel, one in made.items()}
            expect = {**fence, notice_key(name): seen.revision_of(notice_key(name)), **dict.fromkeys(puts, 0)}
            if self._kv.commit(expect, puts):
                log.info("event=notice_addressed notice=%s channels=%s", name, ",".join(made))

    def _remember(self, known: Known) -> None:
        now = self._seconds()
        here = {(name, channel, one.revision) for name, some in known.items() for channel, one in some.items()}
        ever = {(name, channel, 0) for name, channel, _ in here}
        self._since = {which: self._since.get(which, now) for which in here | ever}
        self._hurried &= here
        if any(one.record.state == "pending" for some in known.values() for one in some.values()):
            to = self._sender.channels()
            if self._to not in (None, to):
                self._hurried = frozenset(here)
            self._to = to

    def _take_note(self, fence: Mapping[str, int], known: Known) -> None:
        """Of what whoever led before began to send, and did not tell the end of."""
        for name, some in known.items():
            for channel, stored in some.items():
                left_behind = stored.record.state == "sending" and stored.record.by not in self._tries.claims
                if not left_behind or self._seconds() - self._since[name, channel, stored.revision] < self._held_s:
                    continue
                why = "the app server that sent it was gone before it told the end"
                ended = replace(stored.record, state="unknown", at=self._clock.now(), reason=why)
                where = sending_key(name, channel)
                self._kv.commit({**fence, where: stored.revision}, {where: encode(ended), **news(name, channel, ended)})

    def _forget(self, fence: Mapping[str, int], seen: Snapshot, notices: Mapping[str, Notice], known: Known) -> None:
        came = {name: notice.at for name, notice in notices.items()}
        ends = {name: [one.record for one in some.values()] for name, some in known.items()}
        for name in core.forgotten(came, ends, self._clock.now()):
            gone = [notice_key(name), *(sending_key(name, channel) for channel in known[name])]
            self._kv.commit({**fence, **{key: seen.revision_of(key) for key in gone}}, {}, gone)

    def _waiting(self, channel: str, notices: Mapping[str, Notice], known: Known) -> list[Waiting]:
        now = self._seconds()
        return [
            Waiting(
                name,
                run_of(name),
                stored.record,
                math.inf if where in self._hurried else now - self._since[where],
                now - self._since[name, channel, 0],
            )
            for name in notices
            if (stored := known.get(name, {}).get(channel)) and stored.record.state == "pending"
            for where in [(name, channel, stored.revision)]
        ]

    def _send_all(self, leadership: Leadership, over: Event, channel: str, names: tuple[str, ...]) -> None:
        runs: set[int] = set()
        for name in names:
            if over.is_set() or leadership.lost.is_set():
                return
            if run_of(name) in runs:
                continue  # the one before it did not go; when it is looked at next, it is known for how long
            try:
                if not self._tries.once(leadership, over, channel, name):
                    runs.add(run_of(name))
            except StoreError as error:
                log.warning("event=notice_waits notice=%s channel=%s reason=%r", name, channel, str(error))
                return
