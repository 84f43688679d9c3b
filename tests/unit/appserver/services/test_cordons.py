"""Nodes that are cordoned, drained, lost and found: what stays, what moves, and who is told why."""

from __future__ import annotations

import pytest

from appserver.core.access import Caller
from appserver.core.entities import Application, Desired
from appserver.core.fleet import Cordon, Loss
from appserver.errors import Forbidden, NoPlacement, NotFound
from appserver.services.cordons import Cordons
from appserver.services.losses import Losses
from appserver.services.moves import Moves
from appserver.store import keys
from appserver.store.records import read
from tests.unit.appserver.services.yard import BLOG, SHOP, Yard

VIEWER = Caller("eve", "viewer")


@pytest.fixture
def yard() -> Yard:
    """The shop in force on n1; n2 and n3 are empty."""
    made = Yard("n1", "n2", "n3")
    made.spread(SHOP, "80", grace="60s")
    made.end(SHOP, "done")
    return made


def cordons(yard: Yard) -> Cordons:
    desk = yard.desk
    return Cordons(
        kv=yard.kv, moves=Moves(yard.kv, yard.deploy), audit=desk.audit, events=desk.events, clock=desk.clock
    )


def losses(yard: Yard) -> Losses:
    clock = yard.desk.clock
    return Losses(kv=yard.kv, moves=Moves(yard.kv, yard.deploy), clock=clock, seconds=clock.seconds)


def look_for(yard: Yard, duty: Losses, seconds: int) -> None:
    """Once a second, the first time now."""
    for _ in range(seconds):
        duty.look()
        yard.desk.clock.pass_by(seconds=1)
    duty.look()


def settle(yard: Yard) -> None:
    while yard.finish.settle(SHOP):
        pass


def test_a_cordoned_node_keeps_what_it_has_and_gets_nothing_new(yard: Yard) -> None:
    cordons(yard).cordon(yard.root, "n1", "disk is noisy")
    yard.spread(SHOP, "81", grace="60s")
    assert yard.wanted(SHOP, "n1", "n2") == [2, 0]
    for name in ("n2", "n3"):
        cordons(yard).cordon(yard.root, name)
    with pytest.raises(NoPlacement, match="cordoned by root: disk is noisy"):
        yard.roll_out(BLOG, "90")
    cordons(yard).undrain(yard.root, "n1")
    yard.roll_out(BLOG, "90")


def test_a_drain_is_planned_then_done_and_does_not_come_back_by_itself(yard: Yard) -> None:
    planned = cordons(yard).plan(yard.root, "n1")
    assert [(str(one.key), one.done and one.done.plan.nodes) for one in planned] == [("default.shop", ("n2",))]
    assert "on n1: remove — drained by root" in planned[0].to_json()["text"]
    assert read(yard.kv, keys.cordon("n1"), Cordon) is None, "a plan writes nothing"
    assert yard.wanted(SHOP, "n1", "n2") == [1, 0]
    moved = cordons(yard).drain(yard.root, "n1")
    assert [one.refused for one in moved] == [""]
    assert yard.wanted(SHOP, "n1", "n2") == [0, 2]
    yard.tell(SHOP, "removed", "n1")
    yard.tell(SHOP, "done", "n2")
    settle(yard)
    stored = read(yard.kv, keys.application(SHOP), Application)
    assert stored and (stored.record.revision, stored.record.nodes) == (2, ("n2",))
    cordons(yard).undrain(yard.root, "n1")
    assert yard.wanted(SHOP, "n1", "n2") == [0, 2]


def test_what_finds_no_other_place_stays_and_is_told(yard: Yard) -> None:
    for name in ("n2", "n3"):
        cordons(yard).cordon(yard.root, name)
    (moved,) = cordons(yard).drain(yard.root, "n1")
    assert "n2: cordoned by root" in moved.refused
    assert yard.wanted(SHOP, "n1") == [1]


def test_a_stopped_application_moves_and_stays_stopped(yard: Yard) -> None:
    yard.lifecycle.stop(yard.root, SHOP)
    cordons(yard).drain(yard.root, "n1")
    assert yard.runs(SHOP, "n1", "n2") == ["removed", "stopped"]


def test_only_who_may_and_only_a_node_that_is_there(yard: Yard) -> None:
    with pytest.raises(Forbidden):
        cordons(yard).drain(VIEWER, "n1")
    with pytest.raises(Forbidden):
        cordons(yard).plan(VIEWER, "n1")
    for verb in (cordons(yard).cordon, cordons(yard).drain, cordons(yard).plan, cordons(yard).undrain):
        with pytest.raises(NotFound):
            verb(yard.root, "n9")


def test_one_copy_of_several_leaves_a_drained_node_after_another_is_up(yard: Yard) -> None:
    yard.spread(SHOP, "80", replicas=2)
    for name in ("n1", "n2"):
        yard.tell(SHOP, "done", name)
        settle(yard)
    settle(yard)
    cordons(yard).drain(yard.root, "n1")
    assert yard.runs(SHOP, "n1", "n2", "n3") == ["running", "running", "running"]
    for name in ("n3", "n2"):
        yard.tell(SHOP, "done", name)
        settle(yard)
    assert yard.runs(SHOP, "n1", "n2", "n3") == ["removed", "running", "running"]


