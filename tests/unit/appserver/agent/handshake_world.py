"""Agents and leaders about one store, each step as the real ones take it, in the order that a test says."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event

from appserver.adapters.election import Held as Leading
from appserver.adapters.memory import MemoryKV, MemoryLease
from appserver.agent.alive import claim
from appserver.agent.handshake import Handshake
from appserver.agent.handshake_claim import Held, Self
from appserver.agent.handshake_init import Init
from appserver.agent.wishes import Wishes
from appserver.core.claims import Holder, Rival
from appserver.core.handshake import ABSENT, Proof
from appserver.services.events import Events
from appserver.services.handshake import Handshake as Leader
from appserver.store import keys
from tests.fakes import START, HandClock


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
