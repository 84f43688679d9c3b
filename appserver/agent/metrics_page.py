"""Prometheus' page of one node: the host alone. Containers come and go, so their names would be labels without end.

Its text is written here: the library that app servers use for theirs takes more memory than this page is worth.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from appserver.core.metrics import FIELDS, Kind, Sample

log = logging.getLogger(__name__)

SCRAPER = "prometheus"
"""The name that the caller's certificate has. It gets this page and nothing else."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABELS: Mapping[Kind, str] = {"node": "", "disk": "mount", "device": "device", "network": "interface"}
"""What the name of a subject is called. A host has a bounded number of each."""
_ENDINGS = {
    "cores": "_cores",
    "bytes": "_bytes",
    "bytes/s": "_bytes_per_second",
    "1/s": "_per_second",
    "ratio": "_ratio",
    "seconds": "_seconds",
    "number": "",
}


def page(sample: Sample | None) -> bytes:
    """What was measured last; without that, nothing."""
    return "".join(f"{line}\n" for line in _lines(sample)).encode() if sample else b""


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


def _lines(sample: Sample) -> Iterator[str]:
    """Version 0.0.4 of Prometheus' text."""
    yield from _head("moorage_host_measured_seconds", "Unix time of this.")
    yield f"moorage_host_measured_seconds {sample.at}"
    for kind, label in _LABELS.items():
        part = f"{kind}_" if label else ""
        for i, field in enumerate(FIELDS[kind]):
            name = f"moorage_host_{part}{field.name}{_ENDINGS[field.unit]}"
            yield from _head(name, f"{field.told[0].upper()}{field.told[1:]}.")
            for subject, values in sorted(sample.means.items()):
                if subject.kind == kind and i < len(values) and math.isfinite(values[i]):
                    labels = f'{{{label}="{_escaped(subject.name)}"}}' if label else ""
                    yield f"{name}{labels} {float(values[i])!r}"


def _head(name: str, told: str) -> tuple[str, str]:
    return f"# HELP {name} {told}", f"# TYPE {name} gauge"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
