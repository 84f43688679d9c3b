"""The REST API over plain `http.client`: it starts in a fifth of the time that a larger library takes to be imported.

No proxy is ever asked: an app server is in one's own network. Every request has a connection of its own, since a
server closes those that wait while a person reads a plan.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from appserver.cli.problems import Refused, ServerFailed, Unreachable, from_response
from appserver.cli.profile import Profile
from appserver.cli.sse import Event, parse
from appserver.errors import Invalid

API = "/api/v1"
PAGE = 200
STREAM_TIMEOUT_S = 45.0
"""A stream that brings nothing for so long is dead: the server gives a sign every 15 s."""
LONGEST_LINE = 1 << 20


class Client:
    """One caller at one server."""

    def __init__(self, profile: Profile, timeout_s: float = 60.0) -> None:
        """
        Raises:
            Invalid: the profile's server is not an http or https URL, or holds a password.
        """
        self._profile = profile
        self._timeout_s = timeout_s
        self._secure, self._host, self._port, self._base = _parts(profile.server)

    @property
    def server(self) -> str:
        return self._profile.server.rstrip("/")

    def get(self, *path: str, **query: object) -> Any:
        """What the API holds at `path`; each part of it is quoted, so that a name never reaches into another path."""
        return self.call("GET", *path, query=query)

    def post(self, *path: str, body: object = None) -> Any:
        return self.call("POST", *path, body={} if body is None else body)

    def tagged(self, *path: str) -> tuple[Any, str]:
        """The same with its ETag, for `put`; (None, "") where there is nothing yet."""
        try:
            with self._asked("GET", _url(path, {}), None) as response:
                return self._read(response), response.getheader("ETag") or ""
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None, ""

    def put(self, *path: str, body: object, tag: str | None = None) -> Any:
        """
        Args:
            tag: what it was decided on, as `tagged` gave it: refused where that is not the newest. None: whatever is.
        """
        decided_on = {} if tag is None else {"If-Match": tag} if tag else {"If-None-Match": "*"}
        return self.call("PUT", *path, body=body, headers=decided_on)

    def delete(self, *path: str, **query: object) -> Any:
        return self.call("DELETE", *path, query=query)

    def call(
        self,
        method: str,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request, and the JSON of its answer; None where the answer has no body.

        Raises:
            Refused, ServerFailed, Unreachable
        """
        with self._asked(method, _url(path, query or {}), body, headers) as response:
            return self._read(response)

    def _read(self, response: HTTPResponse) -> Any:
        kind, raw = response.getheader("Content-Type") or "something", response.read()
        try:
            return json.loads(raw) if raw else None
        except ValueError as error:
            raise ServerFailed(f"{self.server} answered with {kind}, not with JSON: is Moorage there?") from error

    def items(self, *path: str, limit: int = 0, **query: object) -> list[dict[str, Any]]:
        """A list, page after page. `limit` 0: all of it."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.get(*path, **query, limit=min(PAGE, limit - len(found)) if limit else PAGE, after=after)
            found += page["items"]
            after = page.get("next") or ""
            if not after or (limit and len(found) >= limit):
                return found

    def lines(self, *path: str, **query: object) -> Iterator[str]:
        """Plain text, line by line, for as long as the server sends."""
        with self._asked("GET", _url(path, query), None, {"Accept": "text/plain"}, STREAM_TIMEOUT_S) as response:
            yield from _lines(response)

    def events(self, *path: str, after: str = "", **query: object) -> Iterator[Event | None]:
        """A stream of events from the one after `after`; None is the server's sign that it is there.

        Raises:
            Unreachable: also when the stream breaks off, for the caller to take it up again.
        """
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        with self._asked("GET", _url(path, query), None, headers, STREAM_TIMEOUT_S) as response:
            yield from parse(_lines(response), after)

    def download(self, *path: str) -> bytes:
        with self._asked("GET", _url(path, {}), None) as response:
            return response.read()

    def probe(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a path outside the API, whatever the status."""
        with self._sent("GET", path, None, {}, self._timeout_s) as response:
            return response.status, dict(response.getheaders()), response.read()

    @contextmanager
    def _asked(
        self, method: str, url: str, body: object, headers: Mapping[str, str] | None = None, timeout_s: float = 0
    ) -> Iterator[HTTPResponse]:
        with self._sent(method, API + url, body, headers or {}, timeout_s or self._timeout_s) as response:
            if response.status >= 300:
                kind = response.getheader("Content-Type") or ""
                raise from_response(response.status, kind, response.read())
            yield response

    @contextmanager
    def _sent(
        self, method: str, url: str, body: object, headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[HTTPResponse]:
        """One exchange; whatever the network does to it becomes one sentence with a way on."""
        sent = {"Accept": "application/json", "User-Agent": "moorage-cli", "Connection": "close", **headers}
        if self._profile.token:
            sent["Authorization"] = f"Bearer {self._profile.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection = self._connection(timeout_s)
        try:
            connection.request(method, self._base + url, None if body is None else json.dumps(body).encode(), sent)
            yield connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            hint = "give its CA certificate: `moorage login --ca FILE`"
            raise Unreachable(
                f"{self.server}: its certificate is not trusted ({error.verify_message}); {hint}"
            ) from error
        except ConnectionRefusedError as error:
            raise Unreachable(f"nothing listens at {self.server}: is `moorage serve` running there?", True) from error
        except TimeoutError as error:
            raise Unreachable(f"{self.server} did not answer in {timeout_s:.0f} s") from error
        except socket.gaierror as error:
            raise Unreachable(f"{self.server}: its host is not known ({error.strerror})") from error
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{self.server} broke off: {error or type(error).__name__}") from error
        finally:
            connection.close()

    def _connection(self, timeout_s: float) -> HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        trust = _trust(self._profile.ca)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=trust)


def _lines(response: HTTPResponse) -> Iterator[str]:
    while raw := response.readline(LONGEST_LINE):
        yield raw.decode("utf-8", "replace").rstrip("\r\n")


def _parts(server: str) -> tuple[bool, str, int, str]:
    """Secure or not, host, port and path of a server's URL."""
    told = urlsplit(server)
    try:
        port = told.port
    except ValueError as error:
        raise Invalid("server", f"{server!r} has no proper port") from error
    if told.scheme not in ("http", "https") or not told.hostname or told.query or told.fragment:
        raise Invalid("server", f"{server!r} is not a URL as `http://HOST:8080`")
    if told.username or told.password:
        raise Invalid("server", "write no name and password into the URL; `moorage login` asks for them")
    secure = told.scheme == "https"
    return secure, told.hostname, port or (443 if secure else 80), told.path.rstrip("/")


def _trust(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise Invalid(ca, f"is not a readable CA certificate: {error.strerror or error}") from error


def _url(path: tuple[str, ...], query: Mapping[str, object]) -> str:
    """`/a/b?x=1`. Values that are empty are left out; a list is repeated."""
    told = {
        name: ("true" if value is True else value)
        for name, value in query.items()
        if value is not None and value is not False and value != ""
    }
    tail = f"?{urlencode(told, doseq=True)}" if told else ""
    return "".join(f"/{quote(part, safe='')}" for part in path) + tail
