"""A few moves make room for what was refused."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.placement.index import Index, can_accelerate
from appserver.core.placement.repair import MOST_MOVES, Move, Repair, repair
from appserver.core.placement.request import Candidate, Claim, Request

GIB = 2**30
WAYS = [False, True] if can_accelerate() else [False]


def node(name: str, **kind: object) -> Candidate:
    return Candidate(**{"name": name, "cpus": 4.0, "memory": 4 * GIB, **kind})  # type: ignore[arg-type]


def asks(holder: str, cpus: float, memory: int = 0, **kind: object) -> Request:
    """`memory` in GiB."""
    claim = Claim(cpus, memory * GIB)
    return Request(**{"holder": holder, "claim": claim, "reschedulable": True, **kind})  # type: ignore[arg-type]


def world(nodes: list[Candidate], on: dict[str, list[Request]]) -> Index:
    index = Index(nodes, accelerated=False)
    for name, there in on.items():
        index.take(index.read(there), np.full(len(there), index.table.rows[name], dtype=np.int32))
    return index


def test_one_container_moves_where_that_is_enough() -> None:
    """The smallest that makes room, to where it fits; the index then has both."""
    on = {"a": [asks("a1", 2), asks("a2", 1.5)], "b": [asks("b1", 2.2)]}
    index = world([node("a"), node("b")], on)
    wanted = asks("new", 2)
    assert index.place(index.read([wanted])).tolist() == [-1]
    assert repair(index, wanted, lambda name: on[name]) == Repair("a", (Move("a2", "a", "b"),))
    assert index.table.free[0, [index.table.rows[name] for name in "ab"]].tolist() == [0, 300]


def test_two_containers_change_places_where_neither_finds_room_elsewhere() -> None:
    """One node has cpu left, the other memory: neither is of use to the request, until they exchange."""
    on = {
        "a": [asks("a1", 2, memory=3), asks("a2", 1, memory=1)],
        "b": [asks("b1", 2, memory=1), asks("b2", 2)],
    }
    index = world([node("a"), node("b")], on)
    found = repair(index, asks("new", 1, memory=1), lambda name: on[name])
    assert found == Repair("a", (Move("a1", "a", "b"), Move("b2", "b", "a")))
    assert index.table.free[0, [index.table.rows[name] for name in "ab"]].tolist() == [0, 0]


@pytest.mark.parametrize(
    "changed",
    [
        {"reschedulable": False},
        {"constraints": ("node==a",)},
    ],
)
def test_what_may_not_or_cannot_move_stays(changed: dict[str, Any]) -> None:
    """Nothing is moved, and nothing has changed in the index."""
    on = {"a": [asks("a1", 2, **changed), asks("a2", 1.5, **changed)], "b": [asks("b1", 2.2, **changed)]}
    index = world([node("a"), node("b")], on)
    before = index.table.free.copy(), index.table.key.copy()
    assert repair(index, asks("new", 2, constraints=("node==a",)), lambda name: on[name]) is None
    assert (index.table.free == before[0]).all() and (index.table.key == before[1]).all()


def test_a_node_that_it_may_not_be_on_is_not_emptied_for_it() -> None:
    """Constraints, health and ports are no question of room."""
    on = {"a": [asks("a1", 2), asks("a2", 2)]}
    index = world([node("a", against="its agent is away"), node("b", cpus=1.0)], on)
    assert repair(index, asks("new", 2), lambda name: on.get(name, [])) is None


@pytest.mark.parametrize("accelerated", WAYS)
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_a_repair_is_at_most_three_moves_and_leaves_no_node_over_its_capacity(accelerated: bool, seed: int) -> None:
    """Whatever is tried: afterwards the index is the sum of what runs, or what it was."""
    random = Random(seed)
    nodes = [node(f"n{n}", cpus=random.choice([2.0, 4.0, 8.0])) for n in range(5)]
    index = Index(nodes, "binpack", accelerated)
    running: dict[str, list[Request]] = defaultdict(list)
    for number in range(40):
        one = asks(f"h{number}", random.choice([0.3, 0.7, 1.1, 1.9]), reschedulable=random.random() < 0.8)
        one = replace(one, claim=Claim(one.claim.cpus, random.choice([1, 2, 3]) * GIB // 4))
        name = index.names(index.place(index.read([one])))[0]
        if name is None and (found := repair(index, one, lambda name: running[name])):
            name = found.node
            assert 1 <= len(found.moves) <= MOST_MOVES
            for move in found.moves:
                moved = next(each for each in running[move.source] if each.holder == move.holder)
                assert moved.reschedulable and found.node in (move.source, move.target) and move.source != move.target
                running[move.source].remove(moved)
                running[move.target].append(moved)
        if name is not None:
            running[name].append(one)
    for each in nodes:
        there = running[each.name]
        left = index.table.free[:2, index.table.rows[each.name]].tolist()
        assert min(left) >= 0
        assert left[0] == each.cpus * 1000 - sum(round(one.claim.cpus * 1000) for one in there)
        assert left[1] == (each.memory - sum(one.claim.memory for one in there)) // 1024
