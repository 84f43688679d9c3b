"""Where a deployment is to run: what it says of that itself, and what becomes of it when it is placed anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from appserver.core.deploy import decide, restore
from appserver.core.placement.request import Candidate, Resident
from appserver.errors import InvalidMany, NoPlacement
from tests.unit.appserver.core.deploying import ANN, BASE, KEY, OPERATOR, WANTED, after, seal, seen


def test_a_cluster_without_room_is_told_why() -> None:
    """Each node's first reason."""
    with pytest.raises(NoPlacement, match="its agent is away"):
        decide(WANTED, seen(candidates=(Candidate("n1", 1, 1, against="its agent is away"),)), ANN, seal)


@pytest.mark.parametrize("key", ["zone", "token"])
@pytest.mark.parametrize("said", ["environment", "deploy"])
def test_a_revision_that_is_placed_anew_keeps_its_constraints(said: str, key: str) -> None:
    """Its node is drained: there is one that suits it, and one that comes first by name and load, and does not."""
    swarms = {"placement": {"constraints": [f"node.labels.{key}==b"]}}
    more = {"environment": {f"constraint:{key}": "=b"}} if said == "environment" else {"deploy": swarms}
    base = {**BASE, "services": {**BASE["services"], "db": {**BASE["services"]["db"], **more}}}  # type: ignore[index]
    nodes = tuple(Candidate(f"n{n}", 2.0, 2**30, {key: zone}) for n, zone in ((1, "b"), (2, "a"), (3, "b")))
    first = decide(WANTED, seen(base=base, candidates=nodes), ANN, seal)
    assert first.node == "n1"
    drained = (replace(nodes[0], against="drained by ann"), *nodes[1:])
    assert first.record is not None
    moved = restore(KEY, first.record, after(first, base=base, candidates=drained), OPERATOR, "drained", because="n1")
    assert moved.nodes == ("n3",)
    with pytest.raises(NoPlacement, match=f"constraint {key}==b: {key} is a"):
        restore(KEY, first.record, after(first, base=base, candidates=drained[:2]), OPERATOR, "drained")


def beside(*said: str) -> Mapping[str, object]:
    """The project, with these affinities among the variables of `db`."""
    pairs = [text.partition("=") for text in said]
    more = {"environment": {f"affinity:{name}": rest for name, _, rest in pairs}}
    return {**BASE, "services": {**BASE["services"], "db": {**BASE["services"]["db"], **more}}}  # type: ignore[index]


def homes(**residents: str) -> tuple[Candidate, ...]:
    """Nodes, by the container of somebody else that runs there; "" for none."""
    there = {
        n: (Resident(name, "redis:7", id=f"id-{name}", holder=f"default.{name}"),) for n, name in residents.items()
    }
    return tuple(
        Candidate(
            n, 2.0, 2**30, residents=some if some[0].name else (), images=frozenset({"redis:7"} if some[0].name else ())
        )
        for n, some in there.items()
    )


@pytest.mark.parametrize(
    ("said", "node"),
    [
        ("container==front", "n2"),
        ("container!=ba*", "n2"),
        ("image==redis:*", "n1"),
        ("image!=redis:7", "n3"),
        ("container==~front", "n2"),
        ("container!=~ba*", "n2"),
        ("container==~nobody", "n1"),
        ("container==shop-web-1", "n1"),
        ("container!=shop-*", "n1"),
    ],
)
def test_an_affinity_says_near_what_it_runs(said: str, node: str) -> None:
    """A demand refuses, a wish ranks. Its own containers are with it wherever it is."""
    plan = decide(WANTED, seen(base=beside(said), candidates=homes(n1="back", n2="front", n3="")), ANN, seal)
    assert plan.nodes == (node,)


def test_an_affinity_that_holds_nowhere_refuses() -> None:
    """Each node says so; one to a service of another project that is not there yet is no exception."""
    with pytest.raises(NoPlacement, match="affinity container==nobody does not hold"):
        decide(WANTED, seen(base=beside("container==nobody"), candidates=homes(n1="back", n2="")), ANN, seal)


@pytest.mark.parametrize("said", ["container==front", "container==~front"])
def test_a_revision_that_is_placed_anew_keeps_its_affinities(said: str) -> None:
    """A rollback, a drain and the loss of a node go by them."""
    first = decide(WANTED, seen(base=beside(said), candidates=homes(n1="front", n2="back", n3="front")), ANN, seal)
    assert first.nodes == ("n1",)
    assert first.record is not None
    nodes = homes(n1="front", n2="back", n3="front")
    drained = (replace(nodes[0], against="drained by ann"), *nodes[1:])
    moved = restore(KEY, first.record, after(first, candidates=drained), OPERATOR, "drained", because="n1")
    assert moved.nodes == ("n3",)


def test_what_is_said_anew_of_where_it_runs_is_a_revision() -> None:
    """Though it stays where it is, and no container changes: a drain would go by the old word."""
    nodes = homes(n1="front", n2="front")
    first = decide(WANTED, seen(base=BASE, candidates=nodes), ANN, seal)
    bound = after(first, base=beside("container==front"), candidates=nodes)
    second = decide(WANTED, bound, ANN, seal)
    assert (second.changed, second.revision, second.nodes) == (True, 2, ("n1",))
    assert "placement: update — affinity container==front" in second.text
    third = decide(WANTED, after(second, base=beside("container==front"), candidates=nodes), ANN, seal)
    assert (third.changed, third.text) == (False, "nothing to do\n")


def test_an_affinity_to_labels_of_containers_is_refused() -> None:
    """No record has them, so it could not be held to; of a wish it is told."""
    with pytest.raises(InvalidMany, match="affinity:tier==front cannot be held to") as told:
        decide(WANTED, seen(base=beside("tier==front")), ANN, seal)
    assert [where for where, _ in told.value.faults] == ["compose.yaml"]
    plan = decide(WANTED, seen(base=beside("tier==~front")), ANN, seal)
    assert any("affinity:tier==~front" in text for text in plan.warnings)


def test_a_swarm_cannot_be_told_of_affinities() -> None:
    """They count for nothing there, and the plan says so."""
    nodes = homes(n1="back", n2="front")
    plan = decide(WANTED, seen(base=beside("container==nobody"), candidates=nodes, in_swarm=True), ANN, seal)
    assert "db: affinity:container==nobody does not steer where a stack runs: Swarm has no such thing" in plan.warnings
