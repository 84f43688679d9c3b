"""HTTPS to a board: JSON in, JSON out, bounded in size and time, never redirected and by no proxy."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from appserver.adapters.registry_deadline import Deadline
from appserver.core.bmc import Login
from appserver.errors import BmcError

PORT = 443
LIMIT = 1 << 20
LIMIT_S = 120.0
"""For all that is asked of a board in one go, where nobody says otherwise."""
_CONNECT_S, _READ_S = 5.0, 20.0


class NotTrusted(BmcError):
    """Its certificate is not what was to be expected."""


class NoAnswer(BmcError):
    """Nobody answers there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is {} where there was none."""

    status: int
    body: Mapping[str, Any]
    etag: str = ""


@dataclass(slots=True)
class Https:
    """Connections to one board. `secrets` are never repeated of what the board says."""

    login: Login
    secrets: set[str] = field(default_factory=set, repr=False)
    limit_s: float = LIMIT_S
    _deadline: Deadline = field(init=False, repr=False)
    _pool: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._deadline = Deadline(self.limit_s)
        self._pool = urllib3.HTTPSConnectionPool(
            self.login.address,
            self.login.port or PORT,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
            ssl_context=_context(self.login),
            assert_hostname=None if self.login.verify else False,
        )
        self._pool.ConnectionCls = self._deadline.watched(self._pool.ConnectionCls)

    def ask(
        self,
        method: str,
        path: str,
        who: tuple[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        etag: str = "",
    ) -> Answer:
        """
        Args:
            who: name and password.
        Raises:
            NotTrusted, NoAnswer, BmcError: also for what is too much, or no JSON.
        """
        headers = {"Accept": "application/json", "OData-Version": "4.0"}
        if who:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(who).encode()).decode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        if etag:
            headers["If-Match"] = etag
        try:
            answer = self._pool.request(
                method,
                _path(path),
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            text = answer.read(LIMIT + 1, decode_content=True)
            answer.drain_conn() if len(text) <= LIMIT else answer.close()
        except SSLError as error:
            raise NotTrusted(f"{self._name} cannot be trusted: {_inmost(error)}") from error
        except (HTTPError, OSError) as error:
            if self._deadline.is_over:
                raise BmcError(f"{self._name} did not tell all within {self.limit_s:g} s") from error
            raise NoAnswer(f"{self._name} does not answer by Redfish: {_inmost(error)}") from error
        if len(text) > LIMIT:
            raise BmcError(f"{self._name} sends more than {LIMIT} bytes")
        if 300 <= answer.status < 400:
            raise BmcError(f"{self._name} redirects to elsewhere, where its users' passwords do not go")
        return Answer(answer.status, self._json(text, answer.status), answer.headers.get("ETag", ""))

    def why(self, answer: Answer) -> str:
        """What the board says against a request, in one line and without the passwords it was sent."""
        error = answer.body.get("error")
        told = error.get("@Message.ExtendedInfo") if isinstance(error, Mapping) else None
        parts = [str(one.get("Message", "")) for one in told if isinstance(one, Mapping)] if told else []
        text = " ".join(filter(None, parts)) or str(error.get("message", "") if isinstance(error, Mapping) else "")
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
        return f"HTTP {answer.status}" + (f", {line}" if line else "")

    def close(self) -> None:
        self._pool.close()
        self._deadline.end()

    @property
    def _name(self) -> str:
        return f"{self.login.address}:{self.login.port or PORT}"

    def _json(self, text: bytes, status: int) -> Mapping[str, Any]:
        if not text.strip():
            return {}
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            if status >= 400:  # the status says enough
                return {}
            raise BmcError(f"{self._name} answers with what is no JSON") from error
        if not isinstance(found, dict):
            raise BmcError(f"{self._name} answers with JSON that is no object")
        return found


def _context(login: Login) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=login.ca or None)
    except ssl.SSLError as error:
        raise BmcError(f"the authority for {login.address} is no certificate in PEM") from error
    if not login.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _path(link: str) -> str:
    """Of a link, what may be asked of this board: a path of its own, whatever host it names."""
    path = urlsplit(link).path
    if not path.startswith("/") or not path.isascii() or not path.isprintable():
        raise BmcError("the board links to what is no path of its own")
    return path


def _inmost(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or (error.args[-1] if error.args else error)
    return _inmost(reason) if isinstance(reason, Exception) and reason is not error else " ".join(str(reason).split())
