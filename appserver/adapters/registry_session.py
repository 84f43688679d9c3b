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
from urllib3.exceptions import HTTPError

from appserver.adapters.registry_deadline import Deadline
from appserver.core.addresses import Outgoing, check_addresses, check_host
from appserver.errors import Invalid

LIMIT = 4 << 20
LIMIT_S = 60.0
_MOST_REDIRECTS = 5
_PORTS = {"https": 443, "http": 80}

Resolve = Callable[[str, int], Iterable[str]]


class TooSlow(requests.RequestException):
    """A registry was not through within the deadline."""


class AnswerTooLarge(requests.RequestException):
    """A registry sent more than `LIMIT` bytes."""


def session(
    permitted: frozenset[str], rule: Outgoing, resolve: Resolve | None = None, limit_s: float = LIMIT_S
) -> requests.Session:
    """A session for one question, to be closed.

    Args:
        permitted: `host:port` that may be anywhere, on this machine too, and speak plain HTTP.
        limit_s: for all requests together, from now on.
    """
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = _MOST_REDIRECTS
    guarded = _Guarded(permitted, rule, resolve or addresses, Deadline(limit_s))
    made.mount("https://", guarded)
    made.mount("http://", guarded)
    return made


def addresses(host: str, port: int) -> Iterable[str]:
    """Every address of a host."""
    return tuple(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class _Guarded(HTTPAdapter):
    def __init__(self, permitted: frozenset[str], rule: Outgoing, resolve: Resolve, deadline: Deadline) -> None:
        super().__init__(max_retries=0)
        self._permitted = permitted
        self._rule = rule
        self._resolve = resolve
        self._deadline = deadline

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(request.url or "")
        request.headers["Host"] = parts.netloc
        try:
            answer = super().send(request, **{**kwargs, "stream": True})
            with answer.raw as raw:
                body = raw.read(LIMIT + 1, decode_content=True)
        except HTTPError as error:
            self._in_time(parts.netloc)
            raise requests.ConnectionError(str(error)) from error
        except (requests.RequestException, OSError):
            self._in_time(parts.netloc)
            raise
        self._in_time(parts.netloc)
        if len(body) > LIMIT:
            raise AnswerTooLarge(f"{parts.netloc} sends more than {LIMIT} bytes")
        answer.raw = io.BytesIO(body)
        return answer

    def close(self) -> None:
        self._deadline.end()
        super().close()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self._deadline.watched(pool.ConnectionCls)
        return pool

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """The connection is made to a checked address, and the certificate is still held to the name."""
        where, how = super().build_connection_pool_key_attributes(request, verify, cert)
        host, port, scheme = str(where["host"]), int(where["port"] or _PORTS[str(where["scheme"])]), where["scheme"]
        found = self._checked(host, port, str(scheme))
        named: Mapping[str, object] = {"server_hostname": host, "assert_hostname": host} if scheme == "https" else {}
        return {**where, "host": found}, {**how, **named}

    def _in_time(self, host: str) -> None:
        """What a connection says that was cut is no answer, whether or not it looks like one."""
        if self._deadline.is_over:
            raise TooSlow(f"{host} did not tell all within {self._deadline.limit_s:g} s")

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
