"""The REST API over a real port and a real etcd: what each door answers, in the shapes the document promises."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel

from appserver.core.containers import StrayProject
from appserver.core.entities import AppKey, ContainerRecord, Observed, ServiceObserved
from appserver.store import keys
from appserver.store.codec import encode
from appserver.web import shapes, shapes_bmc, shapes_fleet, shapes_learned, shapes_metrics, shapes_plays, shapes_record
from appserver.web.api import api
from tests.fakes import PASSWORD
from tests.lab.learning import learned_now
from tests.lab.served import ROOT, Site

COMPOSE = "services:\n  web:\n    image: bb:1\n    environment:\n      DB_PASSWORD: hunter-two\n"
SHOP = {"name": "shop", "compose": COMPOSE, "reason": "first"}


@pytest.fixture
def token(site: Site) -> str:
    site.node()
    return site.token()


@pytest.fixture
def shop(site: Site, token: str) -> str:
    """The operation of a deployed application `default.shop`."""
    return str(site.api("POST", "/applications", token, json=SHOP).json()["id"])


def test_every_list_and_object_has_its_shape(site: Site, token: str, shop: str):
    """What is sent is what the OpenAPI document says, field for field."""
    site.services.events.emit("bus.cluman.node", "online", None, "n1", "n1 is on")
    for lrn in (1, 2):
        site.services.kv.commit({}, {keys.bootserver(lrn): "", keys.installed_deb(lrn, "curl"): f"8.{lrn}"})
    site.api("POST", "/plays", token, json={"playbook": "hello.yml", "extra_vars": {"who": ["a", 1]}})
    site.nodes.strays = (StrayProject("old", ("compose.yaml",), "/srv/old", ("web",)),)
    learned = {keys.learned("n1", "bb:1"): encode(learned_now("bb:1"))}
    site.services.kv.commit({}, learned)
    expected: dict[str, type[BaseModel]] = {
        "/me": shapes_record.Me,
        "/applications": shapes.Listed[shapes.Application],
        "/applications/default/shop": shapes.Application,
        "/applications/default/shop/explain": shapes.Explanation,
        "/applications/default/shop/revisions": shapes.Listed[shapes.Revision],
        "/applications/default/shop/revisions/1": shapes.Revision,
        "/applications/default/shop/drift": shapes.Listed[shapes.Drift],
        f"/operations/{shop}": shapes.Operation,
        "/nodes": shapes.Listed[shapes_fleet.Node],
        "/nodes/n1": shapes_fleet.Node,
        "/nodes/n1/metrics": shapes_metrics.NodeMetrics,
        "/applications/default/shop/metrics": shapes_metrics.ApplicationMetrics,
        "/images/usage": shapes.Listed[shapes_learned.Used],
        "/images/usage?image=bb:2": shapes.Listed[shapes_learned.Used],
        "/applications/default/shop/usage": shapes.Listed[shapes_learned.ServiceUsage],
        "/nodes/n1/projects": shapes.Listed[shapes_fleet.StrayProject],
        "/bootservers": shapes.Listed[shapes_fleet.BootServer],
        "/bootservers/1": shapes_bmc.BootServerInFull,
        "/bootservers/1/differences/2": shapes.Listed[shapes_fleet.InstalledDifference],
        "/installed?deb=curl": shapes.Listed[shapes_fleet.Holder],
        "/playbooks": shapes.Listed[shapes_plays.Playbook],
        "/inventory": shapes.Listed[shapes_plays.InventoryHost],
        "/plays": shapes.Listed[shapes_plays.Play],
        "/plays/1": shapes_plays.Play,
        "/clusters": shapes.Listed[shapes_fleet.Cluster],
        "/clusters/all": shapes_fleet.Cluster,
        "/sources": shapes.Listed[shapes_record.Source],
        "/sources/config": shapes_record.Source,
        "/config": shapes.Listed[shapes_record.Setting],
        "/config/worker-timeout": shapes_record.Setting,
        "/users": shapes.Listed[shapes_record.User],
        "/users/ann": shapes_record.User,
        "/tokens": shapes.Listed[shapes_record.Token],
        "/audit": shapes.Listed[shapes_record.AuditEntry],
        "/events": shapes.Listed[shapes_record.Happening],
    }
    for path, shape in expected.items():
        answer = site.api("GET", path, token)
        assert answer.status_code == 200, (path, answer.text)
        shape.model_validate_json(answer.content)
        if "Listed" in shape.__name__ and path not in ("/applications/default/shop/drift",):
            assert answer.json()["items"], path


def test_the_document_tells_of_every_route(site: Site, token: str):
    """Nothing is served below /api/v1 that the OpenAPI document does not name, with what it takes and answers."""
    document = site.api("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    app = {
        (rule.rule.replace("<int:", "<").replace("<path:", "<").replace("<", "{").replace(">", "}"), method)
        for rule in _app_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
    }
    told = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert told == app
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["tags"], (method, path)
            assert set(operation["responses"]) & {"200", "201", "202", "204"}, (method, path)


def _app_rules() -> Any:
    app = Flask("rules")
    app.register_blueprint(api)
    return app.url_map.iter_rules()


def test_a_plan_changes_nothing_and_its_token_applies_it(site: Site, token: str):
    """Plan, look, apply exactly that plan."""
    before = site.services.kv.snapshot("applications/", "revisions/", "desired/", "reservations/")
    plan = site.api("POST", "/applications/plan", token, json=SHOP).json()
    shapes.Plan.model_validate(plan)
    assert site.services.kv.snapshot("applications/", "revisions/", "desired/", "reservations/").items == before.items
    done = site.api("POST", "/applications", token, json={**SHOP, "token": plan["token"]})
    assert done.status_code == 202
    assert done.headers["Location"] == f"/api/v1/operations/{done.json()['id']}"
    assert site.api("GET", done.headers["Location"].removeprefix("/api/v1"), token).json()["state"] == "pending"


def test_a_stale_plan_is_refused_and_changes_nothing(site: Site, token: str):
    """What was planned on something that has changed since is not applied: 409."""
    plan = site.api("POST", "/applications/plan", token, json=SHOP).json()
    assert site.api("POST", "/applications", token, json=SHOP).status_code == 202
    before = site.services.kv.snapshot("desired/").items
    stale = site.api("POST", "/applications", token, json={**SHOP, "token": plan["token"]})
    assert stale.status_code == 409
    shapes.Problem.model_validate(stale.json())
    assert stale.headers["Content-Type"] == "application/problem+json"
    assert site.services.kv.snapshot("desired/").items == before


def test_a_write_that_names_an_old_version_is_refused(site: Site, token: str, shop: str):
    """If-Match with an ETag that is no longer the newest: 412, for every kind of object that is written."""
    tag = site.api("GET", "/applications/default/shop", token).headers["ETag"]
    stopped = site.api("POST", "/applications/default/shop/stop", token, json={}, headers={"If-Match": tag})
    assert stopped.status_code == 202
    for method, path, body in (
        ("POST", "/applications/default/shop/start", {}),
        ("DELETE", "/applications/default/shop", None),
        ("PUT", "/clusters/default", {"title": "x"}),
        ("PATCH", "/users/ann", {"role": "viewer"}),
        ("DELETE", "/sources/config", None),
    ):
        answer = site.api(method, path, token, json=body, headers={"If-Match": '"1"'})
        assert answer.status_code == 412, (path, answer.text)
    odd = site.api("POST", "/applications/default/shop/start", token, json={}, headers={"If-Match": '"abc"'})
    assert odd.status_code == 412


def test_an_unchanged_object_is_not_sent_again(site: Site, token: str, shop: str):
    """If-None-Match with the present ETag: 304, without a body."""
    tag = site.api("GET", "/applications/default/shop", token).headers["ETag"]
    again = site.api("GET", "/applications/default/shop", token, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_pages_hold_every_item_once(site: Site, token: str):
    """Following `next` from page to page meets everything, and ends."""
    for name in "edcba":
        answer = site.api("PUT", f"/clusters/c{name}", token, json={})
        assert answer.status_code == 200, answer.text
    seen: list[str] = []
    after = ""
    while True:
        page = site.api("GET", f"/clusters?limit=2&after={after}", token).json()
        seen += [item["name"] for item in page["items"]]
        after = page["next"]
        if not after:
            break
    assert seen == ["all", "ca", "cb", "cc", "cd", "ce", "default", "orphans"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=-1", "limit=1e9", f"after={'x' * 300}"])
def test_an_odd_page_is_refused(site: Site, query: str):
    """A page is bounded, and says so."""
    answer = site.api("GET", f"/clusters?{query}", site.token())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] in ("limit", "after")


def test_secrets_are_nowhere_in_what_is_read(site: Site, token: str, shop: str):
    """No plan, revision, explanation, list, event, audit entry or metric holds the password."""
    changed = {**SHOP, "compose": COMPOSE.replace("hunter-two", "hunter-three")}
    plan = site.api("POST", "/applications/plan", token, json=changed).text
    paths = ("", "/explain", "/revisions", "/revisions/1", "/drift")
    read = [site.api("GET", f"/applications/default/shop{path}", token).text for path in paths]
    read += [site.api("GET", path, token).text for path in ("/audit", "/events", f"/operations/{shop}")]
    read += [plan, site.ask("GET", "/metrics").text]
    assert not [text for text in read if "hunter" in text]
    assert '"changed":true' in plan
    store = site.services.kv.snapshot("applications/", "revisions/", "desired/", "audit/", "events/")
    assert not [key for key, item in store.items.items() if "hunter" in item.value]


def test_an_export_holds_the_secrets_and_is_for_those_who_may_write(site: Site, token: str, shop: str):
    """It runs without Moorage, so it has everything in it; a viewer does not get it."""
    answer = site.api("GET", "/applications/default/shop/export", token)
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "hunter-two" in "".join(archive.read(name).decode() for name in archive.namelist())
    assert site.api("GET", "/applications/default/shop/export", site.token("vic", "viewer")).status_code == 403


def test_faults_of_a_project_are_told_where_they_are(site: Site, token: str):
    """A mistake in what was sent is 422 with the place of each fault, never a 500."""
    for body, where in (
        ({"name": "shop"}, "compose"),
        ({"name": "shop", "compose": COMPOSE, "files": {"compose.yaml": COMPOSE}}, "compose"),
        ({"name": "shop", "files": {"x.yaml": COMPOSE}}, "compose_files"),
        ({"name": "shop", "files": {"compose.yaml": COMPOSE}, "compose_files": ["y.yaml"]}, "compose_files"),
        ({"name": "sh.op", "compose": COMPOSE}, "name"),
        ({"name": "shop", "cluster": "../x", "compose": COMPOSE}, "cluster"),
        ({"name": "shop", "compose": COMPOSE, "overrides": {"nope": {}}}, "overrides.nope"),
        ({"name": 7, "compose": COMPOSE}, "name"),
        ({"name": "shop", "compose": COMPOSE, "extra": 1}, "extra"),
    ):
        answer = site.api("POST", "/applications/plan", token, json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.json()["errors"][0]["where"] == where, answer.text
    assert (
        site.api("POST", "/applications/plan", token, json={"name": "s", "compose": "services: ["}).status_code == 422
    )


def test_logs_come_as_text_or_as_events(site: Site, token: str, shop: str):
    """The same lines, for a terminal or for a page."""
    text = site.api("GET", "/applications/default/shop/logs", token)
    assert text.headers["Content-Type"].startswith("text/plain")
    events = site.api("GET", "/applications/default/shop/logs", token, headers={"Accept": "text/event-stream"})
    assert events.headers["Content-Type"].startswith("text/event-stream")
    assert site.api("GET", "/applications/default/shop/logs?tail=-1", token).status_code == 422
    assert site.api("GET", "/applications/default/shop/logs?since=yesterday", token).status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "text/event-stream"])
def test_logs_of_an_agent_that_is_away_are_a_problem(site: Site, token: str, shop: str, kind: str):
    """502 that names the node, before anything of an answer is sent, be it text or events."""
    web = ServiceObserved("web", "running", containers=("shop-web-1",))
    seen = Observed(1, 1, "done", site.services.clock.now(), "", (web,))
    record = ContainerRecord("1f", "bb:1", "", "running", "n1", "default.shop")
    told = {
        keys.observed("n1", AppKey("default", "shop")): encode(seen),
        keys.container("default", "shop-web-1"): encode(record),
    }
    site.services.kv.commit({}, told)
    site.nodes.away = True
    for follow in ("false", "true"):
        where = f"/applications/default/shop/logs?follow={follow}"
        answer = site.api("GET", where, token, headers={"Accept": kind})
        assert (answer.status_code, answer.headers["Content-Type"]) == (502, "application/problem+json")
        assert answer.json()["detail"] == "node n1: its agent is away"


def test_configuration_is_checked_and_explained(site: Site, token: str):
    """A faulty tree is told file and line; a container is told its values and who says so."""
    sound = site.api("POST", "/config/lint", token, json={"files": {"web.yml": "mem_limit: 256M\n"}})
    assert sound.json() == {"items": [], "next": None}
    faulty = site.api("POST", "/config/lint", token, json={"files": {"web.yml": "mem_limt: 256M\n"}}).json()
    shapes.Listed[shapes.ConfigFault].model_validate(faulty)
    assert faulty["items"][0]["where"] == "web.yml:1"
    assert "mem_limit" in faulty["items"][0]["why"]
    body = {"image": "web:1", "labels": {"arg.memory": "256M"}}
    told = site.api("POST", "/config/explain", token, json=body).json()
    shapes.Configuration.model_validate(told)
    assert [(item["option"], item["value"]) for item in told["items"]] == [("mem_limit", 256 << 20)]


def test_an_account_s_life_over_the_api(site: Site, token: str):
    """Invited, made, logged in, given a token, changed, closed, deleted."""
    invited = site.api("POST", "/users", token, json={"name": "bob", "role": "operator"})
    assert invited.status_code == 201
    site.services.access.users.accept(invited.json()["url"].rpartition("/")[2], "bob", PASSWORD)
    made = site.api("POST", "/login", json={"username": "bob", "password": PASSWORD})
    assert made.status_code == 201
    shapes_record.NewToken.model_validate(made.json())
    bob = made.json()["token"]
    assert site.api("GET", "/me", bob).json() == {"name": "bob", "role": "operator", "via": "token"}
    changed = {"current": PASSWORD, "password": "another one, quite long"}
    assert site.api("POST", "/me/password", bob, json=changed).status_code == 204
    assert site.api("PATCH", "/users/bob", token, json={"role": "viewer"}).json()["role"] == "viewer"
    assert site.api("GET", "/me", bob).json()["role"] == "viewer"
    assert site.api("PATCH", "/users/bob", token, json={"disabled": True}).status_code == 200
    assert site.api("GET", "/me", bob).status_code == 401
    assert site.api("DELETE", "/users/bob", token).status_code == 204
    assert site.api("GET", "/users/bob", token).status_code == 404


def test_metrics_are_prometheus_text_with_bounded_labels(site: Site, token: str, shop: str):
    """Paths and methods that somebody makes up add no series."""
    for path in ("/x1", "/x2", "/applications/default/n1", "/applications/default/n2"):
        site.api("GET", path, token)
    site.ask("BREW", "/api/v1/me")
    text = site.ask("GET", "/metrics").text
    assert 'moorage_applications{state="deploying"} 1.0' in text
    assert 'moorage_nodes{state="healthy"} 1.0' in text
    assert "/api/v1/applications/<cluster>/<name>" in text
    assert "BREW" not in text
    assert "x1" not in text


def test_health_and_readiness(site: Site):
    """Alive says that the process answers; ready says that it is of use, and not when it is stopping."""
    assert site.ask("GET", "/healthz").status_code == 200
    assert site.ask("GET", "/readyz").json() == {"ready": True}
    site.closing.set()
    assert site.ask("GET", "/readyz").status_code == 503
    assert site.ask("GET", "/healthz").status_code == 200


def test_the_page_of_the_api_needs_no_script_and_no_internet(site: Site):
    """It names every path, and loads nothing from elsewhere."""
    page = site.ask("GET", "/swagger-ui.html")
    assert page.status_code == 200
    for path in site.api("GET", "/openapi.json").json()["paths"]:
        assert path in page.text
    assert "https://" not in page.text.replace("http://127.0.0.1", "")


def test_an_application_is_found_under_its_cluster_only(site: Site, token: str, shop: str):
    """The same name on another cluster is another application."""
    assert site.services.applications.show(ROOT, AppKey("default", "shop")).latest == 1
    assert site.api("GET", "/applications?cluster=default", token).json()["items"]
    assert site.api("GET", "/applications?cluster=lab", token).json()["items"] == []
    assert site.api("GET", "/applications/lab/shop", token).status_code == 404
