"""The REST API as a program calls it, without the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from tests.lab.wait import wait_until


@dataclass(frozen=True, slots=True)
class Api:
    """One caller at one app server; without a token nobody known."""

    url: str
    token: str = ""

    def get(self, path: str, **query: object) -> requests.Response:
        return self.call("GET", path, params=query)

    def post(self, path: str, body: object = None) -> requests.Response:
        return self.call("POST", path, json={} if body is None else body)

    def delete(self, path: str, **query: object) -> requests.Response:
        return self.call("DELETE", path, params=query)

    def call(self, method: str, path: str, **more: object) -> requests.Response:
        """`path` is below `/api/v1/`, or absolute with a slash at its beginning."""
        where = path if path.startswith("/") else f"/api/v1/{path}"
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no CA of the environment for our own server
            return session.request(method, self.url + where, headers=headers, timeout=60, **more)  # type: ignore[arg-type]

    def wait(self, operation: str, timeout_s: float = 60.0) -> dict[str, object]:
        """The operation once it is over."""
        last: dict[str, object] = {}

        def is_over() -> bool:
            last.update(self.get(f"operations/{operation}").json())
            return last.get("state") in ("done", "failed", "superseded")

        try:
            wait_until(is_over, f"operation {operation} is over", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {json.dumps(last)[:2000]}") from None
        return last

    @contextmanager
    def stream(self, path: str) -> Iterator[Iterator[str]]:
        """The lines of an event stream, as they come."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        with requests.Session() as session:
            session.trust_env = False
            with session.get(f"{self.url}/api/v1/{path}", headers=headers, stream=True, timeout=60) as answer:
                answer.raise_for_status()
                yield (line for line in answer.iter_lines(chunk_size=1, decode_unicode=True))
