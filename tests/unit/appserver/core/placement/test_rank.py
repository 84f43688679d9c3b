"""Ranks: what each strategy prefers, and how."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.placement import rank
from appserver.core.placement.place import place
from appserver.core.placement.request import Candidate, Claim, Request, Resident

GIB = 2**30


def node(name: str, cpus: float = 8, **kind: object) -> Candidate:
    return Candidate(**{"name": name, "cpus": cpus, "memory": 32 * GIB, **kind})  # type: ignore[arg-type]


def asks(**kind: object) -> Request:
    return Request(**{"holder": "new", "claim": Claim(1, GIB), **kind})  # type: ignore[arg-type]


SMALL, LARGE = node("small", 2, memory=8 * GIB), node("large", 64, memory=256 * GIB, reserved={"a": Claim(3, GIB)})
IDLE = Claim()


@pytest.mark.parametrize(
    ("strategy", "nodes", "wanted", "chosen"),
    [
        ("spread", [node("a", reserved={"x": Claim(2)}), node("b")], asks(), "b"),
        ("binpack", [node("a"), node("b", reserved={"x": Claim(2)})], asks(), "b"),
        ("spread", [SMALL, LARGE], asks(), "large"),
        ("binpack", [LARGE, SMALL], asks(), "small"),
        ("spread", [node("b"), node("a")], asks(), "a"),
        ("binpack", [node("b"), node("a")], asks(), "a"),
        ("spread", [node("a", reserved={"x": IDLE}), node("b")], asks(claim=IDLE), "b"),
        ("binpack", [node("a"), node("b", reserved={"x": IDLE})], asks(claim=IDLE), "b"),
        ("spread", [node("a", reserved={"x": Claim(1)}), node("b", beyond=Claim(2))], asks(), "a"),
        ("binpack", [node("a", reserved={"x": Claim(8)}), node("b")], asks(), "b"),
        ("spread", [node("a", labels={"zone": "west"}), node("b")], asks(constraints=("zone!=~west",)), "b"),
        ("spread", [node("a", reserved={"x": Claim(2)}, images=frozenset({"i:1"})), node("b")],
         asks(image="i:1", prefer_image=True), "a"),
        ("spread", [node("a"), node("b", reserved={"x": Claim(2)})], asks(stays_on="b"), "b"),
    ],
)  # fmt: skip
def test_a_strategy_prefers(strategy: rank.Strategy, nodes: list[Candidate], wanted: Request, chosen: str) -> None:
    """The share a node would have decides, then how many it holds, then its name; wishes come before all of it."""
    assert place(wanted, nodes, strategy).node == chosen
    assert place(wanted, nodes[::-1], strategy).node == chosen


def test_a_group_is_even_over_the_values_of_a_label() -> None:
    """Domains, not nodes, are counted; those without the label are one too, and so is one that refuses."""
    here = Resident("web-1", group="web", holder="web/1")
    nodes = [
        node("a1", labels={"zone": "a"}, residents=(here,), against="its agent is away"),
        node("a2", labels={"zone": "a"}),
        node("b1", labels={"zone": "b"}, reserved={"x": Claim(6)}),
    ]
    assert place(asks(group="web", spread_by="zone"), nodes).node == "b1"
    assert place(asks(group="other", spread_by="zone"), nodes).node == "a2"


def test_chance_is_even_and_another_seed_another_chance() -> None:
    """Each of five nodes gets its share of a thousand, and the same one for the same request again."""
    nodes = [node(name, 1000) for name in "abcde"]
    chosen = [place(asks(holder=f"h{n}"), nodes, "random", seed=1).node for n in range(1000)]
    assert all(150 < chosen.count(name) < 250 for name in "abcde")
    assert chosen == [place(asks(holder=f"h{n}"), nodes[::-1], "random", seed=1).node for n in range(1000)]
    assert chosen != [place(asks(holder=f"h{n}"), nodes, "random", seed=2).node for n in range(1000)]


def test_scores_tell_why() -> None:
    """Best first, each with the share that the node would have: what a page shows."""
    placed = place(asks(claim=Claim(2, 8 * GIB)), [node("a", reserved={"x": Claim(2, 0)}), node("b"), node("c", 1)])
    assert [(score.node, round(score.share, 3)) for score in placed.scores] == [("b", 0.5), ("a", 0.75)]
    assert placed.refused == {"c": "needs 2 cpus, 1 free"}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1000, 128_000), st.integers(2**21, 2**29)), max_size=200))
def test_shapes_are_few_whatever_the_sizes(sizes) -> None:  # type: ignore[no-untyped-def]
    """Hosts that report a few bytes more or less are of one shape; with few sizes each keeps its own."""
    nodes = [Candidate(f"n{n}", cpus / 1000, memory * 1024) for n, (cpus, memory) in enumerate(sizes)]
    found = rank.shapes(nodes)
    assert len(set(found)) <= rank.MOST_SHAPES
    if len(set(sizes)) <= rank.MOST_SHAPES:
        assert all(shape.cpus == rank.SCALE // cpus for shape, (cpus, _) in zip(found, sizes, strict=True))
