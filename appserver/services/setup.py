"""First steps: the link for the first administrator, and a token for root of the app server's host."""

from __future__ import annotations

from collections.abc import Callable

from appserver.core.access import User
from appserver.ports import Clock
from appserver.services.access import Access

MACHINE = "root"
"""The user that root's command line is: an administrator without a password."""


class Setup:
    """Called by root on the host itself, over the store: before anybody can log in, there is nobody to ask."""

    def __init__(self, *, access: Access, clock: Clock, fresh: Callable[[int], str]) -> None:
        self._access = access
        self._clock = clock
        self._fresh = fresh

    def link(self, host: str) -> str:
        """The secret of a new one-time link, in place of any before; "" when there is an administrator."""
        return self._access.users.set_up_link(f"{MACHINE} on {host}")

    def token(self, host: str, present: str = "") -> str:
        """A token of `root` with the role of an administrator: `present` itself while it is good."""
        held = self._access.tokens.caller(present) if present else None
        if held is not None and (held.name, held.role) == (MACHINE, "admin"):
            return present
        machine = User(self._fresh(8), MACHINE, "admin", "", self._clock.now(), system=True)
        return self._access.tokens.for_machine(machine, f"{MACHINE} on {host}")
