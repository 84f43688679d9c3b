"""All leases of one client, renewed by one thread, many in one streaming call."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Event, Thread

from appserver.adapters.etcd_channel import Channel
from appserver.adapters.etcd_messages import message, method
from appserver.errors import StoreError

_SHORTEST_CALL_S = 0.1
_LONGEST_CALL_S = 3.0
_REVOKE_S = 2.0


@dataclass(slots=True, eq=False)
class EtcdLease:
    """See `ports.Lease`. Times are of the monotonic clock, counted from before the request was sent."""

    id: int
    ttl_s: float
    ends: float
    due: float
    lost: Event = field(default_factory=Event)


class Leases:
    """Grants, renews at a third of their time, and ends leases. The thread lives while there are any."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._held: dict[int, EtcdLease] = {}
        self._changed = Condition()
        self._thread: Thread | None = None

    def grant(self, ttl_s: float) -> tuple[int, float]:
        """A lease that nobody renews: its id, and its time as etcd counts it (whole seconds, not under a least)."""
        request = message("LeaseGrantRequest")(TTL=max(1, math.ceil(ttl_s)))
        # Repeatable: a lease whose grant was not heard of holds nothing and runs out.
        granted = self._channel.call(method("Lease", "LeaseGrant"), request, repeatable=True)
        return granted.ID, granted.TTL

    def keep(self, ttl_s: float) -> EtcdLease:
        """A lease that is renewed until `end`."""
        before = time.monotonic()
        lease_id, ttl_s = self.grant(ttl_s)
        lease = EtcdLease(lease_id, ttl_s, before + ttl_s, before + ttl_s / 3)
        with self._changed:
            self._held[lease.id] = lease
            if self._thread is None:
                self._thread = Thread(target=self._renew_all, name="etcd leases", daemon=True)
                self._thread.start()
            self._changed.notify()
        return lease

    def end(self, lease: EtcdLease) -> None:
        """Give the lease back, and its keys with it. Where etcd cannot be asked, it runs out by itself."""
        with self._changed:
            self._held.pop(lease.id, None)
            self._changed.notify()
        if lease.lost.is_set() or self._channel.closed.is_set():
            return
        lease.lost.set()
        request = message("LeaseRevokeRequest")(ID=lease.id)
        with suppress(StoreError):
            self._channel.call(method("Lease", "LeaseRevoke"), request, repeatable=True, timeout_s=_REVOKE_S)

    def close(self) -> None:
        """After the channel's own close: tell the holders of what is left."""
        with self._changed:
            self._changed.notify()

    def _renew_all(self) -> None:
        try:
            while due := self._wait_for_due():
                with suppress(StoreError):  # tried again until the leases' time is over; then their holders are told
                    self._renew(due)
        except BaseException:
            with self._changed:
                for lease in [*self._held.values()]:
                    self._lose(lease)  # nobody renews it any more
                self._thread = None
            raise

    def _wait_for_due(self) -> Sequence[EtcdLease]:
        """Leases to renew now; those that ran out are told. Empty when none is left, and the thread ends."""
        with self._changed:
            while True:
                now = time.monotonic()
                for lease in [*self._held.values()]:
                    if lease.ends <= now or self._channel.closed.is_set():
                        self._lose(lease)
                if not self._held:
                    self._thread = None
                    return ()
                wait_s = min(min(lease.due, lease.ends) for lease in self._held.values()) - now
                if wait_s <= 0:
                    # Those due soon go along, so that leases of one age meet in one call.
                    return [lease for lease in self._held.values() if lease.due - lease.ttl_s / 12 <= now]
                self._changed.wait(wait_s)

    def _renew(self, due: Sequence[EtcdLease]) -> None:
        before = time.monotonic()
        first_end = min(lease.ends for lease in due)
        # Half of what is left, so that a member that stays silent leaves time to ask another.
        timeout_s = min(max((first_end - before) / 2, _SHORTEST_CALL_S), _LONGEST_CALL_S)
        for lease in due:
            lease.due = before + max(lease.ttl_s / 20, _SHORTEST_CALL_S)  # where no answer comes
        waiting = {lease.id: lease for lease in due}
        request = message("LeaseKeepAliveRequest")
        requests = [request(ID=lease.id) for lease in due]
        for answer in self._channel.stream(method("Lease", "LeaseKeepAlive"), requests, timeout_s):
            with self._changed:
                lease = waiting.pop(answer.ID)
                if answer.TTL <= 0:
                    self._lose(lease)
                else:
                    lease.ends, lease.due = before + answer.TTL, before + answer.TTL / 3

    def _lose(self, lease: EtcdLease) -> None:
        self._held.pop(lease.id, None)
        lease.lost.set()
