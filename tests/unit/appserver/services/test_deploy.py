"""What deployments reserve on a node while it is open which revision stays, and once it is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from appserver.core.entities import Outcome, Phase
from appserver.errors import NoPlacement
from appserver.store import keys
from appserver.store.records import read
from tests.unit.appserver.services.yard import BLOG, SHOP, Yard


@pytest.fixture
def yard() -> Yard:
    """`shop` is in force on n1, at port 8080."""
    made = Yard("n1")
    made.roll_out(SHOP, "8080")
    made.end(SHOP, "done")
    return made


def test_a_port_stays_reserved_until_it_is_settled_who_needs_it(yard: Yard) -> None:
    """Neither the port that a put-back needs nor the one that a success needs can be had by another."""
    yard.roll_out(SHOP, "9090")
    for port in ("8080", "9090"):
        with pytest.raises(NoPlacement, match=f"port {port}/tcp is taken by default.shop"):
            yard.roll_out(BLOG, port)


@pytest.mark.parametrize(("phase", "kept", "free"), [("done", "9090", "8080"), ("failed", "8080", "9090")])
def test_what_is_settled_reserves_what_stays_and_no_more(yard: Yard, phase: Phase, kept: str, free: str) -> None:
    """The other revision's claim is free for everybody."""
    yard.roll_out(SHOP, "9090")
    yard.end(SHOP, phase)
    assert yard.reserved(SHOP) == [kept]
    yard.roll_out(BLOG, free)


def test_a_roll_out_overtaken_by_another_keeps_what_was_in_force(yard: Yard) -> None:
    """Whichever of three it comes down to."""
    yard.roll_out(SHOP, "9090")
    yard.roll_out(SHOP, "7070")
    assert yard.reserved(SHOP) == ["7070", "8080", "9090"]
    yard.end(SHOP, "failed")
    assert yard.reserved(SHOP) == ["8080"]


def test_a_first_revision_that_failed_keeps_its_claim() -> None:
    """It is wanted still, and may be started once what it stood on is mended."""
    yard = Yard("n1")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "failed")
    assert yard.reserved(SHOP) == ["8080"]


def test_after_a_move_the_new_node_reserves_what_a_failure_puts_there() -> None:
    """The revision before comes back on the node that was moved to."""
    yard = Yard("n1", "n2")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    yard.drain("n1")
    yard.roll_out(SHOP, "9090", "n2")
    assert yard.reserved(SHOP, "n2") == ["8080", "9090"]
    yard.end(SHOP, "failed", "n2")
    assert yard.reserved(SHOP, "n2") == ["8080"]


def test_after_a_move_no_neighbour_loses_the_port_it_has() -> None:
    """Where the revision before has no room, only the new one is promised; the neighbour deploys as ever."""
    yard = Yard("n2")
    yard.roll_out(BLOG, "8080", "n2")
    yard.end(BLOG, "done", "n2")
    yard.add("n1")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    yard.drain("n1")
    yard.roll_out(SHOP, "9090", "n2")
    assert yard.reserved(SHOP, "n2") == ["9090"]


def test_settling_leaves_what_another_reserved_meanwhile(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers of one node's reservations: the later decides again on what the earlier wrote."""
    yard.roll_out(SHOP, "9090")
    commit = yard.kv.commit

    def overtaken(expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = ()) -> int:
        if keys.outcome(SHOP, 2) in puts:
            monkeypatch.setattr(yard.kv, "commit", commit)
            yard.roll_out(BLOG, "7070")
        return commit(expect, puts, deletes)

    monkeypatch.setattr(yard.kv, "commit", overtaken)
    yard.end(SHOP, "done")
    assert (yard.reserved(SHOP), yard.reserved(BLOG)) == (["9090"], ["7070"])
    assert read(yard.kv, keys.outcome(SHOP, 2), Outcome) is not None
