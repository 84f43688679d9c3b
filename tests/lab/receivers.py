"""Who is told of updates, on this machine: a server that is posted to, and a proxy before it."""

from __future__ import annotations

import base64
import json
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

Certificate = tuple[Path, Path]


@dataclass(frozen=True, slots=True)
class Got:
    """One POST, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """Takes every POST, and answers the next of `answers`: status and headers; 200 when there is none left.

    With `gate`, no answer comes before that is set.
    """

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    said: bytes = b"ok"
    gate: Event | None = None
    lock: Lock = field(default_factory=Lock)

    def take(self, got: Got) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.got.append(got)
            answer = self.answers.pop(0) if self.answers else (200, {})
        if self.gate:
            self.gate.wait(30)
        return answer


@contextmanager
def receiver(certificate: Certificate | None = None, address: str = "127.0.0.1") -> Iterator[Receiver]:
    """On a port of this machine; over TLS with a certificate."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, headers = found.take(Got(self.path, dict(self.headers), body))
            try:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(found.said))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(found.said)
            except OSError:
                self.close_connection = True  # whoever asked does not wait any more

        def log_message(self, *_: object) -> None:
            """Tests read what came, not a log."""

    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    if certificate:
        server.socket = server_context(certificate).wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    found.url = f"http{'s' if certificate else ''}://{address}:{server.server_port}"
    with served(server):
        yield found


@contextmanager
def forwarding(targets: dict[str, int]) -> Iterator[tuple[str, list[str]]]:
    """A proxy that knows names nobody else knows: host:port, and what it was asked for with which log-in.

    Args:
        targets: name to the port of this machine that it stands for.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self._note(self.path)
            host, _, _ = self.path.partition(":")
            with socket.create_connection(("127.0.0.1", targets[host]), 5) as there:
                self.send_response(200)
                self.end_headers()
                _pass_on(self.connection, there)
            self.close_connection = True

        def do_POST(self) -> None:
            self._note(self.path)
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            names = [f"{name}: {value}" for name, value in self.headers.items() if not name.startswith("Proxy-")]
            head = "\r\n".join([f"POST {parts.path} HTTP/1.0", *names, "", ""]).encode()
            with socket.create_connection(("127.0.0.1", targets[parts.hostname or ""]), 5) as there:
                there.sendall(head + body)
                while data := there.recv(4096):
                    self.wfile.write(data)
            self.close_connection = True

        def _note(self, what: str) -> None:
            _, _, given = self.headers.get("Proxy-Authorization", "").partition(" ")
            asked.append(f"{what} {base64.b64decode(given).decode()}".strip())

        def log_message(self, *_: object) -> None:
            """Tests read what was asked, not a log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with served(server):
        yield f"127.0.0.1:{server.server_port}", asked


def server_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@contextmanager
def served(server: BaseServer) -> Iterator[None]:
    run: Callable[..., None] = server.serve_forever
    thread = Thread(target=run, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Both ways, until either side ends."""
    while True:
        for ready in select.select([one, other], [], [], 30)[0]:
            data = ready.recv(65_536)
            if not data:
                return
            (other if ready is one else one).sendall(data)
