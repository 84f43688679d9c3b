"""B13: knowing the name or id of a thing gives no right to it, for any role, at any route."""

from __future__ import annotations

import re
from typing import Any

import pytest

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.placement.values import Image
from appserver.core.plays import PlayRequest
from appserver.services.placements import PlacementRequest
from appserver.store import keys
from appserver.web.app import create_app
from tests.lab.served import API, Site

COMPOSE = "services:\n  web:\n    image: bb:1\n    environment:\n      DB_PASSWORD: hunter-two\n"
VALUES = {
    "cluster": "default", "name": "shop", "number": "1", "operation": "", "token": "", "lrn": "0", "other": "1",
    "version": "2026.11.22-1",
}  # fmt: skip

BODIES: dict[str, dict[str, Any]] = {
    "POST /applications": {"name": "shop", "compose": COMPOSE.replace("bb:1", "bb:2")},
    "POST /applications/plan": {"name": "shop", "compose": COMPOSE},
    "POST /applications/import": {"node": "n1", "project": "old", "name": "old"},
    "POST /applications/<cluster>/<name>/rollback": {"revision": 1},
    "POST /applications/<cluster>/<name>/scale": {"service": "web", "replicas": 2},
    "POST /applications/<cluster>/<name>/move": {"to": "elsewhere"},
    "POST /config/lint": {"files": {}},
    "POST /config/explain": {"image": "bb:1"},
    "POST /users": {"name": "eve", "role": "admin"},
    "PATCH /users/<name>": {"role": "viewer"},
    "POST /sources": {"name": "mine"},
    "POST /tokens": {"title": "mine"},
    "POST /me/password": {"current": "wrong one here", "password": "another one, quite long"},
    "POST /placements": {"image": "bb:1", "container_name": "mine"},
    "POST /plays": {"playbook": "hello.yml"},
    "POST /nodes/<name>/drain": {"dry_run": True},
    "POST /bootservers/<int:lrn>/power": {"action": "off"},
    "PUT /start-up": {"mode": "new"},
    "PUT /config/<path:key>": {"value": "x"},
    "POST /login": {"username": "ann", "password": "wrong one here"},
}

VIEWER_MAY = {
    "GET /me", "GET /applications", "GET /applications/<cluster>/<name>", "POST /applications/plan",
    "GET /applications/<cluster>/<name>/explain", "GET /applications/<cluster>/<name>/revisions",
    "GET /applications/<cluster>/<name>/revisions/<int:number>", "GET /applications/<cluster>/<name>/drift",
    "GET /applications/<cluster>/<name>/logs", "GET /operations/<operation>", "GET /nodes", "GET /nodes/<name>",
    "GET /clusters", "GET /clusters/<name>", "GET /sources", "GET /sources/<name>", "GET /events", "GET /users",
    "GET /tokens", "POST /tokens", "POST /config/lint", "POST /config/explain", "GET /openapi.json",
    "GET /bootservers", "GET /bootservers/<int:lrn>", "GET /bootservers/<int:lrn>/differences/<int:other>",
    "GET /installed", "GET /start-up", "GET /config", "GET /placements", "GET /placements/<cluster>/<name>",
    "GET /nodes/<name>/metrics", "GET /applications/<cluster>/<name>/metrics", "GET /routes",
    "GET /releases", "GET /updates", "GET /updates/plan", "GET /updates/status", "GET /notices",
    "GET /applications/<cluster>/<name>/usage", "GET /images/usage",
}  # fmt: skip
OPERATOR_MAY = VIEWER_MAY | {
    "POST /applications", "POST /applications/<cluster>/<name>/rollback", "POST /applications/<cluster>/<name>/start",
    "POST /applications/<cluster>/<name>/stop", "POST /applications/<cluster>/<name>/restart",
    "POST /applications/<cluster>/<name>/scale", "DELETE /applications/<cluster>/<name>",
    "POST /applications/<cluster>/<name>/move",
    "GET /applications/<cluster>/<name>/export", "GET /nodes/<name>/projects", "POST /placements",
    "DELETE /placements/<cluster>/<name>", "POST /nodes/<name>/cordon", "POST /nodes/<name>/drain",
    "POST /nodes/<name>/undrain",
    "GET /playbooks", "GET /inventory", "GET /plays", "GET /plays/<int:number>", "GET /plays/<int:number>/output",
}  # fmt: skip
WAITING = {"GET /operations/<operation>/events", "POST /sources/<name>/sync", "POST /releases/check"}
"""Answered when something else has happened; who may not is told at once, below."""
OWN = {"POST /login", "POST /me/password"}
"""What everybody may try for themselves, and is refused for another reason: the password is wrong."""


