"""What a refusal says: the first reason of each node, and the nearest thing to ask for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.placement.place import place
from appserver.core.placement.rank import STRATEGIES
from appserver.core.placement.refusal import nearest
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.core.placement.schedulers import filters
from appserver.errors import NoPlacement
from tests.unit.appserver.core.placement import worlds

GIB = 2**30


def node(name: str, **kind: object) -> Candidate:
    return Candidate(**{"name": name, "cpus": 4.0, "memory": 8 * GIB, **kind})  # type: ignore[arg-type]


def asks(**kind: object) -> Request:
    return Request(**{"holder": "new", "claim": Claim(1, GIB), **kind})  # type: ignore[arg-type]


FULL = node("full", reserved={"x": Claim(3.5, 7 * GIB, (("", "80", "tcp"), ("", "81", "tcp")))})


@pytest.mark.parametrize(
    ("wanted", "nodes", "said"),
    [
        (asks(), [FULL], "full could take it with 0.5 cpus instead of 1"),
        (asks(claim=Claim(8, 16 * GIB)), [FULL, node("empty")],
         "empty could take it with 4 cpus instead of 8, 8G of memory instead of 16G"),
        (asks(claim=Claim(0.5, GIB, (("", "80", "tcp"),))), [FULL], "full could take it with port 82 instead of 80"),
        (asks(constraints=("zone==a", "disk!=b")), [node("n")], "n could take it with no constraint zone==a"),
        (asks(type="service", labels=("ssd",)), [node("n")], "n could take it with no label ssd"),
        (asks(constraints=("zone==a",)), [node("n"), node("full", labels={"zone": "a"}, reserved={"x": Claim(3.9)})],
         "full could take it with 0.1 cpus instead of 1"),
        (asks(claim=Claim(counted={"gpus": 2})), [node("g", counted={"gpus": 1})],
         "g could take it with 1 gpus instead of 2"),
        (asks(), [node("n", against="its agent is away")], ""),
        (asks(), [], ""),
    ],
)  # fmt: skip
def test_the_nearest_thing_to_ask_for(wanted: Request, nodes: list[Candidate], said: str) -> None:
    """Amounts are given up before demands, and as little as will do."""
    with pytest.raises(NoPlacement) as refused:
        place(wanted, nodes)
    assert refused.value.nearest == said
    assert set(refused.value.reasons) == {n.name for n in nodes}
    assert said in str(refused.value)


@settings(deadline=None)
@given(worlds.nodes, worlds.requests)
def test_what_is_said_to_fit_does_fit(nodes: Any, wanted: Any) -> None:
    """Whoever asks for it instead gets that node or a better one."""
    for one in wanted:
        found = nearest(one, nodes, filters(one.type))
        if found:
            chosen = place(found.wanted, [n for n in nodes if n.name == found.node])
            assert chosen.node == found.node


@settings(deadline=None)
@given(worlds.nodes, worlds.requests, st.sampled_from(STRATEGIES))
def test_a_refusal_gives_every_node_s_reason(nodes: Any, wanted: Any, strategy: Any) -> None:
    """And a request that some node has no reason against is not refused."""
    for one in wanted:
        try:
            placed = place(one, nodes, strategy)
        except NoPlacement as refused:
            assert set(refused.reasons) == {n.name for n in nodes} and all(refused.reasons.values())
        else:
            assert placed.node not in placed.refused
            assert {score.node for score in placed.scores} | set(placed.refused) == {n.name for n in nodes}
