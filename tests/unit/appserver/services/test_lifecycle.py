"""What stop, start, restart and delete ask of each node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core.entities import Application, Desired
from appserver.errors import Conflict, Invalid
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.unit.appserver.services.yard import SHOP, Yard


@pytest.fixture
def moving() -> Yard:
    """`shop` has moved from n1, whose agent is away and still to take its containers, to n2."""
    yard = Yard("n1", "n2")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    yard.drain("n1")
    yard.roll_out(SHOP, "9090", "n2")
    yard.end(SHOP, "done", "n2")
    return yard


@pytest.mark.parametrize(
    ("verb", "wanted"), [("stop", "stopped"), ("start", "running"), ("restart", "running"), ("delete", "removed")]
)
def test_a_node_that_the_application_leaves_stays_left(moving: Yard, verb: str, wanted: str) -> None:
    """No verb brings the old copy back beside the new one."""
    getattr(moving.lifecycle, verb)(moving.root, SHOP)
    assert moving.runs(SHOP, "n1", "n2") == ["removed", wanted]


def test_a_start_takes_a_deletion_back() -> None:
    """As long as the agent has not removed it, there is something to start."""
    yard = Yard("n1")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    yard.lifecycle.delete(yard.root, SHOP)
    yard.lifecycle.start(yard.root, SHOP)
    assert yard.runs(SHOP, "n1") == ["running"]


@pytest.mark.parametrize("verb", ["start", "restart", "stop"])
def test_a_deletion_taken_back_leaves_what_was_left_before(moving: Yard, verb: str) -> None:
    """It was deleted on n2 alone: n1 had its copy taken away when it moved, and would be a second one."""
    moving.lifecycle.delete(moving.root, SHOP)
    moving.lifecycle.delete(moving.root, SHOP, volumes=True)
    getattr(moving.lifecycle, verb)(moving.root, SHOP)
    assert moving.runs(SHOP, "n1", "n2") == ["removed", "stopped" if verb == "stop" else "running"]


@pytest.mark.parametrize("verb", ["start", "restart", "stop"])
def test_what_is_gone_but_for_a_node_that_was_left_is_not_started_there(moving: Yard, verb: str) -> None:
    """Its last copy is removed; the one that it left before has an agent that is away, and keeps it on record."""
    moving.lifecycle.delete(moving.root, SHOP)
    moving.tell(SHOP, "removed", "n2")
    moving.finish.settle(SHOP)
    assert moving.runs(SHOP, "n1", "n2") == ["removed", ""]
    with pytest.raises(Conflict, match="deploy it again"):
        getattr(moving.lifecycle, verb)(moving.root, SHOP)
    moving.lifecycle.delete(moving.root, SHOP)
    assert moving.runs(SHOP, "n1", "n2") == ["removed", ""]


def test_a_node_left_after_a_deletion_was_taken_back_stays_left(moving: Yard) -> None:
    """Deployed elsewhere while it was being removed, it is on that node alone, and is deleted there alone."""
    moving.lifecycle.delete(moving.root, SHOP)
    moving.add("n3")
    moving.drain("n2")
    moving.roll_out(SHOP, "7070", "n3")
    moving.end(SHOP, "done", "n3")
    moving.lifecycle.delete(moving.root, SHOP)
    moving.lifecycle.start(moving.root, SHOP)
    assert moving.runs(SHOP, "n1", "n2", "n3") == ["removed", "removed", "running"]


def test_a_deletion_of_several_copies_is_taken_back_on_all() -> None:
    yard = Yard("n1", "n2", "n3")
    yard.spread(SHOP, "8080", replicas=2)
    yard.tell(SHOP, "done", "n1")
    yard.end(SHOP, "done", "n2")
    yard.lifecycle.delete(yard.root, SHOP)
    yard.lifecycle.start(yard.root, SHOP)
    assert yard.runs(SHOP, "n1", "n2", "n3") == ["running", "running", ""]


def test_a_roll_out_stopped_before_it_was_up_settles_when_it_is_started() -> None:
    """Until then the revision before it is the one in force."""
    yard = Yard("n1")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    yard.roll_out(SHOP, "9090")
    yard.lifecycle.stop(yard.root, SHOP)
    yard.tell(SHOP, "stopped")
    assert not yard.finish.settle(SHOP)
    stopped = read(yard.kv, keys.application(SHOP), Application)
    assert stopped is not None and stopped.record.revision == 1
    yard.lifecycle.start(yard.root, SHOP)
    yard.end(SHOP, "failed")
    assert yard.reserved(SHOP) == ["8080"]


def test_volumes_of_a_stack_are_not_said_to_go() -> None:
    """They are on every node that it ever ran on, and nobody would remove them."""
    yard = Yard("n1")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    where = keys.desired("n1", SHOP)
    wanted = read(yard.kv, where, Desired)
    assert wanted is not None
    yard.kv.commit({}, {where: encode(replace(wanted.record, stack=True))})
    with pytest.raises(Invalid, match="stay: remove them there"):
        yard.lifecycle.delete(yard.root, SHOP, volumes=True)
    yard.lifecycle.delete(yard.root, SHOP)
    assert yard.runs(SHOP, "n1") == ["removed"]
