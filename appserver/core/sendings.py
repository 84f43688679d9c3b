"""What becomes of a notice on one channel: when it is tried, what a result means, when it is given up. Pure.

A notice that may have arrived is never sent again by itself: of two that say the same nobody knows which counts. Pauses
are counted by whoever waits, from when they saw the record, and add up on record: no two app servers have to agree on
the time of day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

SECTION = "sendings/"
CHANNELS = ("slack", "webhook", "mail")
NOBODY = "nobody"
"""In place of a channel, where none was configured when the notice came."""
State = Literal["pending", "sending", "sent", "failed", "unknown", "dropped"]
ResultKind = Literal["sent", "again", "refused", "unknown"]

FIRST_S, LONGEST_S, DAY_S = 5.0, 3600.0, 86_400.0
"""The first pause, the longest one, and how long it is tried for in all."""
IN_ORDER_S = 600.0
"""A later notice of a run waits so long for an earlier one that its channel does not take."""
HELD_S = 30.0
"""A claim that is older was left behind: nothing takes so long to be sent."""
KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sending:
    """`sendings/<run>-<name>/<channel>`. `id` goes with every try, so that a receiver can tell what it has already.

    `by` is the claim of who sends it at the moment, or sent it. `pause_s` is waited before the next try, `waited_s` was
    waited by now. `reason` says why it is not `sent`.
    """

    id: str
    state: State
    at: datetime
    attempts: int = 0
    waited_s: float = 0.0
    pause_s: float = 0.0
    by: str = ""
    reason: str = ""

    @property
    def settled(self) -> bool:
        return self.state not in ("pending", "sending")


@dataclass(frozen=True, slots=True)
class Result:
    """Of one try. `sent`: the receiver has it, but for what `reason` tells. `unknown`: it may have it.

    `again`: it has it not, and may take it later. `refused`: it will never take this.
    """

    kind: ResultKind
    reason: str = ""
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pending notice on a channel. `paused_s` it waits by now, `since_s` it has been known of."""

    name: str
    run: int
    sending: Sending
    paused_s: float
    since_s: float


def claimed(sending: Sending, by: str, now: datetime) -> Sending:
    """Written before the first byte of the notice leaves."""
    return replace(sending, state="sending", at=now, attempts=sending.attempts + 1, by=by, reason="")


def after(sending: Sending, result: Result, jitter: float, now: datetime) -> Sending:
    """
    Args:
        sending: as claimed, or as it was where the try ended before that.
        jitter: 0 to 1, so that not all that failed together are tried again together.
    """
    counted = sending if sending.state in ("sending", "unknown") else replace(sending, attempts=sending.attempts + 1)
    told = replace(counted, at=now, reason=result.reason)
    if result.kind == "sent":
        return replace(told, state="sent")
    if result.kind == "unknown":
        return replace(told, state="unknown")
    if result.kind == "refused":
        return replace(told, state="failed")
    pause = max(pause_s(counted.attempts, jitter), result.retry_after_s)
    waited = counted.waited_s + pause
    if waited > DAY_S:
        return replace(told, state="failed", reason=f"given up after a day: {result.reason}")
    return replace(told, state="pending", by="", pause_s=round(pause, 1), waited_s=round(waited, 1))


def pause_s(attempts: int, jitter: float) -> float:
    """After so many tries: twice as long each time, by up to a fifth less or more."""
    exponent = min(max(attempts, 1) - 1, 16)
    return float(min(FIRST_S * 2**exponent, LONGEST_S) * (0.8 + 0.4 * jitter))


def due(waiting: Sequence[Waiting]) -> tuple[str, ...]:
    """Names, in order, of what is to be tried now on one channel: in each run the earlier notice before the later."""
    found: list[str] = []
    held: set[int] = set()
    for one in waiting:
        ready = one.paused_s >= one.sending.pause_s
        if ready and one.run not in held:
            found.append(one.name)
        elif not ready and one.since_s < IN_ORDER_S:
            held.add(one.run)
    return tuple(found)


def forgotten(notices: Mapping[str, datetime], sendings: Mapping[str, Sequence[Sending]], now: datetime) -> list[str]:
    """Names of notices, by when they came, that are settled for a week. Those of the newest run stay.

    So what somebody tells a second time, long after the first, is still one record.
    """
    newest = max((name[:8] for name in notices), default="")
    return [
        name
        for name, at in notices.items()
        if name[:8] != newest and now - at > KEPT and sendings.get(name) and all(s.settled for s in sendings[name])
    ]
