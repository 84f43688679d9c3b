"""Notices by HTTP: one POST, nothing followed, to an address that was checked; by the site's proxy where it has one."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from socket import socket
from typing import Any
from urllib.parse import SplitResult, unquote

from urllib3 import make_headers
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from appserver.adapters.notice_try import tried
from appserver.adapters.outgoing import Resolve, connect, resolved
from appserver.adapters.registry_deadline import Deadline
from appserver.core.addresses import PORTS, Outgoing, endpoint, split_url
from appserver.core.channels import PROXY, proxy_rule
from appserver.core.sendings import DAY_S, Result
from appserver.ports.notices import Post

LIMIT_S = 10.0
"""For all of one POST, from the connection to the end of the answer."""
_SAID = 1024
"""Bytes of an answer that are looked at."""
_WORD = re.compile(r"[a-z]+(_[a-z]+){1,5}")
"""Slack says why in such a word: `channel_is_archived`."""
_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class HttpPosts:
    """See `ports.notices.Posts`. Certificates are held to the system's authorities."""

    def __init__(self, rule: Outgoing, resolve: Resolve = resolved, limit_s: float = LIMIT_S) -> None:
        self._rule = rule
        self._resolve = resolve
        self._limit_s = limit_s

    def post(self, what: Post, ready: Callable[[], None]) -> Result:
        """See `ports.notices.Posts`."""
        unreached = "not reached by the proxy" if what.proxy else "not reached"
        return tried(partial(self._posted, what), ready, self._limit_s, (OSError, HTTPError), _why, unreached)

    def _posted(self, what: Post, deadline: Deadline, ready: Callable[[], None]) -> Result:
        parts = split_url(what.url, what.where, ("http", "https"))
        leads = endpoint(parts, what.where, self._rule)
        proxy = split_url(what.proxy, PROXY, ("http", "https")) if what.proxy else None
        with closing(self._connection(parts, leads.port, what.where, proxy, deadline)) as connection:
            connection.connect()
            ready()
            headers = {**what.headers, "Host": parts.netloc.rpartition("@")[2]}
            target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
            if proxy and parts.scheme == "http":
                target = parts._replace(fragment="").geturl()
                headers |= _credentials(proxy)
            connection.request("POST", target, body=what.body, headers=headers, preload_content=False)
            answer = connection.getresponse()
            said = answer.read(_SAID)
        return _result(answer.status, answer.headers, said.decode("latin-1"), what.url)

    def _connection(
        self, parts: SplitResult, port: int, where: str, proxy: SplitResult | None, deadline: Deadline
    ) -> HTTPConnection:
        """Not connected yet."""
        host = parts.hostname or ""
        if proxy is None:
            made = _checked(parts.scheme, where, self._rule, self._resolve, deadline)
            return made(host, port, timeout=self._limit_s)
        made = _checked(
            "https" if parts.scheme == "https" or proxy.scheme == "https" else "http",
            PROXY,
            proxy_rule(self._rule),
            self._resolve,
            deadline,
        )
        where_it_is = (proxy.hostname or "", proxy.port or PORTS[proxy.scheme])
        if parts.scheme == "http":
            return made(*where_it_is, timeout=self._limit_s)
        config = ProxyConfig(ssl.create_default_context(), False, None, None)
        bare = parse_url(f"{proxy.scheme}://{where_it_is[0]}:{where_it_is[1]}")
        tunnel = made(*where_it_is, timeout=self._limit_s, proxy=bare, proxy_config=config)
        tunnel.set_tunnel(host, port, _credentials(proxy), proxy.scheme)
        return tunnel


def _checked(
    scheme: str, where: str, rule: Outgoing, resolve: Resolve, deadline: Deadline
) -> Callable[..., HTTPConnection]:
    """Makes connections that go to checked addresses alone, and end with the deadline."""
    base: Any = HTTPSConnection if scheme == "https" else HTTPConnection

    class Checked(base):  # type: ignore[misc]  # either of the package's two classes
        def _new_conn(self) -> socket:
            made = connect(self.host, self.port, where, rule, resolve)
            deadline.hold(made)
            return made

    if scheme == "https":
        return lambda *args, **named: Checked(*args, ssl_context=ssl.create_default_context(), **named)
    return Checked


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return make_headers(proxy_basic_auth=f"{unquote(proxy.username)}:{unquote(proxy.password or '')}")


def _result(status: int, headers: Any, said: str, url: str) -> Result:
    if 200 <= status < 300:
        return Result("sent")
    word = said.strip()
    told = f"answered {status}" + (f" {word}" if _WORD.fullmatch(word) and word not in url else "")
    if 300 <= status < 400:
        return Result("refused", f"{told}: sends us elsewhere, which is not followed")
    if status in _AGAIN or status >= 500:
        return Result("again", told, _retry_after(headers.get("Retry-After", "")))
    return Result("refused", told)


def _retry_after(text: str) -> float:
    """Seconds, or a date; a day at most; 0 where it is neither."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(min(int(text), DAY_S))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), DAY_S)


def _why(error: Exception) -> str:
    """In words without the URL: what the package says of it names host and path."""
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not to be trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS: {cause.reason or 'broken off'}"
        if isinstance(cause, TimeoutError):
            return "too slow"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed"):
            return str(cause)[:80]
    return type(error).__name__
