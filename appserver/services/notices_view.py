"""Notices for people: which were sent and which not; one to see whether they would arrive; one sent again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from appserver.core.access import Caller, require
from appserver.core.events import PIPELINE
from appserver.core.notices import Notice
from appserver.core.sendings import CHANNELS, Result, Sending
from appserver.errors import Conflict, Invalid, NotFound
from appserver.ports import KV, Clock
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.notices_send import NoticeSender
from appserver.store.codec import encode
from appserver.store.notices import PREFIXES, Told, notice_key, sending_key, told, undelivered
from appserver.store.records import find

_TEST = "a test: nothing is updated."


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test on a channel. `reason` says why it did not arrive, or for whom not."""

    channel: str
    ok: bool
    reason: str

    def to_json(self) -> dict[str, object]:
        return {"channel": self.channel, "ok": self.ok, "reason": self.reason}


class NoticeList:
    """Reads are everybody's; tests, and sending again, are administrators'."""

    def __init__(self, *, kv: KV, sender: NoticeSender, audit: Audit, events: Events, clock: Clock) -> None:
        self._kv = kv
        self._sender = sender
        self._audit = audit
        self._events = events
        self._clock = clock

    def list(
        self, caller: Caller, undelivered_only: bool = False, after: str = "", limit: int = 50
    ) -> tuple[tuple[Told, ...], str]:
        """A page, newest first, from behind the notice `after`; and the `after` of the next one, "" at the end."""
        require(caller, "R", "site:")
        seen = self._kv.snapshot(*PREFIXES)
        found = (undelivered if undelivered_only else told)(seen)[::-1]
        names = [one.name for one in found]
        later = found[names.index(after) + 1 if after in names else 0 :]
        return later[:limit], later[limit - 1].name if len(later) > limit else ""

    def test(self, caller: Caller, channel: str = "") -> tuple[Tested, ...]:
        """Send one now to a channel, or to all that are configured. It is not on record.

        Raises:
            Invalid: nothing of that name is configured.
        """
        with self._audit.of(caller, "test", f"site:notices {channel[:20]}".rstrip()):
            require(caller, "U", "site:")
            if channel and channel not in CHANNELS:
                raise Invalid("channel", f"is one of {', '.join(CHANNELS)}")
            to = self._sender.channels()
            named = [one for one in to.named if channel in ("", one)]
            if not named:
                raise Invalid(
                    "channel", f"no {channel or 'channel'} is configured; `moorage config get` lists the keys"
                )
            now = self._clock.now()
            notice = Notice(0, "begin", "test", (), now, _TEST, now)
            with ThreadPoolExecutor(len(named)) as pool:
                results = pool.map(
                    lambda one: self._sender.send(one, notice, secrets.token_hex(16), to, lambda: None), named
                )
                return _tested(named, list(results))

    def resend(self, caller: Caller, name: str, channel: str = "") -> Told:
        """Of a notice that was given up, or may not have arrived. What has it already knows it by its id.

        Raises:
            NotFound: there is no such notice.
            Conflict: nothing of it was given up, or somebody else changed it meanwhile.
        """
        where = notice_key(name)
        with self._audit.of(caller, "resend", f"site:notices {name}"):
            require(caller, "U", "site:")
            places = [sending_key(name, one) for one in ([channel] if channel else CHANNELS)]
            seen = self._kv.snapshot(where, *places)
            if where not in seen.items:
                raise NotFound(f"there is no notice {name}")
            found = {place: stored for place in places if (stored := find(seen, place, Sending))}
            given_up = {place: one for place, one in found.items() if one.record.state in ("failed", "unknown")}
            if not given_up:
                raise Conflict(f"{name} is not to be sent again: it was not given up")
            again = {place: encode(_anew(one.record, self._clock)) for place, one in given_up.items()}
            if not self._kv.commit({place: one.revision for place, one in given_up.items()}, again):
                raise Conflict(f"{name} changed meanwhile; look again")
            self._events.emit(PIPELINE, "update", "INFO", f"notice:{name}", f"notice {name} is sent again", caller.name)
        return next(one for one in told(self._kv.snapshot(*PREFIXES)) if one.name == name)


def _tested(named: Sequence[str], results: Sequence[Result]) -> tuple[Tested, ...]:
    return tuple(
        Tested(channel, result.kind == "sent", result.reason) for channel, result in zip(named, results, strict=True)
    )


def _anew(sending: Sending, clock: Clock) -> Sending:
    return replace(
        sending, state="pending", at=clock.now(), attempts=0, waited_s=0.0, pause_s=0.0, by="", reason=sending.reason
    )
