"""What is reserved while two sets of containers run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from appserver.core import compose
from appserver.core.containers import ImageFacts
from appserver.core.deploy import decide, restore
from appserver.core.deployment import DeployPlan, Seen
from appserver.core.placement.request import Candidate, Claim
from appserver.core.reserving import of_both
from appserver.errors import NoPlacement
from tests.unit.appserver.core.test_deploy import ANN, KEY, WANTED, after, seal, seen

GIB = 2**30


def project(order: str = "start-first", **web: object) -> Mapping[str, object]:
    db = {"image": "acme/db:1", "cpus": 1.0, "volumes": [{"type": "volume", "source": "data", "target": "/data"}]}
    services = {"web": {"image": "acme/web:1", "cpus": 1.0, "mem_limit": str(GIB), **web}, "db": db}
    return {
        "name": "shop",
        "services": services,
        "volumes": {"data": {"name": "shop_data"}},
        "x-moorage": {"update": {"order": order}},
    }


def node(cpus: float, held: Claim | None = None) -> tuple[Candidate, ...]:
    return (Candidate("n1", cpus, 8 * GIB, reserved={str(KEY): held} if held else {}),)


def in_force(order: str = "start-first", cpus: float = 3.0) -> tuple[DeployPlan, Seen]:
    images = {name: ImageFacts(f"acme/{name}:1", f"sha256:{name}", f"sha256:{name}") for name in ("web", "db")}
    first = decide(WANTED, seen(base=project(order), images=images, candidates=node(cpus)), ANN, seal)
    return first, after(first, images=images, candidates=node(cpus, first.claims["n1"]))


def test_both_sets_are_reserved_of_what_is_started_beside_itself() -> None:
    first, now = in_force()
    assert first.claims["n1"].cpus == 2.0
    plan = decide(WANTED, replace(now, base=project(environment={"COLOUR": "red"})), ANN, seal)
    assert (plan.claims["n1"].cpus, plan.claims["n1"].memory) == (3.0, 2 * GIB), "the database is there once"


def test_stop_first_reserves_one_set() -> None:
    _, now = in_force("stop-first", cpus=2.0)
    plan = decide(WANTED, replace(now, base=project("stop-first", environment={"COLOUR": "red"})), ANN, seal)
    assert plan.claims["n1"].cpus == 2.0


def test_a_node_without_room_for_both_is_told_and_nothing_moves() -> None:
    _, now = in_force(cpus=2.5)
    with pytest.raises(NoPlacement, match=r"n1: .*2.5.*beside the new ones.*stop-first"):
        decide(WANTED, replace(now, base=project(environment={"COLOUR": "red"})), ANN, seal)


def test_what_is_put_back_is_put_back_without_room_too() -> None:
    """The old containers are stopped first, as the plan says."""
    first, now = in_force(cpus=2.5)
    second = decide(WANTED, replace(now, base=project("stop-first", environment={"COLOUR": "red"})), ANN, seal)
    assert first.record
    later = replace(now, current=second.record, application=second.application)
    back = restore(KEY, first.record, later, ANN, "back")
    assert back.record and back.record.options.update.order == "stop-first"
    assert "stopped first" in back.warnings[0]
    assert back.claims["n1"].cpus == 2.0


def test_an_unchanged_service_and_one_that_goes_are_there_once() -> None:
    before = compose.canonical(project(), KEY, compose.services(project()))
    only_web = {"web": compose.services(project(cpus=0.5))["web"]}
    assert of_both(before, before).cpus == 2.0
    assert of_both(before, compose.canonical(project(), KEY, only_web)).cpus == 1.0 + 0.5 + 1.0
