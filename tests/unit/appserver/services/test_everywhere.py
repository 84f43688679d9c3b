"""Global applications: a copy on every node that can take one, at a cost that follows from what changes."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from appserver.core.containers import EngineInfo
from appserver.core.entities import AppKey, Phase
from appserver.core.fleet import Cluster, Condition, Cordon, Node
from appserver.services.everywhere import Everywhere
from appserver.services.moves import Moves
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.wait import wait_until
from tests.unit.appserver.services.yard import BLOG, SHOP, Yard


@pytest.fixture
def yard() -> Yard:
    """A global application in force on n1 and n2."""
    made = Yard("n1", "n2")
    made.spread(SHOP, "80", mode="global")
    for name in ("n1", "n2"):
        made.tell(SHOP, "done", name)
    assert made.finish.settle(SHOP)
    return made


def duty(yard: Yard) -> Everywhere:
    return Everywhere(kv=yard.kv, moves=Moves(yard.kv, yard.deploy))


def in_force(yard: Yard, key: AppKey, *nodes: str) -> None:
    """What is being rolled out to these, in this order, comes up on each."""
    for name in nodes:
        yard.tell(key, "done", name)
        while yard.finish.settle(key):
            pass
    assert yard.rollout(key) is None


def cordon(yard: Yard, name: str) -> None:
    yard.kv.commit({}, {keys.cordon(name): encode(Cordon("ann", yard.desk.clock.now()))})


def engine(yard: Yard, name: str, ok: bool) -> None:
    """The node's agent says so of it."""
    yard.desk.clock.pass_by(seconds=1)
    said = Condition("engine", ok, "", yard.desk.clock.now())
    node = Node(name, f"{name}:8090", "default", engine=EngineInfo("26", 8, 8 << 30), conditions=(said,))
    yard.kv.commit({}, {keys.node(name): encode(node)})


def test_a_node_that_comes_gets_a_copy(yard: Yard) -> None:
    """Heard of, not looked for; one that was there when the duty began, too."""
    yard.add("n3")
    stop = Event()
    thread = Thread(target=duty(yard).run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: yard.wanted(SHOP, "n3") == [2], "n3 has a copy")
        for name in ("n3", "n1", "n2"):
            yard.tell(SHOP, "done", name)
            while yard.finish.settle(SHOP):
                pass
        assert yard.rollout(SHOP) is None
        yard.add("n4")
        wait_until(lambda: yard.wanted(SHOP, "n4") == [3], "n4 has a copy")
    finally:
        stop.set()
        thread.join()


def test_a_node_that_was_cordoned_between_two_looks_gets_a_copy(yard: Yard) -> None:
    """Of what was placed without it meanwhile: the node looks as it did before."""
    yard.add("n3")
    mine = duty(yard)
    mine.begin()
    in_force(yard, SHOP, "n3", "n1", "n2")
    cordon(yard, "n3")
    yard.spread(BLOG, "81", mode="global")
    in_force(yard, BLOG, "n1", "n2")
    yard.kv.commit({}, {}, [keys.cordon("n3")])
    mine.look([], ["n3"])
    assert yard.wanted(BLOG, "n3") == [2]


def test_so_does_one_that_was_unwell_between_two_looks(yard: Yard) -> None:
    yard.add("n3")
    mine = duty(yard)
    mine.begin()
    in_force(yard, SHOP, "n3", "n1", "n2")
    engine(yard, "n3", ok=False)
    yard.spread(BLOG, "81", mode="global")
    in_force(yard, BLOG, "n1", "n2")
    engine(yard, "n3", ok=True)
    mine.look(["n3"])
    assert yard.wanted(BLOG, "n3") == [2]


def test_a_node_that_comes_while_an_application_is_on_its_way_gets_a_copy(yard: Yard) -> None:
    """When it is in force: before, who placed it saw no such node, and who saw the node no such application."""
    mine = duty(yard)
    mine.begin()
    yard.spread(BLOG, "81", mode="global")
    yard.add("n3")
    mine.look(["n3"], ["n3"], ["default/blog"])
    assert yard.wanted(BLOG, "n3") == [0]
    in_force(yard, BLOG, "n1", "n2")
    mine.look([], [], ["default/blog"])
    assert yard.wanted(BLOG, "n3") == [2]


