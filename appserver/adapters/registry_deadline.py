"""A deadline over whole conversations: the package below bounds each read, and a peer that drips is never late."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock, Timer
from typing import Any

from urllib3.connection import HTTPConnection


class Deadline:
    """Connections made by `watched` classes are cut when it passes; whoever reads from one comes back at once."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.is_over = False
        self._lock = Lock()
        self._held: list[socket.socket] = []
        self._timer = Timer(limit_s, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def watched(self, connection: type[Any]) -> type[Any]:
        """A class of connections like the one given. Its TLS handshake is within the deadline too."""
        if hasattr(connection, "deadline"):
            return connection
        hold = self.hold

        class Watched(connection):  # type: ignore[misc]  # either of the package's two classes
            deadline = self

            def _new_conn(self: HTTPConnection) -> socket.socket:
                made: socket.socket = super()._new_conn()  # type: ignore[misc]  # of a class known at run time
                hold(made)
                return made

        return Watched

    def end(self) -> None:
        """Nothing is cut any more."""
        self._timer.cancel()
        with self._lock:
            for one in self._held:
                one.close()
            self._held.clear()

    def hold(self, made: socket.socket) -> None:
        """A duplicate: TLS takes the socket itself away from whoever holds it."""
        with self._lock:
            self._held.append(made.dup())
        if self.is_over:
            self._cut()

    def _cut(self) -> None:
        self.is_over = True
        with self._lock:
            for one in self._held:
                with suppress(OSError):  # closed by the other side already
                    one.shutdown(socket.SHUT_RDWR)
