"""B10, webhooks: nothing but a fresh, rightly signed delivery about the tracked branch makes us look."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from appserver.core.sources import SourceRequest
from tests.lab.pushing import House

SECRET = "a secret of sixteen or more"
GOOD = json.dumps({"ref": "refs/heads/main", "after": "a" * 40}).encode()


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An app server with the remote source `team`, which nobody looks at."""
    found = House(tmp_path / "state")
    url = "https://git.example.com/team.git"
    found.sources.put(found.root, SourceRequest("team", "remote", url, webhook_secret=SECRET))
    found.hosted()
    try:
        yield found
    finally:
        found.close()


def asked(house: House) -> int:
    return house.records.get("team").state.asked


def deliver(
    house: House, body: bytes, signature: str | None = None, name: str = "team", headers: dict[str, str] | None = None
) -> requests.Response:
    sent = {"Content-Type": "application/json", **(headers or {})}
    if signature is not None:
        sent["X-Hub-Signature-256"] = signature
    session = requests.Session()
    session.trust_env = False
    return session.post(f"{house.url}/hooks/{name}", data=body, headers=sent, timeout=20)


@pytest.mark.parametrize(
    "signature",
    [
        *(None, "", "sha256=", "sha256=abc", signed(GOOD)[:-2], signed(GOOD, "another secret 123")),
        *(signed(GOOD).upper(), "sha1=" + "0" * 40, signed(b"")),
    ],
)
def test_an_unproven_delivery_is_refused(house: House, signature: str | None) -> None:
    """No, short or wrong HMAC: 401, nothing asked for, on the audit."""
    before = asked(house)
    answer = deliver(house, GOOD, signature)
    assert answer.status_code == 401
    assert SECRET not in answer.text
    assert asked(house) == before
    assert house.audited("webhook") == [("webhook:team", "refused")]


@pytest.mark.parametrize("name", ["nobody", "config", "%2e%2e", "a" * 300, "TEAM"])
def test_which_sources_there_are_is_not_told(house: House, name: str) -> None:
    """Unknown, hosted and impossible names answer as a wrong signature does."""
    answer = deliver(house, GOOD, signed(GOOD), name)
    assert answer.status_code in (401, 404)
    if answer.status_code == 401:
        assert answer.json()["detail"] == deliver(house, GOOD, "x").json()["detail"]


def test_a_replay_is_refused_whatever_its_headers_say(house: House) -> None:
    """The signature covers the body alone, so the body is what is remembered."""
    assert deliver(house, GOOD, signed(GOOD), headers={"X-GitHub-Delivery": "1"}).status_code == 202
    before = asked(house)
    again = deliver(house, GOOD, signed(GOOD), headers={"X-GitHub-Delivery": "2"})
    assert again.status_code == 409
    assert asked(house) == before


def test_another_branch_is_taken_and_ignored(house: House) -> None:
    """The forge is told all is well; nothing is looked at."""
    body = json.dumps({"ref": "refs/heads/topic"}).encode()
    before = asked(house)
    answer = deliver(house, body, signed(body))
    assert (answer.status_code, answer.json()) == (202, {"done": "ignored: another branch"})
    assert asked(house) == before


@pytest.mark.parametrize("body", [b"ref=refs/heads/main", b"[1]", b"\xff\xfe", b"[" * 50_000, b""])
def test_a_body_that_is_not_json_is_refused(house: House, body: bytes) -> None:
    """Even signed."""
    before = asked(house)
    assert deliver(house, body, signed(body)).status_code == 422
    assert asked(house) == before


@pytest.mark.parametrize("chunked", [False, True])
def test_ten_megabytes_are_refused(house: House, chunked: bool) -> None:
    """Before they are read, or while: with its length told, and without."""
    body = b'{"x": "' + b"a" * (10 << 20) + b'"}'
    session = requests.Session()
    session.trust_env = False
    headers = {"X-Hub-Signature-256": signed(body), "Content-Type": "application/json"}
    try:
        data = iter([body[:100_000] for _ in range(100)]) if chunked else body
        answer = session.post(f"{house.url}/hooks/team", data=data, headers=headers, timeout=20)  # type: ignore[arg-type]
        assert answer.status_code == 413
    except requests.ConnectionError:
        pass  # cut off in the middle: refused as well
    assert house.audited("webhook") == []


def test_a_flood_is_slowed_and_the_server_lives(house: House) -> None:
    """A thousand at once: most are told to wait, none becomes a look of its own, and the next page is served."""
    bodies = [json.dumps({"ref": "refs/heads/main", "n": n}).encode() for n in range(300)]
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda body: deliver(house, body, signed(body)).status_code, bodies))
    assert set(codes) == {202, 429}
    assert codes.count(202) < 100
    assert len(house.audited("webhook")) == codes.count(202)
    assert requests.get(f"{house.url}/git/config.git/info/refs?service=git-upload-pack", timeout=10).status_code == 401


def test_names_that_nobody_has_are_no_way_around_the_limit(house: House) -> None:
    """Each refusal is on the audit, which keeps so many entries: whoever makes names up could flush it."""
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda n: deliver(house, GOOD, "x", f"made-up-{n}").status_code, range(200)))
    assert set(codes) == {401, 429}
    assert len(house.audited("webhook")) == codes.count(401) < 150


def test_headers_of_a_proxy_nobody_trusts_change_nothing(house: House) -> None:
    """Whoever floods cannot be somebody new with each request."""
    bodies = [json.dumps({"n": n}).encode() for n in range(60)]
    codes = [
        deliver(
            house, body, signed(body), headers={"X-Forwarded-For": f"198.51.100.{n}", "X-Real-IP": f"198.51.100.{n}"}
        ).status_code
        for n, body in enumerate(bodies)
    ]
    assert 429 in codes


def test_other_methods_are_not_spoken(house: House) -> None:
    """A hook is posted to."""
    assert requests.get(f"{house.url}/hooks/team", timeout=10).status_code == 405