@pytest.mark.parametrize("phase", ["done", "failed"])
def test_one_that_comes_during_an_update_gets_a_copy_when_that_is_over(yard: Yard, phase: Phase) -> None:
    """However it ends; and a copy that does not come up is not tried again at once."""
    mine = duty(yard)
    mine.begin()
    yard.spread(SHOP, "81", mode="global")
    yard.add("n3")
    mine.look(["n3"], ["n3"])
    yard.tell(SHOP, phase, "n1")
    while yard.finish.settle(SHOP):
        if phase == "done":
            yard.tell(SHOP, phase, "n2")
    assert (yard.wanted(SHOP, "n3"), yard.rollout(SHOP)) == ([0], None)
    mine.look([], [], ["default/shop"])
    assert yard.wanted(SHOP, "n3") == [3]
    yard.tell(SHOP, "failed", "n3")
    while yard.finish.settle(SHOP):
        pass
    assert yard.rollout(SHOP) is None
    mine.look([], [], ["default/shop"])
    assert yard.rollout(SHOP) is None


def test_what_concerns_no_application_places_none(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is back, a report that says the same of it, one of another cluster, one that is cordoned."""
    mine = duty(yard)
    mine.begin()
    placed: list[object] = []
    monkeypatch.setattr(mine, "_spread", placed.append)
    yard.kv.commit({}, {}, [keys.alive("n1")])
    mine.look(["n1"])
    yard.kv.commit({}, {keys.alive("n1"): "n1"})
    mine.look(["n1"])
    yard.kv.commit({}, {key: item.value for key, item in yard.kv.snapshot(keys.node("n2")).items.items()})
    mine.look(["n2"])
    elsewhere = Node("e1", "e1:8090", "other", engine=EngineInfo("26", 8, 8 << 30))
    yard.kv.commit({}, {keys.node("e1"): encode(elsewhere), keys.alive("e1"): "e1"})
    mine.look(["e1"])
    cordon(yard, "n3")
    yard.add("n3")
    mine.look(["n3"])
    mine.again()
    assert placed == []
    yard.kv.commit({}, {}, [keys.cordon("n3")])
    mine.look(["n3"])
    assert placed == [SHOP]


def test_what_found_no_room_is_tried_again(yard: Yard) -> None:
    yard.roll_out(BLOG, "81", "n1")
    yard.end(BLOG, "done")
    yard.add("n3")
    cordon(yard, "n1")
    cordon(yard, "n2")
    yard.lifecycle.delete(yard.root, BLOG)
    yard.tell(BLOG, "removed")
    yard.finish.settle(BLOG)
    yard.roll_out(BLOG, "80", "n3")
    mine = duty(yard)
    mine.begin()
    assert yard.wanted(SHOP, "n3") == [0]
    yard.lifecycle.delete(yard.root, BLOG)
    yard.tell(BLOG, "removed", "n3")
    yard.finish.settle(BLOG)
    mine.again()
    assert yard.wanted(SHOP, "n3") == [2]


def test_another_label_may_mean_another_place(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = duty(yard)
    mine.begin()
    placed: list[object] = []
    monkeypatch.setattr(mine, "_spread", placed.append)
    other = Node("n2", "n2:8090", "default", labels={"zone": "b"}, engine=EngineInfo("26", 8, 8 << 30))
    yard.kv.commit({}, {keys.node("n2"): encode(other)})
    mine.look(["n2"])
    assert placed == [SHOP]


def test_a_stack_is_left_to_its_swarm(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """One manager looks after it: the other nodes lack no copy."""
    yard.kv.commit({}, {keys.cluster("default"): encode(Cluster("default", "swarm"))})
    mine = duty(yard)
    placed: list[object] = []
    monkeypatch.setattr(mine, "_spread", placed.append)
    mine.begin()
    yard.add("n3")
    mine.look(["n3"])
    mine.again()
    assert placed == []
