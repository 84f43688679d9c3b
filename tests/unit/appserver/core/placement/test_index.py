"""The index gives the answers of a full scan, whichever way it finds them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.placement import amounts
from appserver.core.placement.index import Index, can_accelerate
from appserver.core.placement.rank import STRATEGIES, Strategy
from appserver.core.placement.request import Candidate, Claim, Request, Resident
from tests.unit.appserver.core.placement import worlds
from tests.unit.appserver.core.placement.worlds import GIB

WAYS = [False, True] if can_accelerate() else [False]
# The first example makes the machine code, which takes seconds.
small = settings(deadline=None, max_examples=60)


@pytest.mark.parametrize("accelerated", WAYS)
@small
@given(worlds.nodes, worlds.requests, st.sampled_from(STRATEGIES), st.integers(0, 3))
def test_the_index_answers_as_a_full_scan_does(accelerated, nodes, wanted, strategy, seed) -> None:  # type: ignore[no-untyped-def]
    """Whatever is asked, of whatever nodes, one after the other: the same nodes."""
    index = Index(nodes, strategy, accelerated, seed)
    found = index.names(index.place(index.read(wanted)))
    assert found == worlds.one_by_one(wanted, nodes, strategy, seed)[0]


@pytest.mark.parametrize("accelerated", WAYS)
def test_what_is_of_no_group_is_kept_apart_from_nobody(accelerated: bool) -> None:
    """Containers of no group are not its replicas, in a full scan as little as in the index."""
    there = Resident("db", image="redis:latest", holder="there before")
    nodes = [Candidate("n0", 1.0, GIB, {"zone": "a"}), Candidate("n1", 1.0, GIB, residents=(there,))]
    wanted = [Request("h0", Claim(0.0, 0), spread_by="zone")]
    index = Index(nodes, "spread", accelerated)
    found = index.names(index.place(index.read(wanted)))
    assert found == worlds.one_by_one(wanted, nodes, "spread", 0)[0]


@pytest.mark.parametrize("accelerated", WAYS)
@small
@given(worlds.nodes, worlds.plain, st.randoms(use_true_random=False), st.sampled_from(["spread", "binpack"]))
def test_the_order_of_nodes_does_not_matter(accelerated, nodes, wanted, random, strategy) -> None:  # type: ignore[no-untyped-def]
    """A snapshot is a set: who lists it another way gets the same answers, and so does who asks again."""
    first, second = (Index(each, strategy, accelerated) for each in (nodes, random.sample(nodes, len(nodes))))
    assert first.names(first.place(first.read(wanted))) == second.names(second.place(second.read(wanted)))


@pytest.mark.parametrize("accelerated", WAYS)
@pytest.mark.parametrize("strategy", ["spread", "binpack"])
@pytest.mark.parametrize("seed", range(3))
def test_many_nodes_answer_as_a_full_scan_does(accelerated: bool, strategy: Strategy, seed: int) -> None:
    """Blocks fill, split and empty as containers come and go, and lose no node."""
    random = Random(seed)
    nodes = [_node(random, number) for number in range(400)]
    wanted = [_request(random, number) for number in range(1200)]
    index = Index(nodes, strategy, accelerated)
    plain = Index(nodes, strategy, accelerated=False)
    for first in range(0, len(wanted), 100):
        batch, same = (each.read(wanted[first : first + 100]) for each in (index, plain))
        rows = index.place(batch)
        assert index.names(rows) == plain.names(plain.place(same))
        gone = rows.copy()
        gone[:: random.choice([1, 2, 3])] = -1
        index.give(batch, gone)
        plain.give(same, gone)
        _in_order(index)
    chosen, after = worlds.one_by_one(wanted[:40], nodes, strategy)
    fresh = Index(nodes, strategy, accelerated)
    assert fresh.names(fresh.place(fresh.read(wanted[:40]))) == chosen
    again = Index(after, strategy, accelerated)
    for row, node in enumerate(again.table.nodes):
        assert fresh.table.free[:, fresh.table.rows[node.name]].tolist() == again.table.free[:, row].tolist()
    assert sorted(fresh.table.key.tolist()) == sorted(again.table.key.tolist())


@pytest.mark.parametrize("accelerated", WAYS)
@small
@given(worlds.nodes, worlds.plain, st.integers(0, 30), st.sampled_from(["spread", "binpack"]))
def test_many_alike_go_where_one_after_the_other_would(accelerated, nodes, wanted, count, strategy) -> None:  # type: ignore[no-untyped-def]
    """Water finds the level that pouring cup by cup comes to, and what follows is decided on it."""
    at_once, in_turn = (Index(nodes, strategy, accelerated) for _ in range(2))
    batch, same = at_once.read(wanted[:1]), in_turn.read(wanted[:1] * count)
    filled = at_once.fill(batch, count)
    assert filled == Counter(name for name in in_turn.names(in_turn.place(same)) if name)
    rest = [replace(one, holder=f"then {one.holder}") for one in wanted]
    first, second = (each.names(each.place(each.read(rest))) for each in (at_once, in_turn))
    assert first == second


@pytest.mark.parametrize("accelerated", WAYS)
@pytest.mark.parametrize("strategy", ["spread", "binpack"])
def test_a_thousand_alike_over_many_nodes(accelerated: bool, strategy: Strategy) -> None:
    """Five classes of nodes, none of them even: the same count on each as one after the other."""
    random = Random(7)
    nodes = [_node(random, number) for number in range(300)]
    at_once, in_turn = (Index(nodes, strategy, accelerated) for _ in range(2))
    for cpus, memory in ((0.02, 15 << 20), (0.0, 0), (0.3, 1 << 20), (0.0, 700 << 20)):
        alike = Request("job", Claim(cpus, memory))
        filled = at_once.fill(at_once.read([alike]), 1000)
        assert filled == Counter(name for name in in_turn.names(in_turn.place(in_turn.read([alike] * 1000))) if name)


@pytest.mark.parametrize("accelerated", WAYS)
@small
@given(worlds.nodes, worlds.requests, st.sampled_from(STRATEGIES))
def test_no_dimension_of_a_node_is_ever_overcommitted(accelerated, nodes, wanted, strategy) -> None:  # type: ignore[no-untyped-def]
    """Cpus, memory, ports' owners, slots and all that is counted: what was taken was free before."""
    index = Index(nodes, strategy, accelerated)
    index.place(index.read(wanted))
    before = {node.name: amounts.free(node) for node in nodes}
    for row, node in enumerate(index.table.nodes):
        for resource, left in zip(index.table.resources, index.table.free[:, row].tolist(), strict=True):
            assert left >= min(0, before[node.name].get(resource, 0))


