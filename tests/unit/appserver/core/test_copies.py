"""Which nodes run a copy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from appserver.core.copies import nodes_for
from appserver.core.entities import Options
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.errors import NoPlacement

ASKED = Request("default.shop", Claim(1.0, 1 << 30))


def node(name: str, cpus: float = 4, rack: str = "", against: str = "", taken: float = 0.0) -> Candidate:
    reserved = {"default.other": Claim(taken)} if taken else {}
    return Candidate(name, cpus, 8 << 30, {"rack": rack} if rack else {}, reserved, against)


def test_copies_go_to_as_many_nodes_and_stay_where_they_are() -> None:
    nodes = [node("n1", taken=2), node("n2"), node("n3"), node("n4")]
    assert nodes_for(ASKED, Options(replicas=3), nodes, (), "spread") == ("n2", "n3", "n4")
    assert set(nodes_for(ASKED, Options(replicas=3), nodes, ("n1", "n4"), "spread")) == {"n1", "n4", "n2"}
    assert nodes_for(ASKED, Options(replicas=1), nodes, ("n1", "n4"), "spread") == ("n4",), "the fuller one is left"


def test_a_copy_leaves_a_node_that_it_may_not_be_on() -> None:
    nodes = [node("n1", against="drained by ann"), node("n2"), node("n3")]
    assert set(nodes_for(ASKED, Options(replicas=2), nodes, ("n1", "n2"), "spread")) == {"n2", "n3"}


def test_too_few_nodes_is_a_refusal_with_every_reason() -> None:
    nodes = [node("n1"), node("n2", cpus=0.5), node("n3", against="its agent is away")]
    with pytest.raises(NoPlacement) as refused:
        nodes_for(ASKED, Options(replicas=2), nodes, (), "spread")
    assert refused.value.reasons["n1"] == "runs a copy already"
    assert "cpu" in refused.value.reasons["n2"]
    assert refused.value.reasons["n3"] == "its agent is away"


def test_copies_are_kept_even_over_a_label() -> None:
    """Two racks, one of them with three nodes: two copies each."""
    nodes = [
        node("a1", rack="a"),
        node("a2", rack="a"),
        node("a3", rack="a"),
        node("b1", rack="b"),
        node("b2", rack="b"),
    ]
    found = nodes_for(ASKED, Options(replicas=4, spread="rack"), nodes, (), "spread")
    assert sorted(name[0] for name in found) == ["a", "a", "b", "b"]


def test_a_global_application_is_on_every_node_that_can_take_it() -> None:
    nodes = [node("n3"), node("n1"), node("n2", against="cordoned by ann"), node("n4", against="its agent is away")]
    everywhere = Options(mode="global")
    assert nodes_for(ASKED, everywhere, nodes, (), "spread") == ("n1", "n3")
    assert nodes_for(ASKED, everywhere, nodes, ("n2", "n4"), "spread", {"n4"}) == ("n1", "n3", "n4")
    with pytest.raises(NoPlacement, match="cordoned by ann"):
        nodes_for(ASKED, everywhere, nodes[2:], (), "spread")


@settings(deadline=None)
@given(
    cpus=some.lists(some.floats(0, 4).map(lambda x: round(x, 1)), min_size=1, max_size=8),
    replicas=some.integers(1, 8),
    present=some.sets(some.integers(0, 7)),
    spread=some.sampled_from(["", "rack"]),
)
def test_a_feasible_number_is_never_refused_and_no_node_gets_two(
    cpus: list[float], replicas: int, present: set[int], spread: str
) -> None:
    """Refused exactly where fewer nodes have room; what fits and is there stays; the order of nodes does not matter."""
    nodes = [node(f"n{i}", much, rack=f"r{i % 3}") for i, much in enumerate(cpus)]
    there = {f"n{i}" for i in present}
    fit = {n.name for n in nodes if n.cpus >= 1.0}
    options = Options(replicas=replicas, spread=spread)
    if len(fit) < replicas:
        with pytest.raises(NoPlacement):
            nodes_for(ASKED, options, nodes, there, "spread")
        return
    found = nodes_for(ASKED, options, nodes, there, "spread")
    assert len({*found}) == len(found) == replicas
    assert {*found} <= fit
    assert len({*found} & there) == min(replicas, len(fit & there))
    assert found == nodes_for(ASKED, options, nodes[::-1], there, "spread")
