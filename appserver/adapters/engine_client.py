"""The `docker` package's client, made so that it speaks what the engine speaks and lets go of what it opens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Lock
from typing import Any

import docker
import requests
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.errors import APIError, DockerException
from docker.transport import unixconn

from appserver.adapters.engine_state import printable
from appserver.errors import EngineError

_SOCKET = "unix://"


class Calls:
    """Connects at the first call, and again after the engine was away. Every call ends within its timeout."""

    def __init__(self, engine: str, timeout_s: float) -> None:
        """
        Args:
            engine: its URL, or the path of its socket.
        """
        self._url = engine if "://" in engine else f"{_SOCKET}{engine}"
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._connected: Any = None

    @contextmanager
    def __call__(self, what: str, timeout_s: float | None = None) -> Iterator[Any]:
        """The client, with the package's errors made ours. A longer timeout gets a client of its own.

        Raises:
            EngineError: it refused, or does not answer.
        """
        try:
            if timeout_s is None:
                yield self._api()
            else:
                with closing(connect(self._url, timeout_s)) as api:
                    yield api
        except APIError as error:
            raise EngineError(f"{what}: {printable(str(error.explanation or error))}") from error
        except (DockerException, requests.RequestException, OSError, ValueError) as error:
            self._reconnect()
            raise EngineError(f"{what}: the engine at {self._url} does not answer: {_short(error)}") from error

    def _api(self) -> Any:
        with self._lock:
            if self._connected is None:
                self._connected = connect(self._url, self._timeout_s)
            return self._connected

    def _reconnect(self) -> None:
        """At the next call: an engine that was away may speak another version when it is back."""
        with self._lock:
            self._connected = None


def connect(url: str, timeout_s: float) -> docker.APIClient:
    """A client of the newest API that both sides know. The engine is asked for it.

    Raises:
        DockerException, OSError, requests.RequestException: it does not answer.
    """
    asking = _client(url, MINIMUM_DOCKER_API_VERSION, timeout_s)  # asks for nothing that depends on it
    try:
        told = asking.version(api_version=False)
    finally:
        asking.close()
    if "ApiVersion" not in told:
        raise DockerException("it tells no API version")
    return _client(url, told["ApiVersion"], timeout_s)


def _client(url: str, version: str, timeout_s: float) -> docker.APIClient:
    made = docker.APIClient(base_url=url, version=version, timeout=timeout_s)  # type: ignore[arg-type]
    if url.startswith(_SOCKET):
        made.mount("http+docker://", _Adapter(url.removeprefix(_SOCKET), timeout_s))  # type: ignore[arg-type]
    return made


class _Adapter(unixconn.UnixHTTPAdapter):
    """With connections of ours."""

    def get_connection(self, url: Any, proxies: object = None) -> Any:
        with self.pools.lock:
            if (pool := self.pools.get(url)) is None:
                pool = self.pools[url] = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
            return pool


class _Pool(unixconn.UnixHTTPConnectionPool):
    def _new_conn(self) -> Any:
        return _Connection(self.base_url, self.socket_path, self.timeout)  # type: ignore[arg-type]


class _Connection(unixconn.UnixHTTPConnection):
    """The package's own leaves its socket open when nobody listens, once for every try while an engine is away."""

    def connect(self) -> None:
        with ExitStack() as undo:
            made = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            made.settimeout(self.timeout)
            made.connect(self.unix_socket)
            undo.pop_all()
        self.sock = made


def _short(error: BaseException) -> str:
    text = str(error)
    return text if len(text) < 300 else f"{text[:300]}…"
