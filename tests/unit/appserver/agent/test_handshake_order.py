"""Agents and leaders in any order, each step as the real ones take it, over one store: what must hold always does."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appserver.core.claims import Rival
from appserver.core.handshake import ABSENT, Proof, may
from appserver.errors import LeadershipLost
from appserver.store import keys
from tests.unit.appserver.agent.handshake_world import Agent, World

NAMES, IPS = ("n1", "n2"), ("10.0.0.1", "10.0.0.2")
KINDS = ("proven", "missing", "foreign", "broken", "hung")


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
