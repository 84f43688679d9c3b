"""SIGTERM and SIGINT as an event.

A handler written in Python runs in the main thread, and only once that thread runs Python again: while it waits for a
lock without a time limit, a signal that another thread was given, or that came just before the wait, is not seen. The
interpreter's wake-up descriptor is written to at once, whichever thread was given the signal.
"""

from __future__ import annotations

import signal
import socket
from threading import Event, Thread


def set_on_signals(stop: Event) -> None:
    """Set `stop` at the first SIGTERM or SIGINT. For the main thread, before it waits for anything."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: None)
    signal.set_wakeup_fd(writer.fileno())

    Thread(target=_hear, args=(reader, writer, stop), name="signals", daemon=True).start()


def _hear(reader: socket.socket, writer: socket.socket, stop: Event) -> None:
    """For as long as the process lasts: it keeps `writer` open too, which the interpreter knows by number only."""
    while writer.fileno() >= 0 and reader.recv(1):
        stop.set()
