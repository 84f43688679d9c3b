"""Many groups at once: nodes as one after the other would get, each group whole, transactions as large as may be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from appserver.core.placement.index import Index
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.core.placement.together import asks_who_is_there, decide, loads

NODES = (Candidate("n1", 4, 2**30), Candidate("n2", 2, 2**30))


def asks(holder: str, cpus: float = 1, **kind: object) -> Request:
    return Request(**{"holder": holder, "claim": Claim(cpus), **kind})  # type: ignore[arg-type]


def decided(
    groups: Sequence[Sequence[Request]], *parts: Sequence[Candidate]
) -> tuple[list[tuple[str, ...] | None], list[Index]]:
    indexes = [Index(part, "spread", False) for part in parts or (NODES,)]
    return decide(lambda: indexes, groups), indexes


def test_each_group_is_decided_on_what_those_before_it_left() -> None:
    """Groups of one, and of many, in their order."""
    found, _ = decided([[asks("a")], [asks("b"), asks("c")], [asks("d")], [asks("e", 2)]])
    assert found == [("n1",), ("n2", "n1"), ("n1",), None]


def test_of_a_group_that_does_not_fit_nothing_is_taken() -> None:
    """Those after it find the room that its first containers would have had."""
    found, (index,) = decided([[asks("a", 3), asks("b", 3)], [asks("c", 4)], []])
    assert found == [None, ("n1",), ()]
    assert sum(index.table.free[0]) == 2000


def test_others_nodes_are_asked_when_ones_own_have_no_room() -> None:
    """And not before."""
    found, (mine, others) = decided([[asks("a", 2), asks("b", 2)], [asks("c", 3)]], NODES[1:], NODES[:1])
    assert found == [("n2", "n1"), None]
    assert (int(mine.table.free[0][0]), int(others.table.free[0][0])) == (0, 2000)


@pytest.mark.parametrize("kind", [{"type": "unique"}, {"affinities": ("container==db",)}, {"spread_by": "zone"}])
def test_some_decisions_look_at_who_is_there(kind: dict[str, object]) -> None:
    """For them residents have to be known, of all nodes."""
    assert asks_who_is_there(asks("a", **kind), "spread")
    assert not asks_who_is_there(asks("a", constraints=("zone==a",)), "spread")
    assert asks_who_is_there(asks("a"), "random")


def test_groups_on_the_same_nodes_share_a_transaction() -> None:
    """As many as fit; what is larger than one goes alone, and in one."""
    groups = [[asks("a")], [asks("b")], [asks(f"c{n}") for n in range(6)], [asks("d")]]
    nodes = {0: ("n1",), 1: ("n2",), 2: ("n1", "n1", "n1", "n2", "n2", "n3"), 3: ("n1",)}
    found = list(loads(nodes, groups, lambda count, containers: count + containers <= 5))
    assert [(load.groups, load.containers) for load in found] == [([0, 3], 2), ([2], 6), ([1], 1)]
    assert [sorted(load.nodes) for load in found] == [["n1"], ["n1", "n2", "n3"], ["n2"]]
    assert [one.holder for one in found[1].nodes["n1"]] == ["c0", "c1", "c2"]
