"""News on Cluman's buses: written once, listed newest first, followed live. The record of a thing is never here."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from threading import Event

from appserver.core import events
from appserver.core.access import Caller, require
from appserver.core.events import Happening, Severity
from appserver.errors import Compacted, Invalid, StoreError
from appserver.ports import KV, Clock
from appserver.services.following import BEAT_S, follow
from appserver.services.journal import Page, prune, read_back
from appserver.store import codec, keys

log = logging.getLogger(__name__)

KEPT = 10_240
"""Events kept, as Cluman's errors bus does; by count, not by age."""


class Events:
    def __init__(self, *, kv: KV, clock: Clock, fresh: Callable[[int], str] = secrets.token_hex) -> None:
        self._kv = kv
        self._clock = clock
        self._fresh = fresh

    def emit(
        self,
        bus: str,
        action: str,
        severity: Severity | None,
        subject: str,
        message: str,
        user: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Tell a bus. A store that does not answer is logged: news never undoes what it tells of.

        Args:
            severity: None takes that of the action.
        """
        if bus not in events.ACTIONS:
            raise ValueError(f"{bus} is no bus that is written to")
        grave = severity or events.severity(bus, action)
        told = Happening(bus, action, grave, subject, message, self._clock.now(), user, dict(detail or {}))
        log.info("event bus=%s action=%s severity=%s subject=%s message=%r", bus, action, grave, subject, message)
        try:
            self._kv.commit({}, {keys.event(told.at, self._fresh(4)): codec.encode(told)})
        except StoreError as error:
            log.error("event not recorded bus=%s action=%s subject=%s error=%r", bus, action, subject, str(error))

    def list(
        self, caller: Caller, bus: str = "", after: str = "", limit: int = 50, subject: str = ""
    ) -> Page[Happening]:
        """Newest first. `bus` empty: every bus; `bus.cluman.errors`: those of at least WARNING."""
        require(caller, "R", "event:")
        _check(bus)

        def wanted(event: Happening) -> bool:
            return events.belongs(event, bus) and subject in ("", event.subject)

        return read_back(self._kv, "events/", Happening, wanted, after, limit)

    def follow(
        self, caller: Caller, stop: Event, bus: str = "", after: int = 0, beat_s: float = BEAT_S
    ) -> Iterator[tuple[int, Happening] | None]:
        """Store revision and event, from revision `after` on (0: from this call on); None as a heartbeat.

        Events between `after` and a compaction are told from what is still on record.
        """
        require(caller, "R", "event:")
        _check(bus)
        return self._news(stop, bus, after or self._kv.snapshot("events/").revision, beat_s)

    def prune(self) -> int:
        return prune(self._kv, "events/", KEPT)

    def _news(self, stop: Event, bus: str, at: int, beat_s: float) -> Iterator[tuple[int, Happening] | None]:
        while not stop.is_set():
            try:
                for change in follow(self._kv, "events/", at, stop, beat_s):
                    if change is None:
                        yield None
                    elif change.value is not None:
                        at = change.revision
                        event = codec.decode(change.value, Happening)
                        if events.belongs(event, bus):
                            yield at, event
                return
            except Compacted:
                seen = self._kv.snapshot("events/")
                for item in sorted(seen.items.values(), key=lambda item: item.revision):
                    event = codec.decode(item.value, Happening)
                    if item.revision > at and events.belongs(event, bus):
                        yield item.revision, event
                at = seen.revision


def _check(bus: str) -> None:
    if bus and bus != events.ERRORS and bus not in events.ACTIONS:
        raise Invalid("bus", f"no such bus; there are {', '.join((*events.ACTIONS, events.ERRORS))}")
