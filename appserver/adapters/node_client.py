"""`ports.Nodes`: questions to agents over HTTPS, both sides with a certificate."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from appserver.core.containers import LOG_BEAT, ImageFacts, StrayProject
from appserver.core.fleet import reached_at
from appserver.errors import Invalid, NodeError

_CONNECT_S = 5.0
_SILENT_S = 30.0
"""A log that is followed beats more often than this, or its agent is gone."""
_ANSWER_LIMIT = 32 << 20


@dataclass(frozen=True, slots=True)
class NodeTls:
    """PEM files: the agents' authority, and the app server's own certificate and key."""

    ca: str
    cert: str
    key: str


class NodeClient:
    """`address_of` gives host:port of a node's agent now, None while it is away."""

    def __init__(self, address_of: Callable[[str], str | None], tls: NodeTls, timeout_s: float = 20.0) -> None:
        self._address_of = address_of
        self._tls = tls
        self._timeout_s = timeout_s
        self._context: ssl.SSLContext | None = None

    def images(self, node: str, references: Sequence[str]) -> Mapping[str, ImageFacts | None]:
        """See `ports.Nodes`."""
        told = self._json(node, "POST", "/images", {"references": list(references)})["images"]
        return {reference: _facts(told.get(reference)) for reference in references}

    def logs(
        self, node: str, container_id: str, tail: int, follow: bool = False, since: datetime | None = None
    ) -> Iterator[str | None]:
        """See `ports.Nodes`. Closing the iterator ends the agent's work on it."""
        query = {"id": container_id, "tail": str(tail), "follow": str(follow).lower()}
        if since:
            query["since"] = since.isoformat()
        with self._asking(node, "GET", f"/logs?{urlencode(query)}", follow=follow) as answer:
            for raw in answer:
                line = raw.decode(errors="replace").rstrip("\n")
                yield None if line == LOG_BEAT else line

    def stats(self, node: str, project: str) -> Sequence[Mapping[str, object]]:
        """See `ports.Nodes`."""
        answer = self._json(node, "GET", f"/stats?{urlencode({'project': project})}")
        found: list[Mapping[str, object]] = answer["items"]
        return found

    def stray_projects(self, node: str) -> tuple[StrayProject, ...]:
        """See `ports.Nodes`."""
        items = self._json(node, "GET", "/projects")["items"]
        return tuple(
            StrayProject(
                item["name"],
                tuple(item["config_files"]),
                item["working_dir"],
                tuple(item["services"]),
                item.get("files") or {},
            )
            for item in items
        )

    def metrics(self, node: str, query: Mapping[str, str]) -> Mapping[str, object]:
        """See `ports.Nodes`."""
        found: Mapping[str, object] = self._json(node, "GET", f"/metrics-range?{urlencode(query)}")
        return found

    def _json(self, node: str, method: str, path: str, body: object = None) -> Any:
        with self._asking(node, method, path, body) as answer:
            raw = answer.read(_ANSWER_LIMIT + 1)
        if len(raw) > _ANSWER_LIMIT:
            raise NodeError(f"node {node}: its answer is longer than {_ANSWER_LIMIT} bytes")
        try:
            return json.loads(raw)
        except ValueError as error:
            raise NodeError(f"node {node}: its answer cannot be read") from error

    @contextmanager
    def _asking(
        self, node: str, method: str, path: str, body: object = None, follow: bool = False
    ) -> Iterator[http.client.HTTPResponse]:
        address = self._address_of(node)
        if not address:
            raise NodeError(f"node {node}: its agent is away")
        try:
            host, port = reached_at(address)
            connection = http.client.HTTPSConnection(host, port, timeout=_CONNECT_S, context=self._trusted())
            try:
                connection.connect()
                connection.sock.settimeout(_SILENT_S if follow else self._timeout_s)
                connection.request(method, path, json.dumps(body) if body is not None else None)
                answer = connection.getresponse()
                if answer.status != 200:
                    raise NodeError(f"node {node}: {_detail(answer.read(_ANSWER_LIMIT), answer.status)}")
                yield answer
            finally:
                connection.close()
        except (OSError, Invalid, ValueError, http.client.HTTPException) as error:
            raise NodeError(f"node {node}: its agent at {address} does not answer: {error}") from error

    def _trusted(self) -> ssl.SSLContext:
        """Made at the first call, so that a missing file is told to whoever asks."""
        if self._context is None:
            context = ssl.create_default_context(cafile=self._tls.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(self._tls.cert, self._tls.key)
            self._context = context
        return self._context


def _facts(told: Any) -> ImageFacts | None:
    if told is None:
        return None
    labels, origin = told.get("labels") or {}, told.get("origin", "engine")
    return ImageFacts(told["reference"], told["id"], told["pin"], labels, origin)


def _detail(raw: bytes, status: int) -> str:
    try:
        return str(json.loads(raw)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"answered {status}"