def test_what_no_node_has_is_refused_and_takes_nothing() -> None:
    """A resource that nobody declares is not one that everybody has."""
    index = Index([Candidate("a", 4, GIB), Candidate("b", 4, GIB)])
    rows = index.place(index.read([Request("x", Claim(counted={"fpga": 1})), Request("y", Claim(counted={"fpga": 0}))]))
    assert index.names(rows) == [None, "a"]


def test_what_runs_before_it_is_asked_about_counts() -> None:
    """A mark that nobody had asked about when it was made is remembered."""
    index = Index([Candidate("a", 4, GIB), Candidate("b", 4, GIB)], "binpack")
    index.place(index.read([Request("x", Claim(1), image="web:1"), Request("y", Claim(1), image="web:2")]))
    unique = [Request(f"u{n}", Claim(), image="web:1", type="unique") for n in range(2)]
    assert index.names(index.place(index.read(unique))) == ["b", None]


def _in_order(index: Index) -> None:
    table = index.table
    assert (table.free >= 0).all()
    assert len(set(table.key.tolist())) == len(table.nodes)


def _node(random: Random, number: int) -> Candidate:
    cpus, memory = random.choice([(8, 32), (16, 64), (16, 32), (48, 192), (96, 384)])
    taken = Claim(round(random.random() * cpus, 3), int(random.random() * memory * GIB))
    labels = {"zone": random.choice("abc"), "rack": str(number // 5)}
    return Candidate(f"n{number:04}", cpus, memory * GIB + random.randrange(4096), labels, {"p.q": taken})


def _request(random: Random, number: int) -> Request:
    ports = (("", str(random.choice([80, 443, 8080])), "tcp"),) if random.random() < 0.1 else ()
    zone = random.choice([(), (), (), ("zone==a",), ("zone!=b",), ("rack==7",)])
    claim = Claim(round(random.lognormvariate(0, 1), 2), int(random.lognormvariate(0, 1) * 2 * GIB), ports)
    kind = random.choice(["", "", "", "service", "unique"])
    return Request(f"h{number}", claim, zone, type=kind, image=f"i:{random.randrange(40)}")
