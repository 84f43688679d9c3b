"""Moving an application to another cluster, over the API: planned, begun, looked at, and refused with its reasons."""

from __future__ import annotations

from typing import Any

import pytest

from appserver.core.access import Caller
from appserver.core.entities import AppKey, Desired, Observed
from appserver.core.fleet import Cluster
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from appserver.web import shapes
from tests.lab.served import Site

COMPOSE = """
services:
  web:
    image: bb:1
    environment: {DB_PASSWORD: hunter-two}
    volumes: ["data:/data"]
volumes: {data: {}}
"""
MOVE = "/applications/default/shop/move"
SHOP = AppKey("default", "shop")


@pytest.fixture
def token(site: Site) -> str:
    """The shop is up on n1; n2 is of another cluster."""
    site.node()
    site.services.clusters.put(Caller("root", "admin"), Cluster("quay"))
    site.node("n2", "quay")
    made = site.token()
    assert site.api("POST", "/applications", made, json={"name": "shop", "compose": COMPOSE}).status_code == 202
    up(site, SHOP, "n1")
    return made


def up(site: Site, key: AppKey, node: str) -> None:
    """Its agent says so, and that is recorded."""
    kv = site.services.kv
    wanted = read(kv, keys.desired(node, key), Desired)
    assert wanted
    told = Observed(wanted.revision, wanted.record.revision, "done", site.services.clock.now())
    assert kv.commit({}, {keys.observed(node, key): encode(told)})
    assert site.services.finish.settle(key)


def test_planned_and_begun_by_that_plan(site: Site, token: str) -> None:
    plan = site.api("POST", MOVE, token, json={"to": "quay", "dry_run": True})
    assert plan.status_code == 200, plan.text
    shapes.TransferPlan.model_validate_json(plan.content)
    told = plan.json()
    assert (told["nodes"], told["leaves"]) == (["n2"], ["n1"])
    assert told["behind"] == [{"kind": "volume", "name": "shop_data", "services": ["web"]}]
    assert "hunter-two" not in plan.text and "sealed:" not in plan.text
    assert site.api("GET", MOVE, token).status_code == 404

    begun = site.api("POST", MOVE, token, json={"to": "quay", "token": told["token"]})
    assert (begun.status_code, begun.headers["Location"]) == (202, f"/api/v1{MOVE}")
    shapes.Transfer.model_validate_json(begun.content)
    assert (begun.json()["state"], begun.json()["becomes"]) == ("arriving", "quay.shop")
    operation = site.api("GET", f"/operations/{begun.json()['operation']}", token).json()
    assert (operation["application"], operation["state"]) == ("quay.shop", "pending")
    up(site, AppKey("quay", "shop"), "n2")
    for _ in range(2):
        site.services.transfers_run.look()
    now = site.api("GET", MOVE, token)
    shapes.Transfer.model_validate_json(now.content)
    assert now.json()["state"] == "leaving"
    assert site.api("GET", f"/operations/{begun.json()['operation']}", token).json()["state"] == "done"


def test_a_stale_version_or_token_begins_nothing(site: Site, token: str) -> None:
    stale = site.api("POST", MOVE, token, json={"to": "quay", "token": "x"})
    assert stale.status_code == 409
    old = site.api("POST", MOVE, token, json={"to": "quay"}, headers={"If-Match": '"1"'})
    assert old.status_code == 412
    assert not site.services.kv.snapshot(keys.MOVES).items


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"to": ""}, 422),
        ({"to": 7}, 422),
        ({"to": ["quay"]}, 422),
        ({"to": None}, 422),
        ({"to": "quay\n"}, 422),
        ({"to": "../quay"}, 422),
        ({"to": "quay/../x"}, 422),
        ({"to": "q.uay"}, 422),
        ({"to": "x" * 400}, 422),
        ({"to": "all"}, 422),
        ({"to": "default"}, 422),
        ({"to": "nowhere"}, 404),
        ({"to": "quay", "dry_run": "yes"}, 422),
        ({"to": "quay", "token": {"a": 1}}, 422),
        ({"to": "quay", "force": True}, 422),
    ],
)
def test_what_makes_no_sense_is_refused_and_writes_nothing(
    site: Site, token: str, body: dict[str, Any], status: int
) -> None:
    before = site.services.kv.snapshot("applications/", "moves/", "desired/", "reservations/").items
    answer = site.api("POST", MOVE, token, json=body)
    assert answer.status_code == status, answer.text
    shapes.Problem.model_validate_json(answer.content)
    assert site.services.kv.snapshot("applications/", "moves/", "desired/", "reservations/").items == before
