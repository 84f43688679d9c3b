"""How roll-outs end: what is told of them, and what stays reserved where."""

from __future__ import annotations

import pytest

from appserver.core.entities import MOST_FAILED_RESTARTS, Outcome
from appserver.core.fleet import Cordon
from appserver.core.placement.request import Reservation
from appserver.errors import NoPlacement
from appserver.services.operations import Operations
from appserver.services.rollouts import Rollouts
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.unit.appserver.services.yard import BLOG, SHOP, Yard

NODES = ("n1", "n2", "n3")


@pytest.fixture
def yard() -> Yard:
    """Revision 1 is in force on all three."""
    made = Yard(*NODES)
    made.spread(SHOP, "80", replicas=3)
    for name in NODES:
        made.tell(SHOP, "done", name)
    assert made.finish.settle(SHOP)
    return made


def operations(yard: Yard) -> Operations:
    return Operations(yard.kv, yard.desk.access, yard.finish)


def test_a_restart_whose_later_copy_does_not_come_up_has_failed(yard: Yard) -> None:
    """It is told with its cause, also to whoever let it go on."""
    restart = yard.lifecycle.restart(yard.root, SHOP)
    rollouts = Rollouts(yard.kv, yard.finish, yard.desk.access, yard.desk.audit)
    rollouts.pause(yard.root, SHOP)
    resumed = rollouts.resume(yard.root, SHOP)
    yard.end(SHOP, "done", "n1")
    yard.finish.settle(SHOP)
    yard.end(SHOP, "failed", "n2")
    assert yard.rollout(SHOP) is None
    for operation in (restart, resumed):
        told = operations(yard).get(yard.root, operation)
        assert (told.state, [cause.why for cause in told.causes]) == ("failed", ["n2: did not come up"])


