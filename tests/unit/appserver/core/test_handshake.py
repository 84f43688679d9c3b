"""The start-up handshake: which states may follow each other, and what leader and agent decide."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.handshake import ABSENT, STATES, TRANSITIONS, Proof, Sight, answer, may, mode_of, move

PROVEN = Proof("proven", "/global is the tree of this cluster")
FOREIGN = Proof("foreign", "/global is not the tree of this cluster")
kinds = st.sampled_from(["proven", "missing", "foreign", "broken", "hung"])
proofs = st.one_of(st.none(), st.builds(Proof, kinds, st.just("why")))
sights = st.builds(
    Sight, st.sampled_from([*STATES, "nonsense"]), st.sampled_from(["", "a:1"]), st.booleans(), proofs, st.booleans(),
    st.sampled_from(["", "1 of 2 applications looked at"]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "leased", "known", "mode", "told"),
    [
        ("waiting", True, False, "recovery", "init-new"),
        ("waiting", True, False, "new", "init-new"),
        ("waiting", True, True, "recovery", "init-recovery"),
        ("waiting", True, True, "new", "init-new"),
        ("work", True, False, "recovery", "ok"),
        ("work", True, True, "recovery", "ok"),
        ("ok", True, False, "recovery", "enter"),
        ("ok", True, True, "recovery", "nothing"),
        ("init-new", True, False, "new", "nothing"),
        ("init-recovery", True, True, "new", "nothing"),
        ("ok", False, True, "recovery", "drop"),
        ("waiting", False, False, "new", "drop"),
        ("nonsense", True, True, "new", "nothing"),
    ],
)
def test_what_the_leader_answers(state: str, leased: bool, known: bool, mode, told: str) -> None:
    """By the state, whether a lease holds it, and whether the node ever came up."""
    found = answer(state, leased, known, mode)
    said = "nothing" if found is None else "drop" if found.drop else "enter" if found.enter else found.put
    assert said == told


@given(st.sampled_from([*STATES, "nonsense"]), st.booleans(), st.booleans(), st.sampled_from(["new", "recovery"]))
def test_the_leader_writes_only_what_is_the_leaders(state: str, leased: bool, known: bool, mode) -> None:
    """No illegal step, and nothing at all without the agent's lease."""
    found = answer(state, leased, known, mode)
    if found and found.put:
        assert leased
        assert may(state, found.put, "leader")


@given(sights)
def test_the_agent_writes_only_what_is_the_agents(seen: Sight) -> None:
    """No illegal step; what reads as no state begins again."""
    put = move(seen).put
    if put and seen.state in STATES:
        assert may(seen.state, put, "agent")
    if seen.state == "nonsense":
        assert put == "waiting"


@given(sights)
def test_no_work_without_the_proof_the_site_asks_for(seen: Sight) -> None:
    """A tree that is missing, foreign, broken or hangs, or was not looked at yet, keeps a node from `work` and `ok`."""
    done = move(seen)
    if seen.shared and not (seen.proof and seen.proof.ok):
        assert done.put != "work"
        assert not done.begin
    if seen.proof == FOREIGN or (seen.proof and seen.proof.kind == "foreign"):
        assert not done.ok


@given(sights)
def test_a_node_is_good_when_it_is_ok_and_says_why_else(seen: Sight) -> None:
    """The condition and the state never contradict each other."""
    done = move(seen)
    assert done.reason
    assert not done.ok or seen.state == "ok"


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Sight("waiting"), "waiting for an app server"),
        (Sight("waiting", "a:1"), "waiting for the app server a:1 to answer"),
        (Sight("init-new", "a:1", True), "init-new: the shared tree is being proven"),
        (Sight("init-new", "a:1", True, FOREIGN),
         "init-new, and not further without the shared tree: /global is not the tree of this cluster"),
        (Sight("init-recovery", "a:1", True, PROVEN), "init-recovery: begins"),
        (Sight("init-recovery", "a:1", False, None, True, "0 of 2 applications looked at, next default.shop"),
         "init-recovery: 0 of 2 applications looked at, next default.shop"),
        (Sight("init-recovery", "a:1", False, None, True), "waiting for the app server a:1 to confirm"),
        (Sight("work"), "waiting for an app server"),
        (Sight("ok", "a:1", True, FOREIGN), "begins again: /global is not the tree of this cluster"),
        (Sight("ok", "a:1", True, Proof("hung", "does not answer")), "ok"),
        (Sight("x" * 99), f"begins again: '{'x' * 40}' is no state of a node"),
    ],
)  # fmt: skip
def test_why_a_node_is_where_it_is(seen: Sight, reason: str) -> None:
    """In words, for the condition that people read."""
    assert move(seen).reason == reason


def test_a_tree_that_hangs_takes_nothing_from_a_node_that_is_ok() -> None:
    """Only a tree that says it is another cluster's does: a server that is away proves nothing."""
    for kind, ok in (("hung", True), ("missing", True), ("broken", True), ("foreign", False)):
        assert move(Sight("ok", "a:1", True, Proof(kind, "why"))).ok is ok


def test_every_state_is_reached_and_every_way_ends_at_ok() -> None:
    """From nothing, by steps of both; and no state is a trap."""
    reached = {ABSENT}
    while more := {after for before, after in TRANSITIONS if before in reached} - reached:
        reached |= more
    assert reached == {ABSENT, *STATES}
    for state in STATES:
        leads = {state}
        while more := {after for before, after in TRANSITIONS if before in leads} - leads:
            leads |= more
        assert "ok" in leads


def test_agent_and_leader_never_may_write_the_same_step() -> None:
    """One writer for each change of a state."""
    for before, after in product((ABSENT, *STATES), STATES):
        assert not (may(before, after, "agent") and may(before, after, "leader"))


@pytest.mark.parametrize(
    ("recorded", "fresh", "mode"),
    [("", True, "new"), ("recovery", True, "new"), ("", False, "recovery"), ("recovery", False, "recovery"),
     ("new", False, "new"), ("nonsense", False, "recovery")],
)  # fmt: skip
def test_the_mode_a_leader_begins_with(recorded: str, fresh: bool, mode: str) -> None:
    """Recovery, unless no node ever came up, or somebody asked for new."""
    assert mode_of(recorded, fresh) == mode
