"""Keeping the claim of a node: leases, the claim under each, and a rival who has it.

Nothing of a node's work is done without the claim, so that of two agents with one name only the first acts. It is not
given up for a store that is away, nor for an app server that does not answer: only when somebody else holds it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Event

from appserver.agent.alive import claim
from appserver.core import events as buses
from appserver.core.claims import Holder, Rival
from appserver.core.events import Happening
from appserver.errors import Denied, LeadershipLost, StoreError
from appserver.ports import KV, Clock, Lease
from appserver.store import keys
from appserver.store.codec import encode

log = logging.getLogger(__name__)

LOOK_S = 0.2
_PAUSE_S = 0.5
_AGAIN_S = 60.0
_MARGIN_S = 2.0
"""What is held for longer than a lease lasts, and this, is held by somebody who renews it."""


@dataclass(frozen=True, slots=True)
class Self:
    """Who this agent is, made anew for each claim since its address may change; and who is known to have ended.

    All that one `Self` makes have one `run`.
    """

    made: Callable[[], Holder]
    dead: Callable[[Holder], bool]


@dataclass(frozen=True, slots=True)
class Held:
    """A claim that was made: under which lease, at which store revision; `over` once that lease is of no use."""

    mine: Holder
    lease: Lease
    revision: int
    over: Callable[[], bool]


class Claims:
    """`run` in a thread of its own; others `wait` for the claim, and are told when it went to a rival."""

    def __init__(
        self, kv: KV, clock: Clock, who: Self, say: Callable[[str], None], ttl_s: float, again_s: float = _AGAIN_S
    ) -> None:
        """
        Args:
            say: told why there is no handshake.
            again_s: after which the whole is tried again, where only `alive` could be claimed.
        """
        self._kv = kv
        self._clock = clock
        self._who = who
        self._say = say
        self._ttl_s = ttl_s
        self._again_s = again_s
        self._changed = Condition()
        self._tenure: Event | None = None
        self._limited_until = 0.0
        self._rivalry = _Rivalry(ttl_s)
        self._own: set[int] = set()
        self.ip = ""
        """Of the newest claim, of those that had one."""
        self.lost_since: float | None = None
        """Monotonic time at which the lease of the last claim ran out; None while there is one, or none was yet."""

    def run(self, stop: Event, held: Callable[[Held], None]) -> None:
        """Until told to stop; the claim ends with it.

        Args:
            held: called with every claim that was made; returns when it is over, or was lost.
        """
        try:
            while not stop.is_set():
                try:
                    with self._kv.lease(self._ttl_s) as lease:
                        self._hold(lease, stop, held)
                        if lease.lost.is_set() and self.lost_since is None:
                            self.lost_since = time.monotonic()
                except StoreError as error:
                    log.warning("event=lease_waits reason=%s", error)
                    stop.wait(_PAUSE_S)
        finally:
            self._give_up()

    def wait(self, stop: Event) -> Event | None:
        """Wait until the node is this agent's: an event that is set when it no longer is. None when told to stop."""
        with self._changed:
            while self._tenure is None and not stop.is_set():
                self._changed.wait(LOOK_S)
            return None if stop.is_set() else self._tenure

    def _hold(self, lease: Lease, stop: Event, held: Callable[[Held], None]) -> None:
        """With one lease: claim, and claim again where the claim is lost and the lease is not."""
        self._own.add(lease.id)

        def over() -> bool:
            return stop.is_set() or lease.lost.is_set()

        while not over():
            try:
                self._come_in(lease, over, held)
            except LeadershipLost:
                return
            except StoreError as error:
                log.warning("event=claim_waits reason=%s", error)
            stop.wait(_PAUSE_S)

    def _come_in(self, lease: Lease, over: Callable[[], bool], held: Callable[[Held], None]) -> None:
        """One try, and the tenure where it succeeds."""
        mine = self._who.made()
        whole = bool(mine.ip) and time.monotonic() >= self._limited_until
        take = self._rivalry.may_take
        try:
            found = claim(self._kv, mine, lease.id, self._who.dead, self._clock.now(), whole, take, self._own)
        except Denied as error:
            if whole:
                self._limited_until = time.monotonic() + self._again_s
                self._say(f"the store does not let this agent write under machines/: {error}")
            raise
        if isinstance(found, Rival):
            self._refuse(found, mine, lease)
            return
        if not found:
            return
        self._rivalry.end()
        log.info("event=claimed node=%s address=%s ip=%s whole=%s", mine.node, mine.address, mine.ip, whole)
        self.ip = mine.ip if whole else self.ip
        self.lost_since = None
        self._begin()
        if whole:
            held(Held(mine, lease, found, over))
        else:
            self._sit_out(mine, over)

    def _sit_out(self, mine: Holder, over: Callable[[], bool]) -> None:
        """`alive` is all there is; after some time the whole is tried again."""
        if not mine.ip:
            self._limited_until = time.monotonic() + self._again_s
            self._say(f"others know no IP address of {mine.address}: set `ip`, or an `address` that is one")
        while not over() and time.monotonic() < self._limited_until:
            time.sleep(LOOK_S)

    def _refuse(self, rival: Rival, mine: Holder, lease: Lease) -> None:
        """This agent does nothing but say so: at once in the log, and to all once the other is known to live."""
        seen = self._rivalry
        if seen.meet():
            log.warning("event=claim_refused reason=%r", str(rival))
        self._give_up()
        if not seen.is_proven:
            return
        if seen.told_with != lease.id:
            self._kv.commit({}, {keys.rival(mine.node, lease.id): encode(rival)}, lease=lease.id)
            seen.told_with = lease.id
        if not seen.announced:
            log.error("event=rival reason=%r", str(rival))
            at = self._clock.now()
            grave = buses.severity(buses.NODE, "die")
            event = Happening(buses.NODE, "die", grave, mine.node, str(rival), at)
            self._kv.commit({}, {keys.event(at, secrets.token_hex(4)): encode(event)})
            seen.announced = True

    def _begin(self) -> None:
        with self._changed:
            if self._tenure is None:
                self._tenure = Event()
            self._changed.notify_all()

    def _give_up(self) -> None:
        with self._changed:
            if self._tenure is not None:
                self._tenure.set()
            self._tenure = None
            self._changed.notify_all()


@dataclass(slots=True)
class _Rivalry:
    """For how long somebody else has held the claim, by the monotonic clock.

    Whoever was seen to renew it has precedence for a lease's time after it ends: a store that was away from both must
    not let the second one in first.
    """

    ttl_s: float
    since: float = 0.0
    seen: float = 0.0
    announced: bool = False
    told_with: int = 0
    """The lease under which the rivalry is on record."""

    def meet(self) -> bool:
        """Seen again. True for the first time."""
        first = not self.since
        self.seen = time.monotonic()
        self.since = self.since or self.seen
        return first

    def end(self) -> None:
        self.since, self.announced, self.told_with = 0.0, False, 0

    @property
    def is_proven(self) -> bool:
        return bool(self.since) and self.seen - self.since > self.ttl_s + _MARGIN_S

    @property
    def may_take(self) -> bool:
        return not self.is_proven or time.monotonic() - self.seen >= self.ttl_s
