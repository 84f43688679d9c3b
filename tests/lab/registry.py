"""An image registry that answers what a test tells it to: right, wrong, too much, or somewhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Literal

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """`extent` is sent instead of a body: so many zeros. `drips`: byte by byte without end, from there on."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    extent: int = 0
    drips: Literal["", "headers", "body"] = ""


@dataclass(slots=True)
class Stall:
    """The registry at `host`; `answers` by path, and every path it was asked for."""

    host: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def image(self, name: str, labels: object, tag: str = "1") -> str:
        """Have an image of these labels; its reference."""
        config = json.dumps({"config": {"Labels": labels}}).encode()
        manifest = json.dumps(
            {"mediaType": MANIFEST, "schemaVersion": 2, "config": {"digest": digest(config)}}
        ).encode()
        self.answers[f"/v2/{name}/blobs/{digest(config)}"] = Answer(config)
        self.answers[f"/v2/{name}/manifests/{tag}"] = Answer(manifest, headers={"Content-Type": MANIFEST})
        return f"{self.host}/{name}:{tag}"


def digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


@contextmanager
def standing() -> Iterator[Stall]:
    """On a port of this machine, without TLS."""
    stall = Stall("")
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stall.asked.append(self.path)
            found = stall.answers.get(self.path, Answer(b"{}", 404))
            if found.drips:
                return self._drip(found.drips)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(found.extent or len(found.body)))
            self.end_headers()
            try:
                for _ in range(found.extent >> 20):
                    self.wfile.write(bytes(1 << 20))
                self.wfile.write(found.body)
            except OSError:  # whoever asked has heard enough
                self.close_connection = True

        def _drip(self, where: str) -> None:
            whole = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n"
            try:
                self.wfile.write(whole + (b"X-Long: " if where == "headers" else b"\r\n"))
                while not over.wait(0.02):
                    self.wfile.write(b" ")
            except OSError:  # whoever asked has heard enough
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Tests read what was asked, not a log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stall.host = f"127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stall
    finally:
        over.set()
        server.shutdown()
        thread.join(10)
        server.server_close()
