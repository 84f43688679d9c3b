"""Clusters and nodes as people see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appserver.core.access import Caller
from appserver.core.containers import EngineInfo, SwarmMember
from appserver.core.entities import AppKey, Application
from appserver.core.fleet import Cluster, Condition, Node
from appserver.core.placement.request import Claim, Reservation
from appserver.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from appserver.services.clusters import Clusters
from appserver.services.nodes import NodeList
from appserver.services.standing import standing_of
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import START, Desk

ANN, BOB = Caller("ann", "admin"), Caller("bob", "operator")
AT = datetime(2026, 11, 21, tzinfo=UTC)
NODE = Node("n1", "n1:8090", "default", engine=EngineInfo("26.1.5", 4.0, 8 << 30))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def clusters(desk: Desk) -> Clusters:
    made = Clusters(kv=desk.kv, audit=desk.audit, events=desk.events)
    made.ensure("default")
    return made


def _register(desk: Desk, node: Node, on: bool = True) -> None:
    puts = {keys.node(node.name): encode(node)} | ({keys.alive(node.name): node.address} if on else {})
    assert desk.kv.commit({}, puts)


def test_the_first_start_makes_one_cluster_and_later_ones_none(desk: Desk, clusters: Clusters):
    """Starting again does not undo what an operator changed."""
    clusters.put(ANN, Cluster("default", title="ours"))
    clusters.ensure("default")
    assert clusters.show(ANN, "default").cluster.title == "ours"


def test_computed_groups_hold_what_they_say(desk: Desk, clusters: Clusters):
    """`all` is every node that is on, `orphans` those whose cluster is not on record."""
    _register(desk, NODE)
    _register(desk, replace(NODE, name="n2"), on=False)
    _register(desk, replace(NODE, name="n3", cluster="gone"))
    assert clusters.show(ANN, "all").nodes == ("n1", "n3")
    assert clusters.show(ANN, "orphans").nodes == ("n3",)
    assert clusters.show(ANN, "default").nodes == ("n1", "n2")
    assert clusters.show(ANN, "default").on == ("n1",)


@pytest.mark.parametrize("name", ["all", "orphans"])
def test_computed_groups_cannot_be_changed(clusters: Clusters, name: str):
    """Not even by an administrator."""
    with pytest.raises(Forbidden):
        clusters.put(ANN, Cluster(name))
    with pytest.raises(Forbidden):
        clusters.delete(ANN, name)


def test_only_an_empty_cluster_is_deleted(desk: Desk, clusters: Clusters):
    """Deleting a cluster never loses nodes or applications from sight."""
    _register(desk, NODE)
    with pytest.raises(Conflict, match="n1"):
        clusters.delete(ANN, "default")
    clusters.put(ANN, Cluster("lab"))
    app = Application("shop", "lab", "compose.yaml", AT, 1, 1)
    desk.kv.commit({}, {keys.application(AppKey("lab", "shop")): encode(app)})
    with pytest.raises(Conflict, match=r"lab\.shop"):
        clusters.delete(ANN, "lab")
    desk.kv.commit({}, {}, [keys.application(AppKey("lab", "shop"))])
    clusters.delete(ANN, "lab")
    with pytest.raises(NotFound):
        clusters.show(ANN, "lab")


def test_a_change_of_what_was_not_looked_at_is_refused(clusters: Clusters):
    """Two operators do not undo each other."""
    version = clusters.show(ANN, "default").version
    clusters.put(ANN, Cluster("default", title="one"), version)
    with pytest.raises(PreconditionFailed):
        clusters.put(ANN, Cluster("default", title="two"), version)


def test_the_kind_of_a_cluster_stays(clusters: Clusters):
    """Engines do not become a swarm by a change of a word."""
    with pytest.raises(Invalid, match="kind"):
        clusters.put(ANN, Cluster("default", kind="swarm"))


def test_a_group_is_the_nodes_whose_labels_are_as_it_says(desk: Desk, clusters: Clusters):
    """Of any cluster, as they come and go; nothing is deployed on it, and it goes though nodes are in it."""
    for name, rack in (("n1", "a"), ("n2", "b"), ("n3", "a")):
        desk.kv.commit({}, {keys.node(name): encode(Node(name, f"{name}:1", "default", labels={"rack": rack}))})
    desk.kv.commit({}, {keys.alive("n3"): "n3:1"})
    shop = Application("shop", "default", "compose.yaml", desk.clock.now(), 1, 1, nodes=("n3",))
    desk.kv.commit({}, {keys.application(shop.key): encode(shop)})
    made = clusters.put(ANN, Cluster("rack-a", "group", selector=("rack==a",)))
    assert (made.nodes, made.on, made.applications) == (("n1", "n3"), ("n3",), ("default.shop",))
    with pytest.raises(Invalid, match="is a group: deploy on the cluster"):
        standing_of(desk.kv, AppKey("rack-a", "shop"))
    clusters.delete(ANN, "rack-a")


@pytest.mark.parametrize(
    "wanted",
    [
        Cluster("g", "group"),
        Cluster("g", "group", selector=("rack",)),
        Cluster("g", "group", selector=("rack==~a",)),
        Cluster("g", "group", selector=("rack==/(a+)+$/",)),
        Cluster("g", selector=("rack==a",)),
    ],
)
def test_a_selector_is_checked_when_it_is_written(clusters: Clusters, wanted: Cluster):
    with pytest.raises(Invalid, match="selector"):
        clusters.put(ANN, wanted)


def test_a_stack_is_looked_after_by_managers_alone(desk: Desk, clusters: Clusters):
    """Whatever the others have room for: a worker could ask its Swarm nothing."""
    clusters.put(ANN, Cluster("hive", "swarm"))
    members = {"w1": SwarmMember("", "b", False), "m1": SwarmMember("s", "a", True), "e1": None}
    for name, member in members.items():
        engine = EngineInfo("26.1.5", 4.0, 8 << 30, swarm=member)
        _register(desk, Node(name, f"{name}:8090", "hive", engine=engine))
    found = standing_of(desk.kv, AppKey("hive", "shop")).candidates
    assert {one.name: one.against for one in found} == {
        "e1": "is no manager of the Swarm",
        "m1": "",
        "w1": "is no manager of the Swarm",
    }


def test_operators_look_and_administrators_change(desk: Desk, clusters: Clusters):
    """A refusal is in the audit and changes nothing."""
    with pytest.raises(Forbidden):
        clusters.put(BOB, Cluster("lab"))
    assert ("bob", "put", "cluster:lab", "refused") in desk.entries()
    assert [view.cluster.name for view in clusters.list(BOB)] == ["default", "all", "orphans"]


def test_a_node_is_on_while_its_lease_lives_and_healthy_by_its_conditions(desk: Desk):
    """Two questions, two answers: is the agent alive, is the engine of use."""
    nodes = NodeList(kv=desk.kv)
    bad = Condition("engine", False, "does not answer", START)
    _register(desk, replace(NODE, conditions=(bad,)))
    _register(desk, replace(NODE, name="n2", conditions=(replace(bad, ok=True),)))
    _register(desk, replace(NODE, name="n3"), on=False)
    assert [(view.node.name, view.on, view.healthy) for view in nodes.list(BOB)] == [
        ("n1", True, False),
        ("n2", True, True),
        ("n3", False, False),
    ]


def test_what_is_promised_on_a_node_is_summed_and_told_by_holder(desk: Desk):
    """Reserved is what all applications there were promised together."""
    _register(desk, NODE)
    held = {
        "default.shop": Claim(0.5, 1 << 20, (("", "8080", "tcp"),)),
        "default.blog": Claim(0.25, 1 << 20, (("127.0.0.1", "53", "udp"),)),
    }
    desk.kv.commit({}, {keys.reservation("n1"): encode(Reservation(held))})
    shown = NodeList(kv=desk.kv).show(BOB, "n1").to_json()
    assert shown["reserved"] == {"cpus": 0.75, "memory": 2 << 20, "ports": ["53/udp", "8080/tcp"]}
    assert shown["applications"] == ["default.blog", "default.shop"]
