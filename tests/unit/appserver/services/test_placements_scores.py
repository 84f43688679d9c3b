"""How nodes compare for an application: where it runs now, and where a plan would have it run."""

from __future__ import annotations

import pytest

from appserver.core.access import Caller
from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, ProjectFiles
from appserver.core.fleet import Cluster
from appserver.errors import NotFound
from appserver.services.placements_scores import NodeScore, PlacementScores
from appserver.store import keys
from appserver.store.codec import encode
from tests.unit.appserver.services.yard import SHOP, Yard

VIC = Caller("vic", "viewer")


@pytest.fixture
def yard() -> Yard:
    found = Yard("n1", "n2", "n3")
    found.kv.commit({}, {}, [keys.alive("n3")])
    return found


def scores(yard: Yard) -> PlacementScores:
    return PlacementScores(kv=yard.kv, access=yard.desk.access)


def test_each_node_has_its_score_or_its_reason(yard: Yard) -> None:
    """As if it were placed now: what it holds of its own node is not in its way."""
    yard.roll_out(SHOP, "80")
    yard.end(SHOP, "done")
    found = scores(yard).of_application(VIC, SHOP)
    assert found and (found.strategy, found.nearest) == ("spread", "")
    assert found.nodes == (
        NodeScore("n1", True, 0.0),
        NodeScore("n2", False, 0.0),
        NodeScore("n3", False, why="its agent is away"),
    )


def test_a_plan_shows_where_it_would_run(yard: Yard) -> None:
    """Before anything is written: another's port is a reason."""
    yard.roll_out(SHOP, "80")
    blog = AppKey("default", "blog")
    plan = yard.deploy.plan(yard.root, DeployRequest(blog, ProjectFiles("blog", {"compose.yaml": "80"})))
    found = scores(yard).of_plan(VIC, plan)
    assert found and [(one.node, one.here, one.why) for one in found.nodes] == [
        ("n2", True, ""),
        ("n1", False, "port 80/tcp is taken by default.shop"),
        ("n3", False, "its agent is away"),
    ]
    assert not yard.kv.snapshot(keys.application(blog)).items


def test_chance_has_no_scores(yard: Yard) -> None:
    """Nor has an application that nobody deployed."""
    yard.kv.commit({}, {keys.cluster("default"): encode(Cluster("default", strategy="random"))})
    assert scores(yard).of_application(VIC, SHOP) is None
    yard.roll_out(SHOP, "80", expected_on=yard_choice(yard))
    found = scores(yard).of_application(VIC, SHOP)
    assert found and {one.share for one in found.nodes} == {None}
    with pytest.raises(NotFound):
        scores(yard).of_application(VIC, AppKey("nowhere", "shop"))


def yard_choice(yard: Yard) -> str:
    """Chance is the same for the same names."""
    wanted = DeployRequest(SHOP, ProjectFiles("shop", {"compose.yaml": "80"}))
    return yard.deploy.plan(yard.root, wanted).nodes[0]
