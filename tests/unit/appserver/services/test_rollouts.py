"""A revision over several nodes: a batch at a time behind the agents; held, given up, put back, followed by another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appserver.core.entities import Application, Desired, Outcome
from appserver.core.fleet import Cordon
from appserver.core.placement.request import Reservation
from appserver.errors import Conflict, NotFound
from appserver.services.finish import Finish
from appserver.services.operations import Operations
from appserver.services.rollouts import Rollouts
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.fakes import HandClock
from tests.unit.appserver.services.yard import SHOP, Yard

NODES = ("n1", "n2", "n3", "n4")


@pytest.fixture
def yard() -> Yard:
    """Revision 1 is in force on all four."""
    made = Yard(*NODES)
    made.spread(SHOP, "80", replicas=4)
    assert made.rollout(SHOP) is None, "nothing is there to be kept up"
    for name in NODES:
        made.tell(SHOP, "done", name)
    assert made.finish.settle(SHOP)
    assert in_force(made) == 1
    return made


def in_force(yard: Yard) -> int:
    stored = read(yard.kv, keys.application(SHOP), Application)
    assert stored
    return stored.record.revision


def outcome(yard: Yard, number: int) -> str:
    stored = read(yard.kv, keys.outcome(SHOP, number), Outcome)
    return stored.record.state if stored else ""


def test_one_node_after_the_other_and_in_force_at_the_end(yard: Yard) -> None:
    plan = yard.spread(SHOP, "81", replicas=4)
    assert plan.nodes and plan.rollout
    assert yard.wanted(SHOP, *NODES) == [2, 1, 1, 1]
    for number, name in enumerate(NODES, 1):
        assert not yard.finish.settle(SHOP), "it waits for the agent"
        yard.end(SHOP, "done", name)
        assert outcome(yard, 2) == ("deployed" if name == "n4" else "")
        yard.finish.settle(SHOP)
        assert yard.wanted(SHOP, *NODES) == [2] * min(number + 1, 4) + [1] * (3 - number)
    assert (outcome(yard, 2), in_force(yard), yard.rollout(SHOP)) == ("deployed", 2, None)


def test_a_share_of_all_copies_at_a_time(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4, update={"parallelism": "50%"})
    assert yard.wanted(SHOP, *NODES) == [2, 2, 1, 1]
    yard.tell(SHOP, "done", "n1")
    yard.finish.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 2, 1, 1], "the whole batch is waited for"
    yard.end(SHOP, "done", "n2")
    yard.finish.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 2, 2, 2]


def test_one_that_does_not_come_up_puts_the_others_back(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4)
    yard.end(SHOP, "done", "n1")
    yard.finish.settle(SHOP)
    yard.end(SHOP, "failed", "n2")
    assert (outcome(yard, 2), in_force(yard), yard.rollout(SHOP)) == ("failed", 1, None)
    assert yard.wanted(SHOP, *NODES) == [1, 1, 1, 1]


def test_so_many_may_fail_as_its_author_says(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4, update={"max_failures": 1, "parallelism": 2})
    yard.tell(SHOP, "failed", "n1")
    yard.end(SHOP, "done", "n2")
    yard.finish.settle(SHOP)
    for name in ("n3", "n4"):
        yard.tell(SHOP, "done", name)
    yard.finish.settle(SHOP)
    yard.finish.settle(SHOP)
    assert (outcome(yard, 2), in_force(yard)) == ("deployed", 2)
    stored = read(yard.kv, keys.outcome(SHOP, 2), Outcome)
    assert stored and "n1: did not come up" in [cause.why for cause in stored.record.causes]


def test_a_node_without_its_agent_is_not_waited_for(yard: Yard) -> None:
    """It has the record, so it catches up when it is back."""
    yard.spread(SHOP, "81", replicas=4)
    yard.kv.commit({}, {}, [keys.alive("n1")])
    assert not yard.finish.settle(SHOP), "it may be started again at this moment"
    yard.desk.clock.pass_by(seconds=15)
    assert yard.finish.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 2, 1, 1]
    for name in ("n2", "n3", "n4"):
        yard.end(SHOP, "done", name)
        yard.finish.settle(SHOP)
    assert (outcome(yard, 2), in_force(yard)) == ("deployed", 2)


def test_a_delay_and_a_time_to_prove_itself_are_kept(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4, update={"delay": "30s", "monitor": "10s"})
    yard.tell(SHOP, "done", "n1")
    assert yard.finish.settle(SHOP), "since when it is up is noted, by our own clock"
    assert not yard.finish.settle(SHOP)
    yard.desk.clock.pass_by(seconds=10)
    assert yard.finish.settle(SHOP), "n1 has been up for long enough"
    assert yard.wanted(SHOP, *NODES) == [2, 1, 1, 1]
    yard.desk.clock.pass_by(seconds=30)
    assert yard.finish.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 2, 1, 1]


@pytest.mark.parametrize("apart_s", [-3600, 3600])
def test_another_app_server_with_another_clock_is_never_early_and_comes_to_an_end(yard: Yard, apart_s: int) -> None:
    """It goes by what it watched itself: an hour's difference is neither a delay that is over nor one for an hour."""
    clock = HandClock(yard.desk.clock.at + timedelta(seconds=apart_s))

    def pass_by(seconds: int) -> None:
        yard.desk.clock.pass_by(seconds=seconds)
        clock.pass_by(seconds=seconds)

    other = Finish(yard.kv, yard.desk.events, clock, yard.desk.clock.seconds)
    yard.spread(SHOP, "81", replicas=4, update={"delay": "30s", "monitor": "10s"})
    yard.tell(SHOP, "done", "n1")
    assert yard.finish.settle(SHOP), "since when it is up is noted by the first"
    assert not other.settle(SHOP), "it has not been up for ten seconds"
    pass_by(10)
    assert other.settle(SHOP), "n1 has been up for long enough"
    other.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 1, 1, 1], "the delay is not over"
    yard.kv.commit({}, {}, [keys.alive("n2")])
    pass_by(30)
    assert other.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 2, 1, 1]
    assert not other.settle(SHOP), "its agent may be started again at this moment"
    pass_by(15)
    assert other.settle(SHOP), "it is not waited for"


