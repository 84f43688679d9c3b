"""How often a name may be tried from an address before it has to wait.

In memory of this process: several app servers allow as many times more, and a restart forgives. An account is never
closed for everybody, so that nobody can lock somebody else out by guessing wrong.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from appserver.errors import TooMany

FREE_PER_NAME, FREE_PER_ADDRESS = 5, 30
"""Wrong guesses before the first wait: of one name from one address; of any names from one address."""
LONGEST_S = 300.0
FORGOTTEN_S = 900.0
_HELD = 20_000
"""Names and addresses remembered; the longest unused are forgotten first."""


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    free_at: float = 0.0
    last: float = 0.0


class Throttle:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._lock = Lock()

    def enter(self, name: str, address: str) -> None:
        """Count a try before it is made, so that many at once count too.

        Raises:
            TooMany: with the seconds to wait.
        """
        now = self._now()
        with self._lock:
            rows = [(self._row(key, now), free) for key, free in _keys(name, address)]
            wait_s = max(row.free_at - now for row, _ in rows)
            if wait_s > 0:
                raise TooMany("too many wrong log-ins; wait a little", retry_after_s=wait_s)
            for row, free in rows:
                row.wrong += 1
                row.last = now
                row.free_at = now + min(2.0 ** (row.wrong - free), LONGEST_S) if row.wrong > free else 0.0

    def passed(self, name: str, address: str) -> None:
        """The try was right: the name is free again from this address, and the address has this try back."""
        with self._lock:
            (named, _), (addressed, _) = _keys(name, address)
            self._tries.pop(named, None)
            if row := self._tries.get(addressed):
                row.wrong = max(0, row.wrong - 1)
                row.free_at = 0.0

    def _row(self, key: str, now: float) -> _Tries:
        row = self._tries.get(key)
        if row is None or now - row.last > FORGOTTEN_S:
            row = self._tries[key] = _Tries(last=now)
        self._tries.move_to_end(key)
        while len(self._tries) > _HELD:
            self._tries.popitem(last=False)
        return row


def _keys(name: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    network = _network(address)
    return (f"{network} {name[:64]}", FREE_PER_NAME), (network, FREE_PER_ADDRESS)


def _network(address: str) -> str:
    """One host: an IPv4 address, or the /64 that an IPv6 host has to itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network(f"{found}/64", strict=False))
