"""Placements over the REST API: Citadel's own JSON in and out, against a real etcd."""

from __future__ import annotations

from typing import Any

import pytest

from appserver.core.placement.request import Reservation
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from appserver.web import shapes, shapes_placements
from tests.lab.learning import learned_now
from tests.lab.served import Site

REDIS = {"image": "crosbymichael/redis", "cpus": "0.2", "memory": 512, "type": "service"}
"""The request of Citadel's README."""


@pytest.fixture
def token(site: Site) -> str:
    """An operator's; two nodes of four cores and 8 GiB."""
    site.node("n1")
    site.node("n2")
    return site.token("olga", "operator")


def held(site: Site, node: str) -> set[str]:
    found = read(site.services.kv, keys.reservation(node), Reservation)
    return set(found.record.holders) if found else set()


def record(site: Site) -> dict[str, str]:
    seen = site.services.kv.snapshot("reservations/", keys.PLACEMENTS)
    return {key: item.value for key, item in seen.items.items()}


def test_citadels_request_gets_citadels_answer(site: Site, token: str) -> None:
    """To the letter; where it is on record says the header."""
    answer = site.api("POST", "/placements", token, json=REDIS)
    assert (answer.status_code, answer.json()) == (201, {
        "container": REDIS,
        "resource": {"id": "n1", "addr": "n1:8090", "total_cpus": 4, "total_memory": 8192},
    })  # fmt: skip
    where = answer.headers["Location"].removeprefix("/api/v1")
    assert where.startswith("/placements/default/redis-")
    shown = site.api("GET", where, token).json()
    shapes_placements.Placement.model_validate(shown)
    assert (shown["state"], shown["node"], shown["by"]) == ("promised", "n1", "olga")
    assert shown["container"]["image"] == {
        "name": "crosbymichael/redis:latest", "cpus": 0.2, "memory": 512, "type": "service",
    }  # fmt: skip
    assert held(site, "n1") == {shown["holder"]}


def test_a_dry_run_explains_and_writes_nothing(site: Site, token: str) -> None:
    """Also where nothing fits; a viewer may ask."""
    before = record(site)
    for viewer in (site.token("vic", "viewer"), token):
        found = site.api("POST", "/placements?dry_run=true", viewer, json={**REDIS, "cpus": 2, "count": 3}).json()
        shapes_placements.PlacementExplanation.model_validate(found)
        assert found["fits"] and found["nodes"] == [{"node": "n1", "count": 2}, {"node": "n2", "count": 1}]
        assert [score["node"] for score in found["scores"]] == ["n1", "n2"]
    nowhere = site.api("POST", "/placements", token, json={**REDIS, "cpus": 5, "dry_run": True}).json()
    assert (nowhere["fits"], nowhere["resource"]) == (False, None)
    assert nowhere["refused"][0] == {"node": "n1", "why": "needs 5 cpus, 4 free"}
    assert nowhere["nearest"] == "n1 could take it with 4 cpus instead of 5"
    assert record(site) == before


def test_a_dry_run_shows_what_was_asked_beside_what_such_containers_used(site: Site, token: str) -> None:
    """Nothing is known of an image that nobody ran; of another tag of the repository something is."""
    where = keys.learned("n2", "crosbymichael/redis:7")
    site.services.kv.commit({}, {where: encode(learned_now("crosbymichael/redis:7"))})
    found = site.api("POST", "/placements", token, json={**REDIS, "dry_run": True}).json()
    shapes_placements.PlacementExplanation.model_validate(found)
    assert found["asked"] == {"cpus": 0.2, "memory": 512 << 20}
    used = found["used"]
    assert (used["image"], used["containers"], used["cpus"]["highest"]) == ("crosbymichael/redis", 3, 0.5)
    assert used["memory"]["median"] == pytest.approx(64 << 20, rel=0.05)
    other = site.api("POST", "/placements", token, json={"image": "memcached", "dry_run": True}).json()
    assert (other["asked"], other["used"]) == ({"cpus": 0, "memory": 0}, None)


def test_a_refusal_has_every_nodes_reason(site: Site, token: str) -> None:
    """As a problem; nothing is written."""
    answer = site.api("POST", "/placements", token, json={**REDIS, "constraints": ["zone==a"]})
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")
    assert answer.json()["errors"] == [
        {"where": node, "why": "constraint zone==a: zone is not set"} for node in ("n1", "n2")
    ]
    assert "Nearest: n1 could take it with no constraint zone==a" in answer.json()["detail"]
    assert record(site) == {}