def test_what_a_lost_node_ran_is_placed_elsewhere_after_its_grace_and_not_before(yard: Yard) -> None:
    yard.kv.commit({}, {}, [keys.alive("n1")])
    look_for(yard, losses(yard), 30)
    assert read(yard.kv, keys.loss("n1"), Loss)
    other = losses(yard)  # another app server than the one that noticed
    look_for(yard, other, 29)
    assert yard.wanted(SHOP, "n1", "n2") == [1, 0]
    look_for(yard, other, 11)
    assert yard.wanted(SHOP, "n1", "n2") == [0, 2]
    assert yard.runs(SHOP, "n1") == ["removed"], "when it is back, what moved is removed there"
    yard.kv.commit({}, {keys.alive("n1"): "n1"})
    losses(yard).look()
    assert read(yard.kv, keys.loss("n1"), Loss) is None


def test_a_clock_that_is_ahead_moves_nothing_too_early(yard: Yard) -> None:
    """Neither that of the app server which takes over, nor that of one where somebody deploys."""
    yard.kv.commit({}, {}, [keys.alive("n1")])
    look_for(yard, losses(yard), 10)
    ahead = losses(yard)
    yard.desk.clock.pass_by(hours=1)
    look_for(yard, ahead, 10)
    yard.spread(SHOP, "81", grace="60s")
    assert yard.wanted(SHOP, "n1", "n2") == [2, 0]


def test_what_nobody_watched_does_not_count(yard: Yard) -> None:
    """The store was away: the node may have been there, and gone again."""
    yard.kv.commit({}, {}, [keys.alive("n1")])
    duty = losses(yard)
    duty.look()
    yard.desk.clock.pass_by(minutes=5)
    duty.look()
    assert yard.wanted(SHOP, "n1", "n2") == [1, 0]


def test_how_long_a_node_is_lost_is_written_ever_less_often(yard: Yard) -> None:
    yard.kv.commit({}, {}, [keys.alive("n3")])
    duty = losses(yard)
    look_for(yard, duty, 60)
    before = yard.kv.snapshot("").revision
    look_for(yard, duty, 60)
    assert yard.kv.snapshot("").revision - before <= 6


def test_a_deployment_leaves_a_copy_where_it_may_run(yard: Yard) -> None:
    """Its node is without an agent: a second copy would write to the same data. Who knows better drains the node."""
    yard.kv.commit({}, {}, [keys.alive("n1")])
    yard.spread(SHOP, "81", grace="60s")
    assert yard.wanted(SHOP, "n1", "n2") == [2, 0]
    cordons(yard).drain(yard.root, "n1")
    assert yard.wanted(SHOP, "n1", "n2") == [0, 3]


def test_what_is_rolled_out_is_not_moved_meanwhile(yard: Yard) -> None:
    """A pause holds; a lost node does not make a revision every half minute."""
    yard.add("n4")
    yard.spread(SHOP, "80", replicas=3, grace="60s")
    for name in ("n1", "n2", "n3"):
        yard.tell(SHOP, "done", name)
        settle(yard)
    yard.spread(SHOP, "81", replicas=3, grace="60s", update={"percentage": 34})
    before = yard.wanted(SHOP, "n1", "n2", "n3", "n4")
    yard.kv.commit({}, {}, [keys.alive("n3")])
    look_for(yard, losses(yard), 300)
    assert yard.wanted(SHOP, "n1", "n2", "n3", "n4") == before


def test_the_grace_that_the_lost_agent_knows_counts(yard: Yard) -> None:
    """It has not heard of a shorter one, and would stop too late."""
    yard.kv.commit({}, {}, [keys.alive("n1")])
    yard.spread(SHOP, "80", grace="20s")
    duty = losses(yard)
    look_for(yard, duty, 40)
    assert yard.wanted(SHOP, "n1", "n2") == [2, 0]
    look_for(yard, duty, 30)
    assert yard.wanted(SHOP, "n1", "n2") == [0, 3]


def test_without_a_grace_nothing_moves(yard: Yard) -> None:
    yard.spread(SHOP, "80")
    yard.end(SHOP, "done")
    yard.kv.commit({}, {}, [keys.alive("n1")])
    look_for(yard, losses(yard), 600)
    stored = read(yard.kv, keys.desired("n1", SHOP), Desired)
    assert stored and stored.record.run == "running"


def test_what_finds_no_place_is_tried_again_and_not_all_the_time(yard: Yard) -> None:
    yard.kv.commit({}, {}, [keys.alive(name) for name in ("n1", "n2", "n3")])
    duty = losses(yard)
    look_for(yard, duty, 61)
    assert yard.wanted(SHOP, "n1", "n2") == [1, 0]
    yard.kv.commit({}, {keys.alive("n2"): "n2"})
    duty.look()
    assert yard.wanted(SHOP, "n1", "n2") == [1, 0]
    look_for(yard, duty, 31)
    assert yard.wanted(SHOP, "n1", "n2") == [0, 2]
