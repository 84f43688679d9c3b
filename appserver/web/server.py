"""gunicorn, embedded: one process of many threads behind an arbiter that starts it anew when it dies.

The worker makes everything that talks gRPC after the fork; the arbiter holds no more than the sockets. Told to stop,
it ends the event streams first: an open stream would otherwise hold it for the whole of its grace.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from collections.abc import Callable
from threading import Event, Timer
from types import FrameType
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from appserver.errors import AppServerError
from appserver.settings import ServeSettings

if TYPE_CHECKING:
    from flask import Flask  # not in the arbiter: what only the worker uses, only the worker holds in memory

log = logging.getLogger(__name__)

GRACE_S = 2
"""For requests that are being answered when the order to stop comes."""
STUCK_S = 60
"""A peer that neither sends nor reads for this long is gone: its thread is needed."""
_WATCHDOG_S = 60
_CONNECTIONS = 1024
"""Above the number of threads: connections that are kept alive wait without one."""

Make = Callable[[Event], "Flask"]


def run(settings: ServeSettings, make: Make) -> None:
    """Serve until told to stop. Never returns.

    Args:
        make: called in the worker, with an event that is set when it begins to stop.
    """
    _Server(settings, make).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: ServeSettings, make: Make) -> None:
        self._settings = settings
        self._make = make
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        values: dict[str, Any] = {
            "bind": settings.listen,
            "workers": 1,
            "worker_class": _Worker,
            "threads": settings.threads,
            "worker_connections": settings.threads + _CONNECTIONS,
            "timeout": _WATCHDOG_S,
            "graceful_timeout": GRACE_S,
            "keepalive": 30,
            "logger_class": _Log,
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # `trusted_proxies` decides who may say whence a request came
            "when_ready": _bound_waits,
            "certfile": settings.tls_cert or None,
            "keyfile": settings.tls_key or None,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        try:
            return self._make(_Worker.closing)
        except AppServerError as error:
            log.error("cannot start reason=%s", error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


class _Worker(ThreadWorker):  # type: ignore[misc]
    closing = Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.closing.set()
        super().handle_exit(sig, frame)

    def is_parent_alive(self) -> bool:
        if super().is_parent_alive():
            return True
        self.closing.set()
        return False

    def run(self) -> None:
        try:
            super().run()
        finally:
            last = Timer(GRACE_S, os._exit, (0,))  # whatever thread still waits for a node: the process ends
            last.daemon = True
            last.start()


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's own words go where ours go. No access log of its own: a URL may hold a secret, a route does not."""

    def setup(self, cfg: object) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)

    def access(self, *_: object) -> None:
        pass


def _bound_waits(server: Any) -> None:
    """Connections take these limits over from the socket that accepts them."""
    limit = struct.pack("ll", STUCK_S, 0)
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, limit)
