"""Which steps make a host a node of the site's Swarm, and which are refused because they could cost the quorum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.boot.plugins import plugin

m: Any = plugin("module_utils/swarm_members.py")

NAMES = ("boot-0", "boot-1", "boot-2", "boot-3", "boot-4")
BARE = m.Engine("inactive")
SITE = m.Site("c1", ("n0", "n1", "n2"))


def node(number: int, manager: bool = True, reachable: bool = True, **more: Any) -> Any:
    return m.Node(f"n{number}", NAMES[number], f"10.0.0.{number}", manager, manager and reachable, **more)


def ours(number: int = 0, state: str = "active", manager: bool = True) -> Any:
    cluster = "c1" if manager else ""
    return m.Engine(state, f"n{number}", cluster, manager, NAMES[number], f"n{number}", "c1")


def settled(nodes: Any, number: int = 0, manager: bool = True, labels: Any = None) -> list[str]:
    name, address = NAMES[number], f"10.0.0.{number}"
    return verbs(m.settled(nodes, f"n{number}", name, address, manager, labels or {}))


def verbs(steps: Any) -> list[str]:
    return [step.verb for step in steps]


THREE = (node(0), node(1), node(2))


def test_the_first_manager_founds_the_swarm() -> None:
    """It is marked before, so that an interrupted run knows its own work."""
    assert verbs(m.joined("boot-0", BARE, m.Site(), may_found=True)) == ["mark", "found", "mark"]


def test_an_interrupted_founding_is_finished() -> None:
    """What was founded and not marked any more is ours by the first mark."""
    seen = m.Engine("active", "n0", "c1", True, "boot-0", "", "new")
    assert verbs(m.joined("boot-0", seen, m.Site(), may_found=True)) == ["mark"]


def test_nobody_else_founds_one() -> None:
    """Nor does the first while others cannot be asked, or are in a swarm whose managers are away."""
    with pytest.raises(m.Refused, match="no manager of the swarm answers"):
        m.joined("boot-1", BARE, m.Site(), may_found=False)
    with pytest.raises(m.Refused, match="while boot-2 cannot be asked"):
        m.joined("boot-0", BARE, m.Site(away=("boot-2",)), may_found=True)
    with pytest.raises(m.Refused, match="boot-1 are in a swarm of this site"):
        m.joined("boot-0", BARE, m.Site(lost=("boot-1",)), may_found=True)


def test_a_host_joins_as_a_worker() -> None:
    """Its role comes later, from a manager."""
    assert verbs(m.joined("boot-1", BARE, SITE, may_found=False)) == ["join", "mark"]


def test_a_node_is_left_alone() -> None:
    """A second run changes nothing, whether managers answer or not."""
    assert m.joined("boot-0", ours(), SITE, may_found=True) == ()
    assert m.joined("boot-2", ours(2, manager=False), SITE, may_found=False) == ()
    assert m.joined("boot-2", ours(2, manager=False), m.Site(), may_found=False) == ()
    assert settled(THREE) == []


def test_a_join_that_was_interrupted_is_finished() -> None:
    """It is in the swarm and listed there, and was not marked any more."""
    seen = replace(ours(1, manager=False), mark_node="", mark_cluster="")
    assert verbs(m.joined("boot-1", seen, SITE, may_found=False)) == ["mark"]
    assert verbs(m.joined("boot-1", replace(seen, state="pending"), SITE, False)) == ["await_active", "mark"]


@pytest.mark.parametrize("site", [SITE, m.Site()])
def test_somebody_elses_swarm_is_refused(site: Any) -> None:
    """An engine is never taken out of a swarm that this site did not take it into."""
    seen = m.Engine("active", "x9", "other", True, "boot-1")
    with pytest.raises(m.Refused, match="not this site's"):
        m.joined("boot-1", seen, site, may_found=True)
    assert m.left("boot-1", seen, (), ()) == ()
    assert m.left("boot-1", replace(seen, mark_node="n1", mark_cluster="c1"), (), ()) == ()


def test_a_node_that_was_struck_off_joins_anew() -> None:
    """It was ours, and the managers do not know it any more."""
    steps = m.joined("boot-3", ours(3, manager=False), SITE, may_found=False)
    assert verbs(steps) == ["leave", "join", "mark"]


def test_an_engine_that_does_not_answer_or_is_locked_is_told_of() -> None:
    """Nobody guesses what it is."""
    with pytest.raises(m.Refused, match="no Docker Engine answers on boot-0"):
        m.joined("boot-0", m.Engine(""), SITE, may_found=True)
    with pytest.raises(m.Refused, match="swarm unlock"):
        m.joined("boot-0", ours(state="locked"), SITE, may_found=True)


def test_a_worker_is_promoted_once_it_is_ready() -> None:
    """A manager that is not there would weigh on the majority."""
    assert settled((node(0), node(1, False)), 1) == ["promote", "await_manager"]
    with pytest.raises(m.Refused, match="boot-1 is not made a manager: it is not ready"):
        settled((node(0), node(1, False, ready=False)), 1)
    with pytest.raises(m.Refused, match="while there is no majority"):
        settled((node(0), node(1, reachable=False), node(2, False)), 2)


def test_a_manager_is_demoted_while_the_others_keep_the_majority() -> None:
    """Not the last one, and not one of two that are left of three."""
    assert settled(THREE, manager=False) == ["demote", "await_worker"]
    with pytest.raises(m.Refused, match=r"boot-0 stays a manager: .*boot-2 not reachable"):
        settled((node(0), node(1), node(2, reachable=False)), manager=False)
    with pytest.raises(m.Refused, match="boot-0 stays a manager"):
        settled((node(0), node(1, False)), manager=False)


def test_one_that_stands_in_for_a_manager_is_left_to_the_agents() -> None:
    """And who is demoted is labelled before, lest an agent makes it a manager again."""
    standing = replace(node(2), labels={m.STANDS_IN: "1"})
    assert settled((node(0), node(1, reachable=False), standing), 2, manager=False) == []
    assert settled(THREE, manager=False, labels={m.ROLE: "worker"}) == ["label", "demote", "await_worker"]


def test_a_new_machine_takes_the_place_of_its_former_self() -> None:
    """The dead manager is off the list before the new one is on it."""
    dead = replace(node(2, reachable=False, ready=False), id="old")
    assert settled((node(0), node(1), dead, node(2, False)), 2) == ["demote", "remove", "promote", "await_manager"]
    with pytest.raises(m.Refused, match="boot-2 cannot be replaced"):
        settled((node(0), node(1, reachable=False), dead, node(2, False)), 2)
    stranger = replace(dead, address="10.0.0.9")
    assert "remove" not in settled((node(0), node(1), stranger, node(2, False)), 2), "only its name is the same"


def test_labels_of_people_are_left_alone() -> None:
    """Ours come and go; which are ours stands beside them."""
    found = {"zone": "a", "rack": "1", "disk": "ssd", m.OURS: "disk,rack"}
    assert m.labelled(found, {"rack": "2"}) == {"zone": "a", "rack": "2", m.OURS: "rack"}
    assert m.labelled(found, {}) == {"zone": "a"}
    assert m.labelled({"zone": "a"}, {}) == {"zone": "a"}
    assert settled((node(0, labels=found), node(1), node(2)), labels={"rack": "2"}) == ["label"]
    assert settled((node(0, labels=found), node(1), node(2)), labels={"rack": "1", "disk": "ssd"}) == []


def test_a_restart_waits_for_the_other_managers() -> None:
    """A worker has nobody to wait for; nor has the only manager."""
    assert verbs(m.restarted("boot-0", ours(), THREE)) == ["restart", "await_active"]
    with pytest.raises(m.Refused, match="boot-0 is not restarted"):
        m.restarted("boot-0", ours(), (node(0), node(1), node(2, reachable=False)))
    assert verbs(m.restarted("boot-0", ours(), (node(0),))) == ["restart", "await_active"]
    assert verbs(m.restarted("boot-0", ours(), (node(0), node(1)))) == ["restart", "await_active"]
    with pytest.raises(m.Refused, match="boot-1 not reachable"):
        m.restarted("boot-0", ours(), (node(0), node(1, reachable=False)))
    assert verbs(m.restarted("boot-0", BARE, ())) == ["restart", "await_answer"], "it is in no swarm"


def test_a_node_is_drained_and_demoted_before_it_leaves() -> None:
    """Its tasks are elsewhere first, and managers keep the majority."""
    assert verbs(m.leaving(THREE, "n0", ("n0",), ())) == ["drain", "await_empty", "demote", "await_worker"]
    drained = (node(0, False, drained=True), node(1))
    assert verbs(m.leaving(drained, "n0", ("n0",), ())) == ["await_empty"], "it goes on where it was interrupted"
    with pytest.raises(m.Refused, match="boot-0 cannot leave"):
        m.leaving((node(0), node(1), node(2, reachable=False)), "n0", ("n0",), ())
    assert m.leaving(THREE, "n9", ("n9",), ()) == ()


def test_the_last_manager_leaves_no_worker_behind() -> None:
    """It stays what it is until all others go with it."""
    nodes = (node(0), node(1, False))
    with pytest.raises(m.Refused, match="it is the last manager, and boot-1 would have none"):
        m.leaving(nodes, "n0", ("n0",), ())
    assert m.leaving(nodes, "n0", ("n0", "n1"), ()) == ()
    with pytest.raises(m.Refused, match="it is the last manager of boot-1"):
        m.left("boot-0", ours(), nodes, ("n0",))
    assert verbs(m.left("boot-0", ours(), nodes, ("n0", "n1"))) == ["leave"]


def test_a_swarm_that_holds_something_does_not_go() -> None:
    """Whichever of the nodes that leave together is asked first."""
    with pytest.raises(m.Refused, match="holds service web"):
        m.leaving(THREE, "n1", ("n0", "n1", "n2"), ("service web",))
    assert verbs(m.leaving(THREE, "n1", ("n0", "n1"), ("service web",)))[0] == "drain"


def test_who_has_left_is_struck_off() -> None:
    """The last one leaves with force, and there is no list any more."""
    assert verbs(m.left("boot-1", ours(1, manager=False), (), ())) == ["leave"]
    assert [str(step) for step in m.left("boot-0", ours(), (node(0), node(1, False, ready=False)), ())] == [
        "leave with force: it is to be no node"
    ]
    late = (node(0, False), node(1))
    assert verbs(m.left("boot-0", ours(), late, ())) == ["await_worker", "leave"], "its demotion is not known there yet"
    assert verbs(m.removed(THREE, "n1")) == ["remove"]
    assert m.removed(THREE, "n9") == ()
    assert m.left("boot-1", BARE, (), ()) == ()
    with pytest.raises(m.Refused, match="cannot leave its swarm"):
        m.left("boot-1", m.Engine(""), (), ())


STATES = st.lists(st.sampled_from(["reachable", "away", "worker", "down"]), min_size=1, max_size=5)


@given(states=STATES, manager=st.booleans(), decide=st.sampled_from(["settled", "restarted", "leaving"]))
def test_no_step_leaves_fewer_than_a_majority(states: list[str], manager: bool, decide: str) -> None:
    """Whatever is found: of the managers that are left, more than half are reachable, or the step is refused."""
    nodes = [node(n, s in ("reachable", "away"), s == "reachable", ready=s != "down") for n, s in enumerate(states)]
    try:
        steps = {
            "settled": lambda: m.settled(nodes, "n0", "boot-0", "10.0.0.0", manager, {}),
            "restarted": lambda: m.restarted("boot-0", ours(manager=nodes[0].manager), nodes),
            "leaving": lambda: m.leaving(nodes, "n0", ("n0",), ()),
        }[decide]()
    except m.Refused:
        return
    after = {one.id: one for one in nodes}
    for step in steps:
        if step.verb not in ("demote", "promote", "restart") or (step.verb == "restart" and not nodes[0].manager):
            continue
        if step.verb == "restart" and sum(one.manager for one in nodes) <= 2:
            assert all(one.reachable for one in nodes[1:] if one.manager), "who comes back finds the other"
            continue
        changed = {
            "demote": {"manager": False, "reachable": False},
            "promote": {"manager": True, "reachable": True},
            "restart": {"reachable": False},
        }[step.verb]
        subject = step.subject or "n0"
        after[subject] = replace(after[subject], **changed)
        voting = [one for one in after.values() if one.manager]
        assert sum(one.reachable for one in voting) > len(voting) // 2


@given(states=STATES, manager=st.booleans())
def test_a_node_that_was_settled_is_left_alone(states: list[str], manager: bool) -> None:
    """What the steps bring about asks for no step more."""
    nodes = [node(n, s in ("reachable", "away"), s == "reachable", ready=s != "down") for n, s in enumerate(states)]
    try:
        m.settled(nodes, "n0", "boot-0", "10.0.0.0", manager, {"rack": "1"})
    except m.Refused:
        return
    labels = m.labelled({}, {"rack": "1"})
    nodes[0] = replace(nodes[0], manager=manager, reachable=manager, labels=labels)
    assert m.settled(nodes, "n0", "boot-0", "10.0.0.0", manager, {"rack": "1"}) == ()