@pytest.fixture
def theirs(site: Site) -> dict[str, str]:
    """Ann's application, operation, placement, token and play, and two boot servers: by what routes call them."""
    site.node()
    site.services.plays.start(Caller("ann", "admin"), PlayRequest("hello.yml"))
    assert site.services.kv.commit({}, {keys.bootserver(0): "", keys.bootserver(1): ""})
    ann = site.token("ann")
    site.services.placements(Caller("ann", "admin"), PlacementRequest("default", Image("bb:1", container_name="shop")))
    operation = site.api("POST", "/applications", ann, json={"name": "shop", "compose": COMPOSE}).json()["id"]
    token = site.services.access.tokens.create(Caller("ann", "admin"), "ann's")[0].id
    return {**VALUES, "operation": operation, "token": token}


def _routes(site: Site) -> list[tuple[str, str]]:
    rules = create_app(site.services, site.settings, b"k" * 32).url_map.iter_rules()
    return [
        (method, rule.rule.removeprefix(API))
        for rule in rules
        if rule.rule.startswith(API)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


@pytest.mark.parametrize(("role", "may"), [("viewer", VIEWER_MAY), ("operator", OPERATOR_MAY)])
def test_a_role_reaches_exactly_its_routes(site: Site, theirs: dict[str, str], role: Any, may: set[str]):
    """Every route of the API, called with real ids by somebody of the role: 403 or 404 for all that is not theirs."""
    token = site.token("vic", role)
    reached = set()
    for method, rule in _routes(site):
        name = f"{method} {rule}"
        if name in WAITING:
            continue
        path = re.sub(r"<(?:int:)?(\w+)>", lambda found: theirs[found[1]], rule.replace("/users/<name>", "/users/ann"))
        path = path.replace("/nodes/shop", "/nodes/n1").replace("/sources/shop", "/sources/config")
        path = path.replace("/clusters/shop", "/clusters/default").replace("/notices/shop", "/notices/00000012-failure")
        body = BODIES.get(name, {}) if method != "GET" else None
        answer = site.api(method, path, token, json=body, headers={"X-Wait": "0"})
        assert answer.status_code < 500, (name, answer.text)
        if answer.status_code not in (401, 403, 404):
            reached.add(name)
    assert reached - OWN == may, reached ^ may


def test_who_may_not_wait_is_told_at_once(site: Site):
    """Routes that answer later ask for the right first."""
    assert site.api("POST", "/sources/config/sync", site.token("vic", "viewer"), json={}).status_code == 403
    assert site.api("POST", "/releases/check", site.token("vic", "viewer"), json={}).status_code == 403
    assert site.api("GET", "/operations/default.shop.1.1/events").status_code == 401


def test_another_persons_account_is_not_there(site: Site):
    """A viewer sees neither accounts nor tokens of others; their own they do."""
    site.person("ann")
    token = site.token("vic", "viewer")
    assert [user["name"] for user in site.api("GET", "/users", token).json()["items"]] == ["vic"]
    assert {one["user"] for one in site.api("GET", "/tokens", token).json()["items"]} == {"vic"}
    assert site.api("GET", "/users/vic", token).status_code == 200
    assert site.api("GET", "/users/ann", token).status_code == 403
    assert site.api("PATCH", "/users/vic", token, json={"role": "admin"}).status_code == 403
    theirs = site.services.access.tokens.create(Caller("ann", "admin"), "ann's")[0].id
    assert site.api("DELETE", f"/tokens/{theirs}", token).status_code == 404


def test_a_scoped_token_has_the_rights_of_its_scope(site: Site, theirs: dict[str, str]):
    """An administrator's token for viewing is a viewer's at every door, git's too."""
    token = site.token("ann", scope="viewer")
    assert site.api("POST", "/applications/default/shop/stop", token, json={}).status_code == 403
    assert site.api("GET", "/audit", token).status_code == 403
    assert site.api("GET", "/applications/default/shop/export", token).status_code == 403
    push = site.ask("GET", "/git/config.git/info/refs?service=git-receive-pack", auth=("ann", token))
    assert push.status_code == 403
    fetch = site.ask("GET", "/git/config.git/info/refs?service=git-upload-pack", auth=("ann", token))
    assert fetch.status_code == 200


def test_what_is_refused_changes_nothing_and_is_in_the_audit(site: Site, theirs: dict[str, str]):
    """A viewer who tries to delete an application: 403, it is still there, and the audit says who tried."""
    token = site.token("vic", "viewer")
    before = site.services.applications.show(Caller("ann", "admin"), AppKey("default", "shop"))
    assert site.api("DELETE", "/applications/default/shop?volumes=true", token).status_code == 403
    assert site.services.applications.show(Caller("ann", "admin"), AppKey("default", "shop")) == before
    entries = site.services.audit.list(Caller("ann", "admin"), user="vic", subject="application:default.shop").items
    assert [(entry.action, entry.result) for _, entry in entries] == [("delete", "refused")]
