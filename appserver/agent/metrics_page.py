"""Prometheus' page of one node: the host alone. Containers come and go, so their names would be labels without end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from appserver.core.metrics import Sample

log = logging.getLogger(__name__)

SCRAPER = "prometheus"
"""The name that the caller's certificate has. It gets this page and nothing else."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def page(sample: Sample | None) -> bytes:
    """What was measured last; without that, nothing."""
    from appserver.agent.metrics_exposition import exposition  # where it is asked for: the library takes 2 MB

    return exposition(sample)


def handler_of(page: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    """Of requests by whom nothing else is answered."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "moorage-agent"
        sys_version = ""

        def do_GET(self) -> None:
            found = urlsplit(self.path).path == "/metrics"
            body = page() if found else b"only /metrics is served to this certificate\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", CONTENT_TYPE if found else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
            log.debug("event=scraped " + format, *args)  # noqa: G003  # the base class's own format

    return Handler
