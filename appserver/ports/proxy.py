"""What is asked of the HTTP proxy of a host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from appserver.core.proxying import Act, ProxyState
from appserver.core.routes import Upstream


class Proxy(Protocol):
    """A program that is changed while it runs.

    Raises:
        ProxyError: from each; it is away, or refused.
    """

    def state(self) -> ProxyState: ...
    def apply(self, acts: Iterable[Act]) -> None:
        """In this order. A removal that meets a connection is left out; it is decided again."""

    def keep(self, state: ProxyState) -> None:
        """What it is to begin with when it is started anew, or reloaded."""

    def grow(self, state: ProxyState, backends: int) -> None:
        """Begin anew with so many backends more; what is open goes on."""

    def answers(self, upstream: Upstream) -> bool:
        """Whether something takes connections there."""
