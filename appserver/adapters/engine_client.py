"""The `docker` package's client, made so that it speaks what the engine speaks and lets go of what it opens."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

import docker
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.errors import DockerException
from docker.transport import unixconn

_SOCKET = "unix://"


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