def test_held_and_let_go(yard: Yard) -> None:
    """What acts comes to its end; nothing new begins until somebody says so; the operation tells why it waits."""
    rollouts = Rollouts(yard.kv, yard.finish, yard.desk.access, yard.desk.audit)
    operations = Operations(yard.kv, yard.desk.access, yard.finish)
    with pytest.raises(NotFound, match="being rolled out"):
        rollouts.pause(yard.root, SHOP)
    yard.spread(SHOP, "81", replicas=4)
    operation = rollouts.pause(yard.root, SHOP, "lunch")
    yard.end(SHOP, "done", "n1")
    yard.finish.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 1, 1, 1]
    told = operations.get(yard.root, operation)
    assert (told.state, told.step) == ("running", "revision 2: 1 of 4 nodes; paused: by root: lunch")
    rollouts.resume(yard.root, SHOP)
    assert yard.finish.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 2, 1, 1]


def test_the_first_part_waits_for_somebody_to_look_at_it(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4, update={"percentage": 50, "parallelism": 0})
    assert yard.wanted(SHOP, *NODES) == [2, 2, 1, 1]
    for name in ("n1", "n2"):
        yard.tell(SHOP, "done", name)
    assert yard.finish.settle(SHOP)
    found = yard.rollout(SHOP)
    assert found and "2 of 4 are updated" in found.paused
    Rollouts(yard.kv, yard.finish, yard.desk.access, yard.desk.audit).resume(yard.root, SHOP)
    assert yard.finish.settle(SHOP)
    assert yard.wanted(SHOP, *NODES) == [2, 2, 2, 2]


