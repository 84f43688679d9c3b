"""Requests that no client of ours would make: each is refused with a reason, none is a 500."""

from __future__ import annotations

import json
import re
import socket
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from appserver.adapters.memory import MemoryKV
from appserver.web import shapes
from tests.lab.served import API, Site, serving

DEEP = "[" * 100_000 + "]" * 100_000
BODIES = {
    "not JSON": b"{",
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "too deep": b'{"name":' + DEEP.encode() + b"}",
    "not UTF-8": b'{"name":"\xff\xfe"}',
    "half a pair": rb'{"name":"\ud800"}',
    "NaN": b'{"name":"shop","cpus":NaN}',
    "a huge number": b'{"name":' + b"9" * 5000 + b"}",
    "twice the same key": b'{"name":"a","name":"b"}',
    "nothing of use": b"\x00" * 100,
    "a byte order mark": "\ufeff{}".encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_broken_body_is_refused(site: Site, body: bytes):
    """4xx and problem+json, for routes that read it and routes that do not."""
    token = site.token()
    for path in ("/applications", "/applications/plan", "/tokens", "/config/lint", "/login"):
        answer = site.api("POST", path, token, data=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 401, 422), (path, answer.status_code, answer.text[:200])
        assert answer.headers["Content-Type"] == "application/problem+json"
        shapes.Problem.model_validate_json(answer.content)


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""],
)
def test_what_is_not_json_is_refused(site: Site, kind: str):
    """415, so that no form of another site can be made to look like a call."""
    headers = {"Content-Type": kind} if kind else {}
    token = site.token()
    assert site.api("POST", "/tokens", token, data=b'{"title":"x"}', headers=headers).status_code == 415
    assert len(site.api("GET", "/tokens", token).json()["items"]) == 1


def test_too_large_a_body_is_refused_unread(site: Site):
    """413, by its length alone."""
    big = json.dumps({"name": "shop", "compose": "x" * (9 << 20)})
    assert site.api("POST", "/applications", site.token(), data=big, headers=_JSON).status_code == 413


def test_a_method_that_a_route_does_not_have_is_named(site: Site):
    """405 with what it does have."""
    answer = site.api("PUT", "/applications", site.token(), json={})
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/applications/default/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /static/../app.py HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /static/%2e%2e/app.py HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /static/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/me HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET /login HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\r\n",
    ],
)
def test_odd_requests_on_the_wire(site: Site, raw: bytes):
    """Paths that climb, lengths that are none, hosts of others: never a 500, never a file, never their host in ours."""
    with socket.create_connection(("127.0.0.1", int(site.url.rpartition(":")[2])), 10) as wire:
        wire.sendall(raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    status = int(answer.split(b" ", 2)[1])
    assert status < 500
    assert b"create_app" not in answer
    assert b"root:" not in answer
    assert b"evil.example" not in answer.partition(b"\r\n\r\n")[0]


def test_whence_a_request_came_cannot_be_made_up(site: Site):
    """Without a proxy that is trusted, X-Forwarded-For is nobody's word: the audit has the real address."""
    token = site.token()
    site.api("POST", "/tokens", token, json={"title": "x"}, headers={"X-Forwarded-For": "203.0.113.9"})
    (newest, *_) = site.api("GET", "/audit", token).json()["items"]
    assert newest["address"] == "127.0.0.1"


_JSON = {"Content-Type": "application/json"}
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "..", "default", "shop", "web", "../x", "\x00", "a" * 400, "mrg_x", "1", "0", "-1", "null", "%"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def _known(schema: Any, schemas: Any) -> st.SearchStrategy[Any]:
    """Values that nearly fit a schema of the document: the right names, now and then the wrong kind."""
    schema = schemas.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    properties = {name: _one(kind, schemas) for name, kind in schema.get("properties", {}).items()}
    needed = {name: properties.pop(name) for name in schema.get("required", ()) if name in properties}
    return st.one_of(st.fixed_dictionaries(needed, optional=properties), st.dictionaries(TEXTS, VALUES, max_size=3))


def _one(schema: Any, schemas: Any) -> st.SearchStrategy[Any]:
    kinds = {"string": TEXTS, "integer": st.integers(), "boolean": st.booleans()}
    if "enum" in schema:
        return st.one_of(st.sampled_from(schema["enum"]), TEXTS)
    if schema.get("type") == "array":
        return st.lists(_one(schema.get("items", {}), schemas), max_size=3)
    if schema.get("type") == "object":
        return st.dictionaries(TEXTS, VALUES, max_size=3)
    return st.one_of(kinds.get(schema.get("type", ""), VALUES), VALUES)


@pytest.mark.slow
def test_nothing_that_the_document_allows_is_a_fault_of_ours(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    """Every operation of the OpenAPI document, with parameters and bodies that nearly fit: never a 5xx."""
    monkeypatch.setattr("appserver.web.app.WRITES_PER_ADDRESS", "1000000/minute")
    monkeypatch.setattr("appserver.web.app.LOGINS_PER_ADDRESS", "1000000/minute")
    with serving(MemoryKV(), tmp_path) as site:
        site.node()
        token = site.token()
        document = site.api("GET", "/openapi.json").json()
        schemas = document["components"]["schemas"]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if path.endswith(("/operations/{operation}/events", "/sync")):
                    continue
                _try(site, token, path.removeprefix(API), method, operation, schemas)


def _try(site: Site, token: str, path: str, method: str, operation: Any, schemas: Any) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = _known(content["schema"], schemas) if content else st.none()
    queries = [p["name"] for p in operation["parameters"] if p["in"] == "query"]
    query = st.fixed_dictionaries({}, optional=dict.fromkeys(queries, TEXTS))

    @settings(
        max_examples=25,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(st.lists(TEXTS.filter(bool), min_size=4, max_size=4), body, query)
    def ask(parts: list[str], sent: Any, asked: dict[str, str]) -> None:
        given_parts = iter(parts)
        where = re.sub(r"\{\w+\}", lambda _: quote(next(given_parts).encode("utf-8", "replace"), safe=""), path)
        asked = {name: value.encode("utf-8", "replace").decode() for name, value in asked.items()}
        data = None if sent is None else json.dumps(sent).encode()
        answer = site.api(method.upper(), where, token, data=data, params=asked, headers=_JSON if data else {})
        assert answer.status_code < 500, (method, where, sent, asked, answer.text)

    ask()
