"""Updates of boot servers: what cannot be is refused at each door with a reason, is on record, and changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appserver.core.access import Role
from appserver.core.release import Kept, Release, ReleaseStep
from appserver.core.rollout_record import Request
from appserver.store import releases, rollout
from appserver.store.codec import encode
from tests.bad_input.doors import Doors, is_refusal, record
from tests.lab.served import Site

V1, V2 = "2026.11.01-1", "2026.11.02-2"
VERSIONS: dict[str, Any] = {
    "no version": "latest",
    "nobody's": "2026.12.01-1",
    "a path": "../../etc/passwd",
    "an option": "--help",
    "a day that is none": "2026.02.30-1",
    "a number without end": f"2026.11.01-{'9' * 400}",
    "a line more": f"{V1}\nx",
    "a null": f"{V1}\x00",
    "huge": "x" * 100_000,
    "a number": 20261101,
    "a list": [V1],
    "null": None,
    "a script": "<script>alert(1)</script>",
}
BODIES: dict[str, Any] = {
    "a list": [],
    "a text": "x",
    "null": None,
    "a field that is none": {"version": V1, "servers": [0]},
    "older is a word": {"version": V1, "older": "yes"},
    "older is a number": {"version": V1, "older": 1},
}
REASONS: dict[str, Any] = {"huge": "x" * 100_000, "a number": 1, "a list": [], "null": None}
VERBS = ("stop", "recover", "retry", "undo")


@pytest.fixture
def doors(site: Site, tmp_path: Path) -> Doors:
    """An administrator, logged in; the first release is in force, a second is kept."""
    for version in (V1, V2):
        kept = Kept(Release(version, (ReleaseStep("a", "a.yml"),)), "here", f"release-{version}", "c" * 40)
        site.services.kv.commit({}, {releases.release(version): encode(kept)})
    site.services.kv.commit({}, {rollout.RELEASE: V1, f"{rollout.SERVERS}0": ""})
    made = Doors(site, tmp_path, "admin")
    made.post("/theme", {})
    return made


def refusals(site: Site) -> list[str]:
    """What was refused, of the audit."""
    entries = [json.loads(item.value) for item in site.services.kv.snapshot("audit/").items.values()]
    return [entry["action"] for entry in entries if entry["result"] == "refused"]


@pytest.mark.parametrize("body", [{"version": one} for one in VERSIONS.values()], ids=VERSIONS.keys())
def test_no_bad_version_is_asked_for(site: Site, doors: Doors, body: dict[str, Any]) -> None:
    """By the API, the page, and the command line."""
    before = record(site.services.kv)
    answer = site.api("POST", "/updates/request", doors.token, json=body)
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert len(answer.text) < 3000
    if isinstance(version := body["version"], str):
        assert site.api("GET", "/updates/plan", doors.token, params=body).status_code in (404, 414, 422)
        assert is_refusal(doors.post("/updates/new", body))
        assert "\x00" in version or is_refusal(doors.run("update", "request", "--", version))
    assert record(site.services.kv) == before
    assert refusals(site)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_is_what_it_is_said_to_be(site: Site, doors: Doors, body: Any) -> None:
    """Nothing is guessed at."""
    before = record(site.services.kv)
    sent = {"data": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    answer = site.api("POST", "/updates/request", doors.token, **sent)
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert record(site.services.kv) == before


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_a_reason_is_a_text_of_bounded_length(site: Site, doors: Doors, reason: Any) -> None:
    """The form of the page cuts it instead."""
    site.services.kv.commit({}, {rollout.REQUEST: encode(Request(V1, (0,), False, datetime.now(UTC)))})
    before = record(site.services.kv)
    answer = site.api("POST", "/updates/stop", doors.token, json={"reason": reason})
    assert answer.status_code == 422
    assert record(site.services.kv) == before


@pytest.mark.parametrize("verb", VERBS)
def test_while_nothing_is_asked_for_nothing_is_stopped(site: Site, doors: Doors, verb: str) -> None:
    """404 by each door, a reason, an entry in the audit."""
    before = record(site.services.kv)
    answer = site.api("POST", f"/updates/{verb}", doors.token, json={})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "not found: no update is asked for"
    assert doors.post(f"/updates/do/{verb}", {}).status == 404
    assert is_refusal(doors.run("update", verb, *(["--yes"] if verb == "undo" else [])))
    assert record(site.services.kv) == before
    assert refusals(site).count(verb) == 3


@pytest.mark.parametrize("verb", VERBS[1:])
def test_what_is_not_stopped_is_not_gone_on_with(site: Site, doors: Doors, verb: str) -> None:
    """409, with Neco's words."""
    site.services.kv.commit({}, {rollout.REQUEST: encode(Request(V1, (0,), False, datetime.now(UTC)))})
    before = record(site.services.kv)
    answer = site.api("POST", f"/updates/{verb}", doors.token, json={})
    assert (answer.status_code, answer.json()["detail"]) == (409, "not stopped")
    assert record(site.services.kv) == before


@pytest.mark.parametrize("path", ["99", "0", "-1", "x", "99999999999999999999999", "1%00", "..%2fstatus", "1.5"])
def test_an_update_that_is_none_is_not_found(site: Site, doors: Doors, path: str) -> None:
    """By whatever number."""
    answer = site.api("GET", f"/updates/{path}", doors.token)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=99999999999", f"after={'9' * 300}"])
def test_a_page_of_the_history_has_bounds(site: Site, doors: Doors, query: str) -> None:
    """As every list has."""
    assert site.api("GET", f"/updates?{query}", doors.token).status_code == 422


@pytest.mark.parametrize("path", ["/updates/new", *(f"/updates/do/{verb}" for verb in VERBS)])
def test_another_site_presses_no_button(site: Site, doors: Doors, path: str) -> None:
    """A form without its token is refused, and that is on record."""
    before = record(site.services.kv)
    browser, _ = doors._logged_in()
    answer = browser.post(f"{site.url}{path}", data={"version": V2}, timeout=10)
    assert answer.status_code == 403
    assert record(site.services.kv) == before


@pytest.mark.parametrize(("role", "free"), [("viewer", ()), ("operator", ("stop", "recover", "retry"))])
def test_each_role_does_what_it_may(site: Site, doors: Doors, role: Role, free: tuple[str, ...]) -> None:
    """A viewer sees, an operator stops and goes on, an administrator takes back; by whatever door."""
    token = site.token("vic", role)
    for path in ("updates", "updates/plan", "updates/status"):
        assert site.api("GET", f"/{path}", token).status_code == 200
    before = record(site.services.kv)
    for verb in VERBS:
        status = site.api("POST", f"/updates/{verb}", token, json={}).status_code
        assert status == (404 if verb in free else 403), verb
    assert site.api("POST", "/updates/request", token, json={"version": V1, "older": True}).status_code == 403
    if role == "viewer":
        assert site.api("POST", "/updates/request", token, json={"version": V2}).status_code == 403
    assert record(site.services.kv) == before
    assert refusals(site)


@pytest.mark.parametrize("path", ["updates", "updates/plan", "updates/status", "updates/1"])
def test_nobody_unknown_looks(site: Site, path: str) -> None:
    """401, without a word of what there is."""
    answer = site.api("GET", f"/{path}")
    assert answer.status_code == 401
    assert "2026" not in answer.text
