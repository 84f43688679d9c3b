"""Agents and leaders in any order, each step as the real ones take it, over one store: what must hold always does."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from threading import Event

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appserver.adapters.election import Held as Leading
from appserver.adapters.memory import MemoryKV, MemoryLease
from appserver.agent.alive import claim
from appserver.agent.handshake import Handshake
from appserver.agent.handshake_claim import Held, Self
from appserver.agent.handshake_init import Init
from appserver.agent.wishes import Wishes
from appserver.core.claims import Holder, Rival
from appserver.core.handshake import ABSENT, Proof, may
from appserver.errors import LeadershipLost
from appserver.services.events import Events
from appserver.services.handshake import Handshake as Leader
from appserver.store import keys
from tests.fakes import START, HandClock

NAMES, IPS = ("n1", "n2"), ("10.0.0.1", "10.0.0.2")
KINDS = ("proven", "missing", "foreign", "broken", "hung")


@dataclass
class Tree:
    """A shared tree that is found as the test says."""

    found: Proof = field(default_factory=lambda: Proof("proven", "is the tree of this cluster"))

    def prove(self, token: str, name: str) -> Proof:
        return self.found

    def mark(self, token: str) -> Proof:
        return self.found


@dataclass(eq=False)
class Agent:
    """One run of an agent. `told` says whether others can know that it has ended."""

    mine: Holder
    keeping: AbstractContextManager[MemoryLease]
    lease: MemoryLease
    handshake: Handshake
    tree: Tree
    told: bool
    lives: bool = True
    held: Held | None = None


@dataclass(eq=False)
class Seat:
    """An app server that leads, or thinks so."""

    leader: Leader
    leading: Leading
    keeping: AbstractContextManager[MemoryLease]


@dataclass
class World:
    """The store, and who is about."""

    clock: HandClock = field(default_factory=HandClock)
    kv: MemoryKV = field(init=False)
    agents: list[Agent] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kv = MemoryKV(now=self.clock.seconds)

    def dead(self, holder: Holder) -> bool:
        return any(one.mine.run == holder.run and one.told and not one.lives for one in self.agents)

    def agent(self, name: str = "n1", ip: str = "10.0.0.1", told: bool = True, shared: bool = True) -> Agent:
        """A new run, which has claimed nothing yet."""
        number = len(self.agents) + 1
        mine = Holder(name, ip, f"{ip}:8090", f"host{number}", "boot", 1, number, number, f"run{number}", START)
        keeping = self.kv.lease(10)
        lease = keeping.__enter__()
        tree, listed = Tree(), Event()
        listed.set()
        init = Init(lambda key, turn: None, Wishes(self.kv), listed, (), lambda: None)
        who = Self(lambda: mine, self.dead)
        handshake = Handshake(self.kv, self.clock, name, who, init, lambda: None, tree if shared else None)
        made = Agent(mine, keeping, lease, handshake, tree, told)
        self.agents.append(made)
        return made

    def claim(self, agent: Agent) -> int | Rival:
        found = claim(self.kv, agent.mine, agent.lease.id, self.dead, self.clock.now())
        if isinstance(found, int):
            agent.held = Held(agent.mine, agent.lease, found, agent.lease.lost.is_set)
        return found

    def step(self, agent: Agent) -> None:
        assert agent.held
        if agent.handshake.tree:
            agent.handshake.tree.look()
        if not agent.handshake.step(agent.held):
            agent.held = None

    def end(self, agent: Agent) -> None:
        """Its lease ends, whether it lives or not."""
        self.kv.expire(agent.lease.id)

    def lead(self) -> Seat:
        """A new leader; the one before does not know yet."""
        for seat in self.seats:
            self.kv.expire(seat.leading.lease)
        keeping = self.kv.lease(10)
        lease = keeping.__enter__()
        place = f"leader/master/{lease.id:x}"
        revision = self.kv.commit({place: 0}, {place: "a"}, lease=lease.id)
        leader = Leader(kv=self.kv, events=Events(kv=self.kv, clock=self.clock), address=f"a{len(self.seats)}:8080")
        seat = Seat(leader, Leading({place: revision}, lease.lost, lease.id), keeping)
        self.seats.append(seat)
        leader.begin(seat.leading)
        return seat

    def answer(self, seat: Seat, ip: str) -> None:
        seat.leader.answer(ip, seat.leading)

    def state(self, ip: str = "10.0.0.1") -> str:
        item = self.kv.snapshot(keys.RUNNODES).items.get(keys.runnode(ip))
        return item.value if item else ABSENT

    def shake(self, agent: Agent, seat: Seat) -> None:
        """Until nothing moves."""
        self.claim(agent)
        for _ in range(4):
            self.answer(seat, agent.mine.ip)
            if agent.held:
                self.step(agent)


class AnyOrder(RuleBasedStateMachine):
    """Clones, late, stale and returning agents, leaders that were replaced, ghosts: in any order."""

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.before: dict[str, str] = {}
        self.ghosts: set[str] = set()

    @rule(name=st.sampled_from(NAMES), ip=st.sampled_from(IPS), told=st.booleans())
    def an_agent_starts(self, name: str, ip: str, told: bool) -> None:
        self.world.agent(name, ip, told)

    @precondition(lambda self: self._living())
    @rule(data=st.data())
    def an_agent_claims(self, data: st.DataObject) -> None:
        agent = data.draw(st.sampled_from(self._living()))
        if agent.lease.lost.is_set():
            with suppress(LeadershipLost):
                assert isinstance(self.world.claim(agent), Rival), "without a lease there is no claim"
            return
        others = [one for one in self._holding() if one is not agent and (one.lives or not one.told)]
        found = self.world.claim(agent)
        if any(one.mine.node == agent.mine.node or one.mine.ip == agent.mine.ip for one in others):
            assert isinstance(found, Rival)
            assert agent.mine == found.mine
            assert found.other in [one.mine for one in others]

    @precondition(lambda self: any(one.held for one in self._living()))
    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def an_agent_steps(self, data: st.DataObject, kind: str) -> None:
        agent = data.draw(st.sampled_from([one for one in self._living() if one.held]))
        agent.tree.found = Proof(kind, kind)  # type: ignore[arg-type]
        owned, before = agent in self._holding(), self._states()
        self.world.step(agent)
        for ip, after in self._changed(before).items():
            assert owned, "an agent without the claim writes nothing"
            assert ip == agent.mine.ip
            assert may(before[ip], after, "agent")
            assert after != "work" or kind == "proven"

    @precondition(lambda self: self._living())
    @rule(data=st.data())
    def an_agent_dies(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self._living())).lives = False

    @precondition(lambda self: self.world.agents)
    @rule(data=st.data())
    def a_lease_ends(self, data: st.DataObject) -> None:
        """Of one that died, or was frozen for too long: then it goes on, stale."""
        self.world.end(data.draw(st.sampled_from(self.world.agents)))

    @rule(ip=st.sampled_from(IPS), state=st.sampled_from(["waiting", "work", "ok"]))
    def somebody_leaves_a_ghost(self, ip: str, state: str) -> None:
        if self.world.state(ip) == ABSENT:
            self.world.kv.commit({}, {keys.runnode(ip): state})
            self.ghosts.add(ip)

    @rule()
    def another_leads(self) -> None:
        self.world.lead()

    @precondition(lambda self: self.world.seats)
    @rule(data=st.data(), ip=st.sampled_from(IPS))
    def a_leader_answers(self, data: st.DataObject, ip: str) -> None:
        seat = data.draw(st.sampled_from(self.world.seats))
        before, known = self._states(), self._known()
        try:
            self.world.answer(seat, ip)
        except LeadershipLost:
            assert seat is not self.world.seats[-1]
        changed = self._changed(before)
        if seat is not self.world.seats[-1]:
            assert (changed, self._known()) == ({}, known), "who does not lead any more writes nothing"
        for where, after in changed.items():
            assert where == ip
            assert may(before[ip], after, "leader") or (after == ABSENT and ip in self.ghosts)
        if ip not in known and ip in self._known():
            assert before[ip] == "ok"

    @invariant()
    def no_state_without_its_agents_lease(self) -> None:
        items = self.world.kv.snapshot(keys.RUNNODES).items
        self.ghosts = {ip for ip in self.ghosts if (one := items.get(keys.runnode(ip))) and not one.lease}
        for key, item in items.items():
            ip = key.removeprefix(keys.RUNNODES)
            if ip not in self.ghosts:
                owner = next(one for one in self.world.agents if one.lease.id == item.lease)
                assert not owner.lease.lost.is_set()
                assert owner.mine.ip == ip

    @invariant()
    def a_name_and_an_address_have_one_agent(self) -> None:
        holding = self._holding()
        assert len({one.mine.node for one in holding}) == len(holding) == len({one.mine.ip for one in holding})

    def _living(self) -> list[Agent]:
        return [one for one in self.world.agents if one.lives]

    def _holding(self) -> list[Agent]:
        """Whose lease is on all three keys."""
        found = self.world.kv.snapshot("alive/", "machines/").items
        return [
            one for one in self.world.agents
            if {found[key].lease if key in found else 0 for key in (
                keys.alive(one.mine.node), keys.agent(one.mine.node), keys.runnode(one.mine.ip),
            )} == {one.lease.id}
        ]  # fmt: skip

    def _states(self) -> dict[str, str]:
        return {ip: self.world.state(ip) for ip in IPS}

    def _known(self) -> set[str]:
        return {key.removeprefix(keys.ALLNODES) for key in self.world.kv.snapshot(keys.ALLNODES).items}

    def _changed(self, before: dict[str, str]) -> dict[str, str]:
        return {ip: state for ip, state in self._states().items() if state != before[ip]}


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase


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
