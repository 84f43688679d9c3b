"""Filters refuse with a reason; the rank chooses among those that are left."""

from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.fleet import Cluster
from appserver.core.placement.filters import FILTERS, first_reason
from appserver.core.placement.place import place
from appserver.core.placement.rank import STRATEGIES
from appserver.core.placement.request import Candidate, Claim, Port, Request
from appserver.errors import NoPlacement

GIB = 2**30


def node(name: str = "n1", **kind: object) -> Candidate:
    return Candidate(**{"name": name, "cpus": 4.0, "memory": 8 * GIB, **kind})  # type: ignore[arg-type]


def wanted(**kind: object) -> Request:
    return Request(**{"holder": "default.shop", "claim": Claim(1.0, GIB), **kind})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "candidate", "reason"),
    [
        (wanted(), node(against="its agent is away"), "its agent is away"),
        (wanted(constraints=("storage==ssd",)), node(), "constraint storage==ssd: storage is not set"),
        (
            wanted(constraints=("storage!=ssd",)),
            node(labels={"storage": "ssd"}),
            "constraint storage!=ssd: storage is ssd",
        ),
        (wanted(claim=Claim(0, 9 * GIB)), node(), "needs 9G of memory, 8G free"),
        (wanted(claim=Claim(2)), node(reserved={"a.b": Claim(3)}), "needs 2 cpus, 1 free"),
        (
            wanted(claim=Claim(ports=(("", "80", "tcp"),))),
            node(reserved={"a.b": Claim(ports=(("127.0.0.1", "80", "tcp"),))}),
            "port 80/tcp is taken by a.b",
        ),
    ],
)
def test_a_filter_names_its_reason(request_: Request, candidate: Candidate, reason: str) -> None:
    """A node that cannot take it is refused, and the reason says what is missing."""
    with pytest.raises(NoPlacement) as refused:
        place(request_, [candidate])
    assert refused.value.reasons == {"n1": reason}


@pytest.mark.parametrize(
    "request_",
    [
        wanted(constraints=("storage==s*", "node==n?", "zone==~west")),
        wanted(claim=Claim(4.0, 8 * GIB)),
        wanted(claim=Claim(ports=(("127.0.0.1", "80", "udp"),))),
    ],
)
def test_what_fits_exactly_is_placed(request_: Request) -> None:
    """Globs match, soft constraints never refuse, and what the application holds itself does not count against it."""
    candidate = node(labels={"storage": "ssd"}, reserved={"default.shop": Claim(4.0, 8 * GIB, (("", "80", "udp"),))})
    assert place(request_, [candidate]).node == "n1"


def test_soft_constraints_choose_among_nodes_that_fit() -> None:
    """A wish decides before the rank does."""
    nodes = [node("a"), node("b", labels={"zone": "west"}, reserved={"x.y": Claim(2.0)})]
    assert place(wanted(constraints=("zone==~west",)), nodes).node == "b"


def test_spread_takes_the_emptiest_and_binpack_the_fullest() -> None:
    """The two strategies are each other's opposite."""
    nodes = [node("a", reserved={"x.y": Claim(2.0)}), node("b")]
    assert (place(wanted(), nodes, "spread").node, place(wanted(), nodes, "binpack").node) == ("b", "a")


def test_random_scatters_and_answers_the_same_each_time() -> None:
    """Other applications go elsewhere, whatever is reserved; one application's plan does not change by itself."""
    nodes = [node("a", reserved={"x.y": Claim(2.0)}), node("b"), node("c")]
    chosen = [place(wanted(holder=f"default.app{n}"), nodes, "random").node for n in range(300)]
    assert chosen == [place(wanted(holder=f"default.app{n}"), nodes[::-1], "random").node for n in range(300)]
    assert all(chosen.count(name) > 60 for name in "abc")


def test_a_cluster_may_have_each_strategy_that_can_be_asked_for() -> None:
    """What the record admits, a plan can rank by."""
    assert set(STRATEGIES) == set(get_args(get_type_hints(Cluster)["strategy"]))


def test_an_application_stays_where_it_is_while_it_fits() -> None:
    """A redeployment does not move containers for the sake of balance."""
    nodes = [node("a", reserved={"x.y": Claim(2.0)}), node("b")]
    assert place(wanted(stays_on="a"), nodes).node == "a"


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (("", "8005", "tcp"), ("", "8000-8010", "tcp"), True),
        (("", "8010-8020", "tcp"), ("", "8000-8010", "tcp"), True),
        (("", "8011-8020", "tcp"), ("", "8000-8010", "tcp"), False),
        (("", "800", "tcp"), ("", "8000-8010", "tcp"), False),
        (("0.0.0.0", "80", "tcp"), ("127.0.0.1", "80", "tcp"), True),
        (("::", "80", "tcp"), ("127.0.0.1", "80", "tcp"), True),
        (("[::]", "80", "tcp"), ("::1", "80", "tcp"), True),
        (("::1", "80", "tcp"), ("0:0:0:0:0:0:0:1", "80", "tcp"), True),
        (("127.0.0.1", "80", "tcp"), ("127.0.0.2", "80", "tcp"), False),
        (("127.0.0.1", "80", "tcp"), ("::1", "80", "tcp"), False),
        (("", "8000-8010", "udp"), ("", "8005", "tcp"), False),
    ],
)
def test_ports_clash_where_both_would_be_bound(one: Port, other: Port, clash: bool) -> None:
    """Ranges, addresses and protocols are compared as what they mean, from either side."""
    for mine, theirs in ((one, other), (other, one)):
        reason = first_reason(
            FILTERS, wanted(claim=Claim(ports=(mine,))), node(reserved={"a.b": Claim(ports=(theirs,))})
        )
        assert reason == (f"port {mine[1]}/{mine[2]} is taken by a.b" if clash else None)


memory_ = st.integers(0, 100).map(lambda much: much << 20)
nodes_ = st.lists(
    st.builds(
        Candidate,
        st.sampled_from("abcdefgh"),
        st.floats(0.5, 8),
        memory_,
        reserved=st.dictionaries(st.sampled_from(["p.q", "r.s"]), st.builds(Claim, st.floats(0, 4), memory_)),
    ),
    max_size=6,
    unique_by=lambda n: n.name,
)


@settings(deadline=None)
@given(nodes_, st.builds(Claim, st.floats(0, 8), memory_), st.sampled_from(STRATEGIES), st.randoms())
def test_no_node_over_its_capacity_and_nothing_feasible_refused(nodes, claim, strategy, random) -> None:  # type: ignore[no-untyped-def]
    """Whatever the nodes: a chosen one has room, a refusal means none had, and their order does not matter."""
    asked = wanted(claim=claim)
    feasible = {n.name for n in nodes if first_reason(FILTERS, asked, n) is None}
    shuffled = random.sample(nodes, len(nodes))
    try:
        chosen = place(asked, nodes, strategy).node
    except NoPlacement as refused:
        assert not feasible and set(refused.reasons) == {n.name for n in nodes}
        return
    assert chosen in feasible
    assert place(asked, shuffled, strategy).node == chosen
    target = next(n for n in nodes if n.name == chosen)
    held = sum(c.memory for c in target.reserved.values())
    assert not claim.memory or held + claim.memory <= target.memory  # who asks for none takes none, of a full node too
