"""The final yes or no, on what a node's reservation is now."""

from __future__ import annotations

from hypothesis import given

from appserver.core.placement.filters import first_reason
from appserver.core.placement.manager import LooseEnds, approve, approve_all, loose_ends, with_request
from appserver.core.placement.request import Candidate, Claim, Request, Reservation, Resident
from appserver.core.placement.schedulers import filters
from tests.unit.appserver.core.placement import worlds

NODE = Candidate("n1", 4, 2**30, reserved={"there": Claim(2)})


def asks(holder: str, cpus: float = 1, **kind: object) -> Request:
    return Request(**{"holder": holder, "claim": Claim(cpus), **kind})  # type: ignore[arg-type]


def test_what_still_fits_is_approved_though_the_node_has_changed() -> None:
    """The schedulers' snapshot may be old; fit decides."""
    found = approve([asks("a"), asks("b")], NODE)
    assert found.yes and found.approved == ("a", "b")
    assert found.reservation == Reservation({"there": Claim(2), "a": Claim(1), "b": Claim(1)})


def test_each_is_decided_on_what_those_before_it_left() -> None:
    """Part of a batch may be refused, with its reason, and the rest be written."""
    found = approve([asks("a", 2), asks("b"), asks("c", 0)], NODE)
    assert not found.yes and found.approved == ("a", "c")
    assert found.refused == (("b", "needs 1 cpus, 0 free"),)
    assert set(found.reservation.holders) == {"there", "a", "c"}


def test_what_a_type_asks_for_is_asked_again() -> None:
    """Two schedulers each thought they had the only container of the image."""
    found = approve([asks(name, image="web:1", type="unique", name=name) for name in ("a", "b")], NODE)
    assert found.refused == (("b", "runs web:1 already, as a"),)


def test_a_holder_that_asks_again_replaces_what_it_had() -> None:
    """An update of a container does not need room for two."""
    assert approve([asks("there", 4)], NODE).reservation == Reservation({"there": Claim(4)})


def test_of_a_group_all_are_approved_or_none() -> None:
    """One refusal, and nothing is written on any node."""
    nodes = {"n1": NODE, "n2": Candidate("n2", 1, 2**30)}
    assert all(one.yes for one in approve_all({"n1": [asks("a")], "n2": [asks("b")]}, nodes).values())
    found = approve_all({"n1": [asks("a")], "n2": [asks("b", 2)], "n3": [asks("c")]}, nodes)
    assert not any(one.approved or one.yes for one in found.values())
    assert found["n1"].reservation == Reservation(NODE.reserved)
    assert found["n1"].refused == (("a", "its group was refused on n2, n3"),)
    assert found["n3"].refused == (("c", "the node is gone"),)


def test_loose_ends_are_released_or_reported() -> None:
    """A reservation whose container never came goes with its lease; a container without one is somebody's business."""
    reserved = {"runs": Claim(1), "coming": Claim(1), "lost": Claim(1)}
    there = (Resident("r", holder="runs"), Resident("stranger"))
    assert loose_ends(reserved, there, {"coming"}) == LooseEnds(("lost",), ("stranger",))


@given(worlds.nodes, worlds.requests)
def test_many_at_once_are_approved_as_one_after_the_other(nodes: list[Candidate], wanted: list[Request]) -> None:
    """What the sum of them tells is what each of them would have been told."""
    for node in nodes[:2]:
        now, approved, refused = node, [], []
        for one in wanted:
            why = first_reason(filters(one.type), one, now)
            (refused if why else approved).append((one.holder, why) if why else one.holder)
            now = now if why else with_request(now, one)
        found = approve(wanted, node)
        assert (found.approved, found.refused) == (tuple(approved), tuple(refused))
        assert found.reservation == Reservation(now.reserved)
