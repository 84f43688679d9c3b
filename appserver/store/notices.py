"""Notices on record: how they are put there, together with what they tell of, and which did not arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from appserver.core import notices as core
from appserver.core.notices import Notice
from appserver.core.sendings import CHANNELS, NOBODY, Sending, State
from appserver.core.sendings import SECTION as SENDINGS
from appserver.errors import Invalid
from appserver.ports import Snapshot
from appserver.store.codec import encode
from appserver.store.records import Stored, below

PREFIXES = (core.SECTION, SENDINGS)
"""What the functions here that take a snapshot ask of it."""
_ON_ITS_WAY = timedelta(seconds=30)
"""So long nothing is said of one that nobody has refused."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, and how far it is by channel: none while nobody has looked whom it is for."""

    name: str
    notice: Notice
    sendings: Mapping[str, Sending]

    @property
    def undelivered(self) -> Mapping[str, Sending]:
        """Those that are under way, were given up, or that nobody knows of."""
        done: tuple[State, ...] = ("sent", "dropped")
        return {channel: one for channel, one in self.sendings.items() if one.state not in done}

    def to_json(self) -> dict[str, object]:
        notice = self.notice
        return {
            "name": self.name,
            "run": notice.run,
            "kind": notice.kind,
            "version": notice.version,
            "servers": list(notice.servers),
            "started_at": notice.started_at.isoformat(),
            "at": notice.at.isoformat(),
            "detail": notice.detail,
            "sendings": [sending_json(channel, one) for channel, one in self.sendings.items()],
        }


def notice_key(name: str) -> str:
    return f"{core.SECTION}{core.check_name(name)}"


def sending_key(name: str, channel: str) -> str:
    if channel not in (*CHANNELS, NOBODY):
        raise Invalid("channel", f"is one of {', '.join(CHANNELS)}")
    return f"{SENDINGS}{core.check_name(name)}/{channel}"


def puts(seen: Snapshot, notices: Sequence[Notice]) -> tuple[dict[str, int], dict[str, str]]:
    """What joins `expect` and `puts` of the commit of what the notices tell of: none that is there is written again.

    Args:
        seen: holds the keys of these notices, or `notices/`, at the revision that the commit was decided on.
    """
    fresh = {core.key(one): one for one in notices if core.key(one) not in seen.items}
    return dict.fromkeys(fresh, 0), {key: encode(one) for key, one in fresh.items()}


def told(seen: Snapshot) -> tuple[Told, ...]:
    """All that are on record, oldest run first, in the order in which they came."""
    sendings = sendings_of(seen)
    found = [
        (seen.items[f"{core.SECTION}{name}"].created, name, stored.record)
        for name, stored in below(seen, core.SECTION, Notice)
    ]
    return tuple(
        Told(name, notice, {channel: stored.record for channel, stored in sendings.get(name, {}).items()})
        for _, name, notice in sorted(found, key=lambda one: one[:2])
    )


def undelivered(seen: Snapshot) -> tuple[Told, ...]:
    """Notices that somebody has not got, or that nobody has been looked for yet."""
    return tuple(one for one in told(seen) if one.undelivered or not one.sendings)


def undelivered_lines(seen: Snapshot, now: datetime) -> tuple[str, ...]:
    """The same for `moorage update status`, a line for each notice and channel, but for what is only on its way."""
    return tuple(
        line
        for one in undelivered(seen)
        if now - one.notice.at >= _ON_ITS_WAY or _was_tried(one)
        for line in (
            [_line(one.name, channel, sending) for channel, sending in one.undelivered.items()]
            or [f"{one.name}: nobody has been told yet"]
        )
    )


def sendings_of(seen: Snapshot) -> dict[str, dict[str, Stored[Sending]]]:
    """By the notice's name, then by channel."""
    found: dict[str, dict[str, Stored[Sending]]] = {}
    for where, stored in below(seen, SENDINGS, Sending):
        name, _, channel = where.partition("/")
        found.setdefault(name, {})[channel] = stored
    return found


def sending_json(channel: str, sending: Sending) -> dict[str, object]:
    return {
        "channel": channel,
        "state": sending.state,
        "attempts": sending.attempts,
        "reason": sending.reason,
        "at": sending.at.isoformat(),
    }


def _was_tried(one: Told) -> bool:
    return any(sending.attempts for sending in one.undelivered.values())


def _line(name: str, channel: str, sending: Sending) -> str:
    words = {
        "pending": "is to be sent" if not sending.attempts else f"is tried again, {sending.attempts} times by now",
        "sending": "is being sent",
        "failed": "was not delivered",
        "unknown": "may have been delivered, which nobody knows",
    }
    why = f": {sending.reason}" if sending.reason else ""
    return f"{name}: {channel}: {words[sending.state]}{why}"
