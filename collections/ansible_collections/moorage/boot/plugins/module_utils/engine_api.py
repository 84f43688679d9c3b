"""The API of a Docker Engine at its socket, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any

ANSWER_S = 60


class Failed(Exception):
    """The engine refused, or did not come to what was waited for; the text says what was said."""


class Away(Failed):
    """No engine answers."""


class Api:
    """Of the engine at a socket's path."""

    def __init__(self, path: str) -> None:
        self._path = path

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the engine answers to one request, as JSON says it.

        Raises:
            Away: no engine answers.
            Failed: it refused; the text is its own, which repeats no token.
        """
        connection = _Connection(self._path)
        try:
            given = None if body is None else json.dumps(body)
            connection.request(method, path, given, {"Content-Type": "application/json"} if given else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Away(f"no Docker Engine answers at {self._path}: {error!r}") from error
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise Failed(f"the engine refused: {_message(text)}")
        return json.loads(text) if text.strip() else None


class _Connection(http.client.HTTPConnection):
    """To the socket at a path."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()[-1000:]
