"""HTTP to image registries: only where it is allowed, never more than was bargained for.

A host is looked up once per request, every address it has is checked, and the connection goes to the address that was
checked; a redirect is a request like any other. Answers are read up to a limit.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from appserver.core.addresses import Outgoing, check_addresses, check_host
from appserver.errors import Invalid

LIMIT = 4 << 20
_MOST_REDIRECTS = 5
_PORTS = {"https": 443, "http": 80}

Resolve = Callable[[str, int], Iterable[str]]


class AnswerTooLarge(requests.RequestException):
    """A registry sent more than `LIMIT` bytes."""


def session(permitted: frozenset[str], rule: Outgoing, resolve: Resolve | None = None) -> requests.Session:
    """A session for one question.

    Args:
        permitted: `host:port` that may be anywhere, on this machine too, and speak plain HTTP.
    """
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = _MOST_REDIRECTS
    guarded = _Guarded(permitted, rule, resolve or addresses)
    made.mount("https://", guarded)
    made.mount("http://", guarded)
    return made


def addresses(host: str, port: int) -> Iterable[str]:
    """Every address of a host."""
    return tuple(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class _Guarded(HTTPAdapter):
    def __init__(self, permitted: frozenset[str], rule: Outgoing, resolve: Resolve) -> None:
        super().__init__(max_retries=0)
        self._permitted = permitted
        self._rule = rule
        self._resolve = resolve

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(request.url or "")
        request.headers["Host"] = parts.netloc
        answer = super().send(request, **{**kwargs, "stream": True})
        with answer.raw as raw:
            body = raw.read(LIMIT + 1, decode_content=True)
        if len(body) > LIMIT:
            raise AnswerTooLarge(f"{parts.netloc} sends more than {LIMIT} bytes")
        answer.raw = io.BytesIO(body)
        return answer

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """The connection is made to a checked address, and the certificate is still held to the name."""
        where, how = super().build_connection_pool_key_attributes(request, verify, cert)
        host, port, scheme = str(where["host"]), int(where["port"] or _PORTS[str(where["scheme"])]), where["scheme"]
        found = self._checked(host, port, str(scheme))
        named: Mapping[str, object] = {"server_hostname": host, "assert_hostname": host} if scheme == "https" else {}
        return {**where, "host": found}, {**how, **named}

    def _checked(self, host: str, port: int, scheme: str) -> str:
        free = f"{host}:{port}" in self._permitted
        if scheme != "https" and not free:
            raise Invalid("image", f"{host} would be asked without TLS; the setting `registries` may permit it")
        check_host(host.strip("[]"), "image")
        try:
            found = tuple(self._resolve(host.strip("[]"), port))
        except OSError as error:
            raise requests.ConnectionError(f"{host} is not known: {error}") from error
        return found[0] if free else check_addresses(host, found, "image", self._rule)[0]