def test_restarts_that_failed_one_after_the_other_keep_their_own_ends(yard: Yard) -> None:
    """The one before is not said to have gone well because of a later one; of very many the last are kept."""
    asked: list[str] = []
    for number in range(MOST_FAILED_RESTARTS + 2):
        asked.append(yard.lifecycle.restart(yard.root, SHOP))
        yard.end(SHOP, "done" if number % 2 else "failed", "n1")
        if number % 2:
            yard.end(SHOP, "failed", "n2")
        yard.lifecycle.start(yard.root, SHOP)
        for name in NODES:
            yard.tell(SHOP, "done", name)
    kept = asked[-MOST_FAILED_RESTARTS:]
    found = [operations(yard).get(yard.root, one) for one in kept]
    assert [one.causes[0].why.partition(":")[0] for one in found] == ["n1", "n2"] * (MOST_FAILED_RESTARTS // 2)
    assert {one.state for one in found} == {"failed"}


def test_a_restart_is_no_part_of_the_deployment_before_it(yard: Yard) -> None:
    """Whoever looks at the deployment again is not told that it is still going on, nor that it failed."""
    deployed = yard.lifecycle.start(yard.root, SHOP)
    for name in NODES:
        yard.tell(SHOP, "done", name)
    assert operations(yard).get(yard.root, deployed).state == "done"
    yard.lifecycle.restart(yard.root, SHOP)
    assert operations(yard).get(yard.root, deployed).state == "done"
    yard.end(SHOP, "failed", "n1")
    assert operations(yard).get(yard.root, deployed).state == "done"


def test_a_node_that_another_revision_was_on_its_way_to_is_as_new_to_the_next(yard: Yard) -> None:
    """The revision before never ran there: where the next one fails, nothing of it is put there."""
    yard.add("n4")
    yard.spread(SHOP, "81", replicas=4)
    assert yard.wanted(SHOP, *NODES, "n4") == [1, 1, 1, 2]
    yard.end(SHOP, "done", "n4")
    yard.spread(SHOP, "82", replicas=4)
    found = yard.rollout(SHOP)
    assert found and (found.fresh, found.acting) == (("n4",), ("n1",))
    yard.end(SHOP, "failed", "n1")
    assert (yard.runs(SHOP, "n4"), yard.wanted(SHOP, *NODES)) == (["removed"], [1, 1, 1])


def test_one_that_the_next_revision_does_not_want_goes_whether_that_fails_or_not(yard: Yard) -> None:
    """It takes no other copy's place, so it does not wait for one."""
    for fails in (True, False):
        yard.add("n4")
        yard.spread(SHOP, "81", replicas=4)
        yard.end(SHOP, "done", "n4")
        yard.kv.commit({}, {keys.cordon("n4"): encode(Cordon("ann", yard.desk.clock.now(), drain=True))})
        yard.spread(SHOP, "82", replicas=3)
        for name in NODES:
            if yard.rollout(SHOP):
                yard.tell(SHOP, "failed" if fails else "done", name)
                while yard.finish.settle(SHOP):
                    pass
        assert (yard.rollout(SHOP), yard.runs(SHOP, *NODES, "n4")) == (None, [*["running"] * 3, "removed"])
        yard.tell(SHOP, "removed", "n4")
        assert yard.finish.settle(SHOP)
        yard.kv.commit({}, {}, [keys.cordon("n4")])


def test_where_a_failed_copy_is_tolerated_what_runs_there_is_reserved(yard: Yard) -> None:
    """The revision before, which its agent put back; on a node that had none, nothing."""
    yard.add("n4")
    yard.spread(SHOP, "81", replicas=4, update={"max_failures": 2, "parallelism": 0})
    assert yard.reserved(SHOP, "n1") == ["80", "81"]
    for name, phase in (("n1", "failed"), ("n2", "done"), ("n3", "done"), ("n4", "failed")):
        yard.tell(SHOP, phase, name)  # type: ignore[arg-type]
    while yard.finish.settle(SHOP):
        pass
    assert yard.rollout(SHOP) is None
    assert [yard.reserved(SHOP, name) for name in NODES] == [["80"], ["81"], ["81"]]
    held = read(yard.kv, keys.reservation("n4"), Reservation)
    assert held and str(SHOP) not in held.record.holders


def test_what_is_started_again_there_is_reserved_first(yard: Yard) -> None:
    """Refused where another has taken the room; released where it fails once more."""
    test_where_a_failed_copy_is_tolerated_what_runs_there_is_reserved(yard)
    cordon = encode(Cordon("ann", yard.desk.clock.now()))
    yard.kv.commit({}, {keys.cordon(name): cordon for name in ("n2", "n3", "n4")})
    yard.roll_out(BLOG, "81", "n1")
    with pytest.raises(NoPlacement, match="n1: port 81"):
        yard.lifecycle.start(yard.root, SHOP)
    yard.lifecycle.delete(yard.root, BLOG)
    yard.tell(BLOG, "removed")
    yard.finish.settle(BLOG)
    yard.lifecycle.start(yard.root, SHOP)
    assert [yard.reserved(SHOP, name) for name in (*NODES, "n4")] == [["80", "81"], ["81"], ["81"], ["81"]]
    for name, phase in (("n1", "done"), ("n2", "done"), ("n3", "done"), ("n4", "failed")):
        yard.tell(SHOP, phase, name)  # type: ignore[arg-type]
        yard.finish.settle(SHOP)
    assert [yard.reserved(SHOP, name) for name in NODES] == [["81"]] * 3
    held = read(yard.kv, keys.reservation("n4"), Reservation)
    assert held and str(SHOP) not in held.record.holders


def test_what_is_restarted_in_turn_is_reserved_first_too(yard: Yard) -> None:
    test_where_a_failed_copy_is_tolerated_what_runs_there_is_reserved(yard)
    yard.lifecycle.restart(yard.root, SHOP)
    assert yard.rollout(SHOP)
    assert [yard.reserved(SHOP, name) for name in (*NODES, "n4")] == [["80", "81"], ["81"], ["81"], ["81"]]


def test_a_first_revision_that_is_restarted_at_once_has_an_outcome_at_the_end() -> None:
    """Without anybody's asking for it: no report follows the last one."""
    yard = Yard(*NODES)
    yard.spread(SHOP, "80", replicas=3)
    yard.lifecycle.restart(yard.root, SHOP)
    for name in NODES:
        yard.tell(SHOP, "done", name)
        yard.finish.settle(SHOP)
        assert read(yard.kv, keys.outcome(SHOP, 1), Outcome) is None or name == "n3"
    stored = read(yard.kv, keys.outcome(SHOP, 1), Outcome)
    assert stored and stored.record.state == "deployed"


def test_a_paused_one_is_looked_at_when_it_changes(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may wait for days: only whether it is resumed is asked, in one reading of the store."""
    yard.spread(SHOP, "81", replicas=3, update={"percentage": 34})
    duty = Rollouts(yard.kv, yard.finish, yard.desk.access, yard.desk.audit)
    for name in ("n1", "n2"):
        yard.tell(SHOP, "done", name)
        duty.look()
    duty.look()
    found = yard.rollout(SHOP)
    assert found and found.paused
    duty.look()
    asked: list[tuple[str, ...]] = []
    snapshot = yard.kv.snapshot
    monkeypatch.setattr(yard.kv, "snapshot", lambda *names: asked.append(names) or snapshot(*names))
    for _ in range(3):
        duty.look()
    assert asked == [("rollouts/",)] * 3
    duty.resume(yard.root, SHOP)
    duty.look()
    assert yard.wanted(SHOP, "n3") == [2]