def test_more_copies_come_first_and_fewer_go_last(yard: Yard) -> None:
    yard.add("n5")
    yard.spread(SHOP, "81", replicas=5)
    assert yard.wanted(SHOP, *NODES, "n5") == [1, 1, 1, 1, 2]
    for name in ("n5", *NODES):
        yard.end(SHOP, "done", name)
        yard.finish.settle(SHOP)
    assert in_force(yard) == 2
    plan = yard.spread(SHOP, "81", replicas=2)
    assert "x-moorage: update — replicas 5 → 2" in plan.text
    assert plan.text.count("remove — copies 5 → 2") == 3
    assert yard.runs(SHOP, *NODES, "n5").count("removed") == 0, "while the others are not through"
    for name in sorted(plan.nodes):
        yard.end(SHOP, "done", name)
        yard.finish.settle(SHOP)
    assert yard.runs(SHOP, *NODES, "n5").count("removed") == 3
    for name in {*NODES, "n5"} - {*plan.nodes}:
        yard.tell(SHOP, "removed", name)
    yard.finish.settle(SHOP)
    assert (in_force(yard), sorted(yard.runs(SHOP, *NODES, "n5"))) == (3, ["", "", "", "running", "running"])


def test_a_copy_that_failed_on_a_new_node_goes_again(yard: Yard) -> None:
    yard.add("n5")
    yard.spread(SHOP, "81", replicas=5)
    yard.end(SHOP, "failed", "n5")
    assert outcome(yard, 2) == "failed"
    assert (yard.runs(SHOP, "n5"), yard.wanted(SHOP, *NODES)) == (["removed"], [1, 1, 1, 1])
    yard.end(SHOP, "removed", "n5")
    stored = read(yard.kv, keys.application(SHOP), Application)
    assert stored and sorted(stored.record.nodes) == [*NODES]


def test_another_revision_takes_over_from_one_on_its_way(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4)
    yard.end(SHOP, "done", "n1")
    yard.finish.settle(SHOP)
    yard.spread(SHOP, "82", replicas=4)
    assert outcome(yard, 2) == "superseded"
    found = yard.rollout(SHOP)
    assert found and (found.revision, found.before) == (3, 1)
    for name in NODES:
        yard.end(SHOP, "done", name)
        yard.finish.settle(SHOP)
    assert (in_force(yard), outcome(yard, 3)) == (3, "deployed")


def test_deleting_in_the_middle_ends_it(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4)
    yard.lifecycle.delete(yard.root, SHOP)
    for name in NODES:
        yard.tell(SHOP, "removed", name)
    yard.finish.settle(SHOP)
    assert read(yard.kv, keys.application(SHOP), Application) is None
    assert yard.rollout(SHOP) is None


def test_a_restart_goes_on_node_by_node_and_changes_no_outcome(yard: Yard) -> None:
    """What serves is never all away at once; the operation is over when the last one is up."""
    operations = Operations(yard.kv, yard.desk.access, yard.finish)
    operation = yard.lifecycle.restart(yard.root, SHOP, ("web",))
    assert restarts(yard) == [1, 0, 0, 0]
    with pytest.raises(Conflict, match="is being rolled out"):
        yard.lifecycle.restart(yard.root, SHOP)
    for number, name in enumerate(NODES, 1):
        assert operations.get(yard.root, operation).state == "running"
        yard.end(SHOP, "done", name)
        yard.finish.settle(SHOP)
        assert restarts(yard) == [1] * min(number + 1, 4) + [0] * (3 - number)
    assert (yard.rollout(SHOP), in_force(yard), outcome(yard, 1)) == (None, 1, "deployed")
    assert operations.get(yard.root, operation).state == "done"


def test_a_restart_that_fails_stops_there(yard: Yard) -> None:
    """The others go on as they are; nothing is put back, since nothing else was deployed."""
    operation = yard.lifecycle.restart(yard.root, SHOP)
    yard.end(SHOP, "failed", "n1")
    assert Operations(yard.kv, yard.desk.access, yard.finish).get(yard.root, operation).state == "failed"
    assert (yard.rollout(SHOP), restarts(yard), yard.wanted(SHOP, *NODES)) == (None, [1, 0, 0, 0], [1, 1, 1, 1])