def test_several_are_answered_by_name(site: Site, token: str) -> None:
    """A group, each with its own container's name; listed by page, and given back one by one."""
    body = {**REDIS, "container_name": "web", "count": 3, "cluster": "default", "strategy": "binpack"}
    items = site.api("POST", "/placements", token, json=body).json()["items"]
    assert [(one["container"]["container_name"], one["resource"]["id"]) for one in items] == [
        ("web-1", "n1"), ("web-2", "n1"), ("web-3", "n1"),
    ]  # fmt: skip
    assert "count" not in items[0]["container"]
    page = site.api("GET", "/placements?cluster=default&limit=2", token).json()
    shapes.Listed[shapes_placements.Placement].model_validate(page)
    assert [one["name"] for one in page["items"]] == ["web-1", "web-2"]
    assert page["next"] == "default/web-2"
    assert site.api("GET", "/placements?node=n2", token).json()["items"] == []
    for name, status in (("web-2", 204), ("web-2", 404)):
        assert site.api("DELETE", f"/placements/default/{name}", token).status_code == status
    assert held(site, "n1") == {"default/web-1", "default/web-3"}


def test_the_same_request_has_the_same_answer(site: Site, token: str) -> None:
    """By name, or by the header that other APIs have for it; another request under the name is a conflict."""
    for headers, body in (({"Idempotency-Key": "k"}, REDIS), ({}, {**REDIS, "container_name": "web"})):
        first = site.api("POST", "/placements", token, json=body, headers=headers)
        before = record(site)
        again = site.api("POST", "/placements", token, json=body, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Location"] == first.headers["Location"]
        assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
        assert record(site) == before
    other = site.api("POST", "/placements", token, json={**REDIS, "container_name": "web", "memory": 1})
    assert (other.status_code, "was asked for otherwise" in other.json()["detail"]) == (409, True)


def test_it_is_all_in_the_audit_and_nothing_secret_is_kept(site: Site, token: str) -> None:
    """What a container is told passes through, and stays nowhere."""
    body = {**REDIS, "container_name": "web", "environment": {"PASSWORD": "hunter-two"}, "args": ["--key=hunter-two"]}
    assert site.api("POST", "/placements", token, json=body).json()["container"] == body
    site.api("DELETE", "/placements/default/web", token)
    site.api("POST", "/placements", site.token("vic", "viewer"), json=body)
    seen = site.services.kv.snapshot("").items
    assert not [key for key, item in seen.items() if "hunter-two" in item.value]
    items = site.api("GET", "/audit?subject=placement:default/web", site.token()).json()["items"]
    assert [(one["user"], one["action"], one["result"]) for one in items] == [
        ("vic", "place", "refused"), ("olga", "release", "ok"), ("olga", "place", "ok"),
    ]  # fmt: skip


def bad(**changed: Any) -> dict[str, Any]:
    return {**REDIS, **changed}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "field": (bad(memroy=1), "memroy"),
    "nested": (bad(bind_ports=[{"port": 70000}]), "bind_ports/0/port"),
    "not a number": (bad(cpus="many"), "cpus"),
    "negative": (bad(memory=-1), "memory"),
    "not finite": (bad(cpus="nan"), "cpus"),
    "endless": (bad(cpus=1e300), "cpus"),
    "no image": ({"cpus": 1}, "name"),
    "two images": (bad(name="redis"), "image"),
    "option for an image": (bad(image="--help"), "name"),
    "type": (bad(type="nonsense"), "type"),
    "expression": (bad(constraints=["zone=a"]), "constraints"),
    "endless expression": (bad(constraints=["zone==/(a+)+$/"]), "constraints"),
    "name": (bad(container_name="../x"), "container_name"),
    "name with a control character": (bad(container_name="a\nb"), "container_name"),
    "cluster": (bad(cluster="../x"), "cluster"),
    "count": (bad(count=0), "count"),
    "count too high": (bad(count=1001), "count"),
    "count as text": (bad(count="3"), "count"),
    "lease": (bad(lease_s=0), "lease_s"),
    "strategy": (bad(strategy="best"), "strategy"),
    "port twice": (bad(bind_ports=[{"port": 80}, {"port": 80}]), "bind_ports/1"),
    "too many": (bad(labels=["x"] * 2000), "labels"),
}


@pytest.mark.parametrize(("body", "where"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_its_place(site: Site, token: str, body: dict[str, Any], where: str) -> None:
    """Whether it is to be placed or only explained: 422, with where and why; nothing is written but the audit."""
    for query in ("", "?dry_run=true"):
        answer = site.api("POST", f"/placements{query}", token, json=body)
        assert answer.status_code == 422, answer.text
        assert where in [fault["where"] for fault in answer.json()["errors"]], answer.text
    assert record(site) == {}
    (entry, *_) = site.api("GET", "/audit?user=olga", site.token()).json()["items"]
    assert entry["result"] == "refused"


def test_two_clusters_in_one_request_are_refused(site: Site, token: str) -> None:
    """And one that is not there is not found."""
    answer = site.api("POST", "/placements?cluster=other", token, json={**REDIS, "cluster": "default"})
    assert answer.json()["errors"] == [{"where": "cluster", "why": "the body says default, and the query other"}]
    assert site.api("POST", "/placements?cluster=other", token, json=REDIS).status_code == 404
    assert site.api("POST", "/placements", token, json=REDIS, headers={"Idempotency-Key": "x" * 300}).status_code == 422
