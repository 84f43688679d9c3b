"""Constraints that a compose file has for Swarm, in a cluster of engines."""

from __future__ import annotations

import pytest

from appserver.core.containers import ImageFacts
from appserver.core.effective import Effective, Overrides, effective
from appserver.core.entities import AppKey
from appserver.core.placed import constraints_of, placed
from appserver.core.placement.filters import has_labels
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.errors import InvalidMany


def service(*constraints: str) -> dict[str, object]:
    return {"image": "web:1", "deploy": {"placement": {"constraints": list(constraints)}}}


def fits(text: str, node: Candidate) -> bool:
    found = placed(service(text))
    assert not found.warnings and not found.faults
    return has_labels(Request("default.shop", Claim(), found.constraints), node) is None


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("node.hostname==boot-2", {"boot-2"}),
        ("node.hostname == boot-2", {"boot-2"}),
        ("node.hostname!=boot-2", {"boot-0", "boot-20"}),
        ("node.labels.disk==ssd", {"boot-0"}),
        ("node.labels.disk!=ssd", {"boot-2", "boot-20"}),
        ("node.labels.zone==~a", {"boot-0"}),
        ("node.labels.path==/a/", {"boot-2"}),
        ("node.hostname==boot-*", set()),
    ],
)
def test_a_constraint_is_held_to_by_the_letter(text: str, nodes: set[str]) -> None:
    """As Swarm takes it: no glob, no pattern, no wish."""
    labels = {"boot-0": {"disk": "ssd", "zone": "~a"}, "boot-2": {"path": "/a/"}, "boot-20": {"zone": "a"}}
    assert {name for name, said in labels.items() if fits(text, Candidate(name, 1, 1, said))} == nodes


def test_what_a_swarm_alone_knows_is_told() -> None:
    """A file that was written for one goes on to work here."""
    found = placed(service("node.role==manager", "node.hostname==a", "node.platform.os == linux"))
    assert found.constraints == ("node==a",)
    assert found.warnings == ("deploy.placement.constraints: node.role==manager counts in a Swarm alone",)


@pytest.mark.parametrize(
    "text",
    ["node.id==x", "engine.labels.os==linux", "node.platform.os==windows", "node.hostname=a", "node.hostname==", "a"],
)
def test_what_cannot_be_held_to_is_refused(text: str) -> None:
    """Rather than left out without a word."""
    assert not placed(service(text)).constraints
    assert f"{text!r} cannot be held to here" in placed(service(text)).faults[0]


def test_all_services_are_placed_as_one() -> None:
    """So all their constraints hold, each once."""
    services = {"web": service("node.hostname==a", "node.labels.x==1"), "db": service("node.hostname==a"), "c": {}}
    assert constraints_of({"name": "shop", "services": services}) == ("node==a", "x==1")


def made(*constraints: str) -> Effective:
    base = {"name": "shop", "services": {"web": service(*constraints)}}
    images = {"web": ImageFacts("web:1", "sha256:1", "sha256:1")}
    where = {("web", "deploy"): "compose.yaml:4"}
    nobodys = Overrides({}, "ann", "now")
    return effective(AppKey("default", "shop"), base, images, None, nobodys, where, lambda text: text)


def test_a_deployment_is_placed_by_them() -> None:
    """What the plan is made of holds them, and says what does not count."""
    found = made("node.hostname==boot-2", "node.role==worker")
    assert found.constraints == ("node==boot-2",)
    assert found.warnings == ("web: deploy.placement.constraints: node.role==worker counts in a Swarm alone",)


def test_a_deployment_with_one_that_nobody_can_hold_to_is_refused() -> None:
    """At its line."""
    with pytest.raises(InvalidMany) as told:
        made("node.id==x")
    ((where, why),) = told.value.faults
    assert where == "compose.yaml:4" and "node.id==x" in why
