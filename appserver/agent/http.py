"""Live reads, for app servers alone: images, logs, statistics, projects that are not ours. Nothing changes by them.

TLS 1.3, both sides with a certificate of the installation's authority; the caller's must be of the name `serve`, or
`prometheus` for that one's page alone.
"""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Event, Thread
from urllib.parse import parse_qs, urlsplit

from appserver.agent.http_lines import Lines, until_gone
from appserver.agent.metrics import Meter
from appserver.agent.metrics_page import SCRAPER, handler_of, page
from appserver.agent.wishes import Wishes
from appserver.core.containers import StrayProject
from appserver.errors import AppServerError, EngineError, NotFound
from appserver.ports import Engine
from appserver.store.codec import encode

log = logging.getLogger(__name__)

CALLER = "serve"
MOST_REFERENCES = 1_000
MOST_LINES = 10_000
_MOST_AT_ONCE = 64
_BODY_LIMIT = 1 << 20
_HANDSHAKE_S = 10.0
_IDLE_S = 30.0
BEAT_S = 10.0
"""How often a log that is followed says that it is still there."""

_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"""An id or a name: the engine's own API takes it as a part of a path."""

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files: the authority of callers, and this node's own certificate and key."""

    ca: str
    cert: str
    key: str


class Reads:
    """What may be asked."""

    def __init__(self, engine: Engine, wishes: Wishes, meter: Meter | None = None) -> None:
        self._engine = engine
        self._wishes = wishes
        self._meter = meter

    def images(self, asked: object) -> Mapping[str, object]:
        """
        Raises:
            ValueError: not a list of so many references.
        """
        references = asked.get("references") if isinstance(asked, dict) else None
        if not isinstance(references, list) or len(references) > MOST_REFERENCES:
            raise ValueError(f"references is a list of at most {MOST_REFERENCES}")
        found = {}
        for reference in references:
            facts = self._engine.image(str(reference))
            found[str(reference)] = json.loads(encode(facts)) if facts else None
        return {"images": found}

    def stats(self, query: Query) -> Mapping[str, object]:
        return {"items": list(self._engine.stats(query["project"]))}

    def projects(self, _: Query) -> Mapping[str, object]:
        """Those that this node is not asked to run, adopted ones among them: their containers bear no label of ours."""
        ours = {key.name for key in self._wishes.all()}
        strays: tuple[StrayProject, ...] = self._engine.stray_projects()
        return {"items": [json.loads(encode(one)) for one in strays if one.name not in ours]}

    def health(self, _: Query) -> Mapping[str, object]:
        return {"engine": self._engine.info().version}

    def metrics(self, query: Query) -> Mapping[str, object]:
        """
        Raises:
            NotFound: nothing is measured here.
            Invalid: the query cannot be understood.
        """
        if self._meter is None:
            raise NotFound("nothing is measured on this node")
        return self._meter.range(query, datetime.now(UTC))

    def page(self) -> bytes:
        """Prometheus'."""
        return page(self._meter.latest if self._meter else None)

    def logs(self, query: Query, stop: Event) -> Iterator[str]:
        if not _CONTAINER.fullmatch(query["id"]):
            raise ValueError(f"{query['id'][:80]!r} is no container")
        since = datetime.fromisoformat(query["since"]) if query.get("since") else None
        tail = min(MOST_LINES, max(0, int(query.get("tail", "100"))))
        return self._engine.logs(query["id"], tail, query.get("follow") == "true", since, stop)


def serve(address: tuple[str, int], files: Files, reads: Reads, stop: Event, beat_s: float = BEAT_S) -> None:
    """Until told to stop.

    Raises:
        OSError: the address is taken, or a file cannot be read.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(files.cert, files.key)
    with _Server(address, context, reads, stop, beat_s) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 1.0}, name="http", daemon=True).start()
        stop.wait()
        server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    """The base class takes five: a burst of callers would then be kept waiting for seconds."""

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, reads: Reads, stop: Event, beat_s: float
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self._context = context
        self._slots = BoundedSemaphore(_MOST_AT_ONCE)
        self.reads = reads
        self._handlers: Mapping[str, type[BaseHTTPRequestHandler]] = {
            CALLER: _Handler,
            SCRAPER: handler_of(reads.page),
        }
        self.stop = stop
        self.beat_s = beat_s

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """The handshake is done here, in the connection's own thread and within its own time."""
        if not self._slots.acquire(blocking=False):
            return
        try:
            request.settimeout(_HANDSHAKE_S)
            with self._context.wrap_socket(request, server_side=True) as connection:
                handler = self._handlers.get(name := _name(connection.getpeercert() or {}))
                if handler is None:
                    log.warning("event=caller_refused name=%r address=%s", name, client_address)
                    return
                connection.settimeout(_IDLE_S)
                handler(connection, client_address, self)
        except (OSError, ValueError) as error:
            log.info("event=connection_ended address=%s reason=%s", client_address, error)
        finally:
            self._slots.release()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "moorage-agent"
    sys_version = ""
    timeout = _IDLE_S

    def do_GET(self) -> None:
        path, query = self._asked()
        reads = self.server.reads
        answers: Mapping[str, Callable[[Query], Mapping[str, object]]] = {
            "/stats": reads.stats,
            "/projects": reads.projects,
            "/metrics-range": reads.metrics,
            "/healthz": reads.health,
        }
        if path == "/logs":
            self._stream(query)
        elif path in answers:
            self._answer(lambda: answers[path](query))
        else:
            self._send(404, {"detail": f"{path} is not served"})

    def do_POST(self) -> None:
        path, _ = self._asked()
        length = int(self.headers.get("Content-Length") or 0)
        if path != "/images":
            self._send(404, {"detail": f"{path} is not served"})
        elif length > _BODY_LIMIT:
            self._send(413, {"detail": f"at most {_BODY_LIMIT} bytes"})
        else:
            body = self.rfile.read(length)
            self._answer(lambda: self.server.reads.images(json.loads(body)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        log.debug("event=live_read " + format, *args)  # noqa: G003  # the base class's own format

    def _asked(self) -> tuple[str, Query]:
        parts = urlsplit(self.path)
        return parts.path, {name: values[-1] for name, values in parse_qs(parts.query).items()}

    def _answer(self, make: Callable[[], Mapping[str, object]]) -> None:
        try:
            self._send(200, make())
        except (KeyError, ValueError, TypeError) as error:
            self._send(400, {"detail": f"not understood: {error}"})
        except EngineError as error:
            self._send(502, {"detail": str(error)})
        except AppServerError as error:
            self._send(422, {"detail": str(error)})

    def _stream(self, query: Query) -> None:
        """Lines until the log ends, the caller goes, or the agent does."""
        said = Lines(self)
        beat_s = self.server.beat_s if query.get("follow") == "true" else math.inf
        with until_gone(self.connection, self.server.stop, said.beat, beat_s) as gone:
            try:
                for line in self.server.reads.logs(query, gone):
                    said(line)
                said.begin()
            except (KeyError, ValueError, TypeError) as error:
                if not said.begun:
                    self._send(400, {"detail": f"not understood: {error}"})
            except EngineError as error:
                if not said.begun:
                    self._send(404, {"detail": str(error)})
                log.info("event=log_ended container=%s reason=%s", query.get("id"), error)

    def _send(self, status: int, body: Mapping[str, object]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _name(certificate: Mapping[str, object]) -> str:
    subject = certificate.get("subject")
    pairs = [pair for part in subject for pair in part] if isinstance(subject, tuple) else []
    return next((str(value) for name, value in pairs if name == "commonName"), "")