def restarts(yard: Yard) -> list[int]:
    found = [read(yard.kv, keys.desired(node, SHOP), Desired) for node in NODES]
    return [one.record.restart for one in found if one]


def test_nothing_is_deployed_that_is_up_nowhere(yard: Yard) -> None:
    """All agents away: it waits for one of them."""
    yard.spread(SHOP, "81", replicas=4, update={"parallelism": 0})
    yard.kv.commit({}, {}, [keys.alive(name) for name in NODES])
    assert not yard.finish.settle(SHOP)
    yard.desk.clock.pass_by(seconds=15)
    while yard.finish.settle(SHOP):
        pass
    assert (outcome(yard, 2), in_force(yard)) == ("", 1)


def test_one_that_is_up_and_then_is_not_has_failed(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4, update={"monitor": "60s"})
    yard.tell(SHOP, "done", "n1")
    yard.finish.settle(SHOP)
    yard.tell(SHOP, "acting", "n1")
    yard.finish.settle(SHOP)
    assert (outcome(yard, 2), yard.wanted(SHOP, *NODES)) == ("failed", [1, 1, 1, 1])


def test_fewer_copies_come_in_turn_down_to_one(yard: Yard) -> None:
    """The others go when the one that stays is up."""
    plan = yard.spread(SHOP, "81", replicas=1)
    assert yard.runs(SHOP, *NODES).count("removed") == 0
    yard.end(SHOP, "done", plan.nodes[0])
    yard.finish.settle(SHOP)
    assert yard.runs(SHOP, *NODES).count("removed") == 3


def test_a_copy_leaves_only_for_one_that_is_up(yard: Yard) -> None:
    """The node that was to take its place is gone: the old one stays, though the revision is in force."""
    yard.add("n5")
    yard.kv.commit({}, {keys.cordon("n1"): encode(Cordon("ann", yard.desk.clock.now(), drain=True))})
    yard.spread(SHOP, "81", replicas=4)
    yard.kv.commit({}, {}, [keys.alive("n5")])
    assert not yard.finish.settle(SHOP)
    yard.desk.clock.pass_by(seconds=15)
    yard.finish.settle(SHOP)
    for name in ("n2", "n3", "n4"):
        yard.tell(SHOP, "done", name)
        while yard.finish.settle(SHOP):
            pass
    assert (in_force(yard), yard.runs(SHOP, "n1")) == (2, ["running"])


def test_nodes_that_were_never_told_are_let_go_of(yard: Yard) -> None:
    yard.add("n5")
    yard.add("n6")
    yard.spread(SHOP, "81", replicas=6)
    yard.end(SHOP, "failed", "n5")
    assert outcome(yard, 2) == "failed"
    held = read(yard.kv, keys.reservation("n6"), Reservation)
    assert held and str(SHOP) not in held.record.holders


def test_a_stopped_application_ends_its_operation_and_a_resumed_one_too(yard: Yard) -> None:
    rollouts = Rollouts(yard.kv, yard.finish, yard.desk.access, yard.desk.audit)
    operations = Operations(yard.kv, yard.desk.access, yard.finish)
    yard.spread(SHOP, "81", replicas=4, update={"parallelism": 0})
    rollouts.pause(yard.root, SHOP)
    resumed = rollouts.resume(yard.root, SHOP)
    for name in NODES:
        yard.tell(SHOP, "done", name)
    yard.finish.settle(SHOP)
    assert operations.get(yard.root, resumed).state == "done"
    yard.spread(SHOP, "82", replicas=4)
    stopped = yard.lifecycle.stop(yard.root, SHOP)
    for name in NODES:
        yard.tell(SHOP, "stopped", name)
    assert operations.get(yard.root, stopped).state == "done"


def test_the_same_files_again_leave_a_rollout_its_order(yard: Yard) -> None:
    yard.spread(SHOP, "81", replicas=4)
    yard.lifecycle.stop(yard.root, SHOP)
    yard.spread(SHOP, "81", replicas=4)
    assert yard.wanted(SHOP, *NODES) == [2, 1, 1, 1]
