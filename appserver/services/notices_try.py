"""One try of one notice on one channel: claimed, sent, and what came of it recorded."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Event

from appserver.core import sendings as core
from appserver.core.channels import Channels, setting_of
from appserver.core.events import PIPELINE, Happening, Severity
from appserver.core.notices import Notice
from appserver.core.sendings import Result, Sending
from appserver.errors import StoreError
from appserver.ports import KV, Clock, Leadership
from appserver.services.notices_send import NoticeSender
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.notices import notice_key, sending_key
from appserver.store.records import Stored, find

log = logging.getLogger(__name__)

_AGAIN_S = 0.5
_INSIST_S = 60.0
"""For so long the store is told a result that it does not take."""


class Tries:
    """`claims` are those of what is being sent here at this moment."""

    def __init__(
        self,
        kv: KV,
        sender: NoticeSender,
        clock: Clock,
        seconds: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._kv = kv
        self._sender = sender
        self._clock = clock
        self._seconds = seconds
        self._chance = chance
        self.claims: set[str] = set()

    def once(self, leadership: Leadership, over: Event, channel: str, name: str) -> bool:
        """Whether the next notice of the run may go: this one is settled.

        Raises:
            StoreError: what came of it could not be recorded.
        """
        where = sending_key(name, channel)
        seen = self._kv.snapshot(where, notice_key(name))
        stored, notice = find(seen, where, Sending), find(seen, notice_key(name), Notice)
        if stored is None or notice is None or stored.record.state != "pending":
            return True
        to = self._sender.channels()
        if channel not in to.named:
            why = f"{setting_of(channel)} is not set any more"
            ended = replace(stored.record, state="dropped", at=self._clock.now(), reason=why)
            return bool(self._kv.commit({**leadership.fence, where: stored.revision}, {where: encode(ended)}))
        claim = secrets.token_hex(8)

        def ready() -> None:
            mine = encode(core.claimed(stored.record, claim, self._clock.now()))
            if over.is_set() or not self._kv.commit({**leadership.fence, where: stored.revision}, {where: mine}):
                raise _NotOurs

        self.claims.add(claim)
        try:
            result = self._result(channel, notice.record, stored.record, to, ready)
            log.info("event=notice notice=%s channel=%s result=%s reason=%r", name, channel, result.kind, result.reason)
            return self._told(name, channel, stored, claim, result)
        except _NotOurs:
            return False
        finally:
            self.claims.discard(claim)

    def _result(
        self, channel: str, notice: Notice, sending: Sending, to: Channels, ready: Callable[[], None]
    ) -> Result:
        try:
            return self._sender.send(channel, notice, sending.id, to, ready)
        except StoreError as error:  # whether the claim was written is not known; that nothing was sent, is
            return Result("again", f"the store did not take the claim: {error}")

    def _told(self, name: str, channel: str, before: Stored[Sending], claim: str, result: Result) -> bool:
        ends = self._seconds() + _INSIST_S
        while True:
            try:
                return self._record(name, channel, before, claim, result)
            except StoreError:
                if self._seconds() > ends:
                    raise
                time.sleep(_AGAIN_S)

    def _record(self, name: str, channel: str, before: Stored[Sending], claim: str, result: Result) -> bool:
        """While the record is as we left it, or somebody gave our claim up, which we know better. Without the fence."""
        where = sending_key(name, channel)
        while stored := find(self._kv.snapshot(where), where, Sending):
            ours = stored.record.by == claim and stored.record.state in ("sending", "unknown")
            if not ours and stored.revision != before.revision:
                return stored.record.settled
            after = core.after(stored.record, result, self._chance(), self._clock.now())
            if self._kv.commit({where: stored.revision}, {where: encode(after), **news(name, channel, after)}):
                return after.settled
        return True


def news(name: str, channel: str, sending: Sending) -> dict[str, str]:
    """An event for what somebody has to look after, for the transaction that records it."""
    told = _grave(sending)
    if told is None:
        return {}
    severity, what = told
    message = f"notice {name} on {channel} {what}: {sending.reason}"
    happening = Happening(PIPELINE, "update", severity, f"notice:{name}", message, sending.at)
    return {_key(sending.at): encode(happening)}


def _grave(sending: Sending) -> tuple[Severity, str] | None:
    """Of a notice that is tried again and again, the first time alone."""
    words: Mapping[str, tuple[Severity, str]] = {
        "failed": ("ERROR", "was not delivered"),
        "unknown": ("WARNING", "may have been delivered or not, and is not sent again"),
        "sent": ("WARNING", "was delivered"),
        "pending": ("WARNING", "is not delivered yet, and tried again"),
    }
    quiet = (sending.state == "sent" and not sending.reason) or (sending.state == "pending" and sending.attempts > 1)
    return None if quiet else words.get(sending.state)


def _key(at: datetime) -> str:
    return keys.event(at, secrets.token_hex(4))


class _NotOurs(Exception):
    """Another leads, or somebody changed the record: nothing is sent."""
