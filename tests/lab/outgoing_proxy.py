"""A proxy to the internet that lets nobody through, and remembers who asked for what."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def standing(address: str) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """On a port of this machine: its URL, and host:port with user:password of each request for a tunnel so far."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            _, _, given = self.headers.get("Proxy-Authorization", "").partition(" ")
            asked.append((self.path, base64.b64decode(given).decode()))
            self.send_error(HTTPStatus.FORBIDDEN)

        def log_message(self, *_: object) -> None:
            """Tests read what was asked, not a log."""

    server = ThreadingHTTPServer((address, 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
