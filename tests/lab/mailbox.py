"""Who is told of updates by mail, on this machine: a server that takes it."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from tests.lab.receivers import Certificate, served, server_context


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
def mailbox(certificate: Certificate | None = None, tls_first: bool = False, password: str = "") -> Iterator[Mailbox]:
    """A mail server on a port of this machine. With a certificate it offers STARTTLS, or speaks TLS first."""
    found = Mailbox(password=password)
    context = server_context(certificate) if certificate else None

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
    with served(server):
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
