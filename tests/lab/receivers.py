"""Who is told of updates, on this machine: a server that is posted to, one that takes mail, and a proxy before them."""

from __future__ import annotations

import base64
import json
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer, StreamRequestHandler, ThreadingTCPServer
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


@dataclass(slots=True)
class Mailbox:
    """Takes mail. `refuses` are addresses with the code they are refused with; `fails` codes for the next letters."""

    port: int = 0
    letters: list[tuple[str, tuple[str, ...], Message]] = field(default_factory=list)
    log_ins: list[tuple[str, str, bool]] = field(default_factory=list)
    """User, password, and whether that came over TLS."""
    refuses: dict[str, int] = field(default_factory=dict)
    fails: list[int] = field(default_factory=list)
    password: str = ""


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
        server.socket = _server_context(certificate).wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    found.url = f"http{'s' if certificate else ''}://{address}:{server.server_port}"
    with _served(server):
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
    with _served(server):
        yield f"127.0.0.1:{server.server_port}", asked


@contextmanager
def mailbox(certificate: Certificate | None = None, tls_first: bool = False, password: str = "") -> Iterator[Mailbox]:
    """A mail server on a port of this machine. With a certificate it offers STARTTLS, or speaks TLS first."""
    found = Mailbox(password=password)
    context = _server_context(certificate) if certificate else None

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            if context and tls_first:
                self._over_tls(context)
            try:
                _Talk(self, found, None if tls_first else context).run()
            except (OSError, ValueError):
                return  # it hung up

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def _over_tls(self, context: ssl.SSLContext) -> None:
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Whoever breaks off in the handshake is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    found.port = int(server.server_address[1])
    with _served(server):
        yield found


class _Talk:
    """One conversation with a mail server: as much of RFC 5321 as a client of the standard library uses."""

    def __init__(self, handler: Any, box: Mailbox, context: ssl.SSLContext | None) -> None:
        self._handler = handler
        self._box = box
        self._context = context
        self._sender = ""
        self._to: list[str] = []

    def run(self) -> None:
        self._say("220 mail.test ESMTP")
        while line := self._handler.rfile.readline(2048):
            verb, _, rest = line.decode().strip().partition(" ")
            answer = getattr(self, f"_{verb.lower()}", None)
            if verb.upper() == "QUIT":
                self._say("221 bye")
                return
            self._say(answer(rest) if answer else "502 what?")

    def _ehlo(self, _: str) -> str:
        offers = ["mail.test", *(["STARTTLS"] if self._context and not self._secret else []), "AUTH PLAIN"]
        return "\r\n".join([f"250-{one}" for one in offers[:-1]] + [f"250 {offers[-1]}"])

    def _starttls(self, _: str) -> str:
        assert self._context is not None
        self._say("220 go on")
        handler = self._handler
        handler.connection = self._context.wrap_socket(handler.connection, server_side=True)
        handler.rfile, handler.wfile = handler.connection.makefile("rb"), handler.connection.makefile("wb", buffering=0)
        return ""

    def _auth(self, rest: str) -> str:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        self._box.log_ins.append((user, password, self._secret))
        return "235 welcome" if password == self._box.password else f"535 no such {password}"

    def _mail(self, rest: str) -> str:
        self._sender, self._to = rest[len("FROM:<") :].partition(">")[0], []
        return "250 ok"

    def _rcpt(self, rest: str) -> str:
        one = rest[len("TO:<") :].partition(">")[0]
        if one in self._box.refuses:
            return f"{self._box.refuses[one]} not here"
        self._to.append(one)
        return "250 ok"

    def _data(self, _: str) -> str:
        self._say("354 go on")
        lines = []
        while (line := self._handler.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self._box.fails:
            return f"{self._box.fails.pop(0)} not now"
        self._box.letters.append((self._sender, tuple(self._to), message_from_bytes(b"".join(lines), policy=default)))
        return "250 taken"

    def _rset(self, _: str) -> str:
        return "250 ok"

    def _say(self, text: str) -> None:
        if text:
            self._handler.wfile.write(f"{text}\r\n".encode())

    @property
    def _secret(self) -> bool:
        return isinstance(self._handler.connection, ssl.SSLSocket)


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Both ways, until either side ends."""
    while True:
        for ready in select.select([one, other], [], [], 30)[0]:
            data = ready.recv(65_536)
            if not data:
                return
            (other if ready is one else one).sendall(data)


def _server_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@contextmanager
def _served(server: BaseServer) -> Iterator[None]:
    run: Callable[..., None] = server.serve_forever
    thread = Thread(target=run, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
