"""A node from its claim to `ok`: first, again, after a kill; and what keeps it from there: a clone, a foreign tree."""

from __future__ import annotations

from appserver.core.claims import Rival
from appserver.core.handshake import Proof
from appserver.store import keys
from tests.unit.appserver.agent.handshake_world import World


def test_a_first_node_comes_up_and_the_cluster_is_new_no_more() -> None:
    """waiting, init-new, work, ok; then it is among all nodes, and the mode is recovery."""
    world = World()
    seat = world.lead()
    assert world.kv.snapshot(keys.MODE).items[keys.MODE].value == "new"
    agent = world.agent()
    world.claim(agent)
    seen = [world.state()]
    for _ in range(3):
        world.answer(seat, agent.mine.ip)
        seen.append(world.state())
        world.step(agent)
        seen.append(world.state())
        world.step(agent)
        seen.append(world.state())
    assert list(dict.fromkeys(seen)) == ["waiting", "init-new", "work", "ok"]
    assert world.kv.snapshot(keys.ALLNODES).items[keys.allnode("10.0.0.1")].value == "ok"
    assert world.kv.snapshot(keys.MODE).items[keys.MODE].value == "recovery"


def test_a_node_that_returns_recovers() -> None:
    """Its lease ended: the next run begins with init-recovery, in the mode new with init-new."""
    world = World()
    seat = world.lead()
    first = world.agent()
    world.shake(first, seat)
    assert world.state() == "ok"
    for mode, state in (("recovery", "init-recovery"), ("new", "init-new")):
        world.end(world.agents[-1])
        world.kv.commit({}, {keys.MODE: mode})
        world.claim(world.agent())
        world.answer(seat, "10.0.0.1")
        assert world.state() == state


def test_a_run_that_is_known_to_have_ended_is_followed_at_once() -> None:
    """The agent was killed and started again: its old lease is not waited for, and takes nothing along when it ends."""
    world = World()
    seat = world.lead()
    first = world.agent()
    world.shake(first, seat)
    first.lives = False
    second = world.agent()
    assert isinstance(world.claim(second), int)
    world.end(first)
    assert world.state() == "waiting"
    assert keys.alive("n1") in world.kv.snapshot("alive/").items


def test_a_clone_is_refused_and_both_are_named() -> None:
    """By name, by address, or both."""
    world = World()
    world.claim(world.agent("n1", "10.0.0.1"))
    for name, ip, what in (("n1", "10.0.0.2", "the name n1"), ("n2", "10.0.0.1", "the address 10.0.0.1"),
                           ("n1", "10.0.0.1", "the name n1")):  # fmt: skip
        found = world.claim(world.agent(name, ip))
        assert isinstance(found, Rival)
        number = len(world.agents)
        assert str(found) == (
            f"two agents claim {what}: n1 at 10.0.0.1:8090 on host host1 (process 1) has it, "
            f"{name} at {ip}:8090 on host host{number} (process {number}) asks for it"
        )


def test_one_that_says_not_who_it_is_is_a_rival_too() -> None:
    """An agent that may write no more than `alive/` holds the name all the same."""
    world = World()
    with world.kv.lease(10) as lease:
        world.kv.commit({}, {keys.alive("n1"): "10.0.0.9:8090"}, lease=lease.id)
        found = world.claim(world.agent())
        assert isinstance(found, Rival)
        assert "one that does not say who it is has it" in str(found)
    assert isinstance(world.claim(world.agents[-1]), int)


def test_a_key_without_a_lease_stands_in_nobodys_way() -> None:
    """What another program left there is written over."""
    world = World()
    world.kv.commit({}, {keys.alive("n1"): "x", keys.runnode("10.0.0.1"): "ok"})
    assert isinstance(world.claim(world.agent()), int)


def test_a_tree_of_another_cluster_ends_ok() -> None:
    """The node begins again, and stays in its init until the tree is right."""
    world = World()
    seat = world.lead()
    agent = world.agent()
    world.shake(agent, seat)
    agent.tree.found = Proof("foreign", "is not the tree of this cluster")
    world.step(agent)
    assert world.state() == "waiting"
    world.answer(seat, "10.0.0.1")
    world.step(agent)
    assert world.state() == "init-recovery"
    assert dict(agent.handshake.conditions())["shared-storage"] == (False, "is not the tree of this cluster")
    agent.tree.found = Proof("proven", "right again")
    for _ in range(3):
        world.step(agent)
        world.answer(seat, "10.0.0.1")
    world.step(agent)
    assert world.state() == "ok"
    assert dict(agent.handshake.conditions()) == {"handshake": (True, "ok"), "shared-storage": (True, "right again")}


def test_an_agent_that_was_frozen_for_too_long_touches_nothing() -> None:
    """Another run has the claim by then: the stale one sees so, whatever state it finds."""
    world = World()
    seat = world.lead()
    stale = world.agent()
    world.claim(stale)
    world.end(stale)
    fresh = world.agent()
    world.claim(fresh)
    world.answer(seat, "10.0.0.1")
    for _ in range(2):
        before = world.kv.snapshot("machines/")
        assert stale.held
        assert not stale.handshake.step(stale.held)
        assert world.kv.snapshot("machines/") == before
        world.step(fresh)


def test_a_state_that_changes_under_the_agent_is_not_written_over() -> None:
    """What was decided on is demanded when it is written."""
    world = World()
    seat = world.lead()
    agent = world.agent()
    world.claim(agent)
    world.answer(seat, "10.0.0.1")
    world.step(agent)
    assert agent.held
    commit, where = world.kv.commit, keys.runnode("10.0.0.1")

    def hurried(expect, puts, deletes=(), lease=0):
        world.kv.commit = commit  # type: ignore[method-assign]
        commit({}, {where: "waiting"}, lease=agent.lease.id)
        return commit(expect, puts, deletes, lease)

    world.kv.commit = hurried  # type: ignore[method-assign]
    world.step(agent)
    assert world.state() == "waiting"
