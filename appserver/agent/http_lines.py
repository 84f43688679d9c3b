"""An answer of lines that may come at any time or never: written as they come, until nobody listens."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock, Thread

from appserver.core.containers import LOG_BEAT

_LOOK_S = 2.0


class Lines:
    """The lines of one answer, written by two threads: a log's own, and the one that beats while it is silent."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        self._lock = Lock()
        self.begun = False

    def __call__(self, line: str) -> None:
        self.begin(line)

    def beat(self) -> None:
        self.begin(LOG_BEAT)

    def begin(self, *lines: str) -> None:
        with self._lock:
            handler = self._handler
            if not self.begun:
                self.begun = handler.close_connection = True
                handler.send_response(200)
                handler.send_header("Content-Type", "text/plain; charset=utf-8")
                handler.send_header("Connection", "close")
                handler.end_headers()
            for line in lines:
                handler.wfile.write(f"{line}\n".encode())


@contextmanager
def until_gone(connection: socket.socket, stop: Event, beat: Callable[[], None], beat_s: float) -> Iterator[Event]:
    """An event that is set when the other side closes, or the agent stops: a caller sends nothing more.

    Until then `beat` is called every `beat_s`.
    """
    gone = Event()
    over, told = socket.socketpair()

    def look() -> None:
        due = time.monotonic() + beat_s
        with suppress(OSError):  # gone, and nobody to tell
            while not stop.is_set() and not select.select([connection, told], [], [], min(_LOOK_S, beat_s))[0]:
                if time.monotonic() >= due:
                    due = time.monotonic() + beat_s
                    beat()
        gone.set()

    watcher = Thread(target=look, name="http-watch", daemon=True)
    watcher.start()
    try:
        yield gone
    finally:
        over.close()
        watcher.join()
        told.close()
