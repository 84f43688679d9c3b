"""Which steps make a host a member of etcd, and which are refused because they could cost the quorum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.boot.plugins import plugin

m: Any = plugin("module_utils/etcd_members.py")

NAMES = ("boot-0", "boot-1", "boot-2", "boot-3", "boot-4")
ME = m.Wanted("boot-0", "https://boot-0:2380", may_found=False)
BARE = m.Seen((), has_data=False, runs=False)


def member(name: str, healthy: bool = True, learner: bool = False) -> Any:
    return m.Member(f"{NAMES.index(name) + 10:x}", name, f"https://{name}:2380", healthy, learner)


def cluster(*healthy: str, dead: tuple[str, ...] = (), has_data: bool = True, runs: bool = True) -> Any:
    members = [member(name) for name in healthy] + [member(name, healthy=False) for name in dead]
    return m.Seen(tuple(members), has_data, runs)


def verbs(steps: Any) -> list[str]:
    return [step.verb for step in steps]


def test_one_host_founds_the_cluster() -> None:
    """The first, on a bare site: it makes the cluster, and waits until that answers."""
    assert verbs(m.present(BARE, replace(ME, may_found=True))) == ["found", "start", "await"]


def test_nobody_else_founds_one() -> None:
    """While no member answers, a bare host does not make a second cluster beside one that may be there."""
    with pytest.raises(m.Refused, match="neither can join nor may found"):
        m.present(BARE, ME)


def test_a_bare_host_joins_as_a_learner() -> None:
    """It gets its vote when it has caught up."""
    seen = cluster("boot-1", "boot-2", has_data=False, runs=False)
    assert verbs(m.present(seen, ME)) == ["add", "start", "promote", "await"]


def test_a_member_is_left_alone() -> None:
    """A second run changes nothing."""
    assert m.present(cluster("boot-0", "boot-1", "boot-2"), ME) == ()


def test_a_stopped_member_is_started() -> None:
    """With its data it comes back as what it was."""
    seen = cluster("boot-1", "boot-2", dead=("boot-0",), runs=False)
    assert verbs(m.present(seen, ME)) == ["start", "await"]


def test_after_a_power_cut_members_start_without_waiting_for_each_other() -> None:
    """No majority is there to wait for until the second one has started."""
    assert verbs(m.present(replace(BARE, has_data=True), ME)) == ["start"]
    assert m.present(m.Seen((), has_data=True, runs=True), ME) == ()


def test_an_interrupted_join_is_finished() -> None:
    """A host that was added and started, but never promoted, gets its vote."""
    seen = m.Seen((member("boot-0", learner=True), member("boot-1")), has_data=True, runs=True)
    assert verbs(m.present(seen, ME)) == ["promote", "await"]
    added = m.Seen((replace(member("boot-0", False, True), name=""), member("boot-1")), has_data=False, runs=False)
    assert verbs(m.present(added, ME)) == ["remove", "add", "start", "promote", "await"]


def test_a_member_that_lost_its_data_is_replaced() -> None:
    """Its old self is struck off the list, and it joins anew."""
    seen = cluster("boot-1", "boot-2", dead=("boot-0",), has_data=False, runs=False)
    assert verbs(m.present(seen, ME)) == ["remove", "add", "start", "promote", "await"]


def test_it_is_not_replaced_at_the_cost_of_the_quorum() -> None:
    """With two of three away, nothing is struck off."""
    seen = cluster("boot-1", dead=("boot-0", "boot-2"), has_data=False, runs=False)
    with pytest.raises(m.Refused, match="boot-2 not healthy"):
        m.present(seen, ME)


def test_old_data_are_moved_aside_before_joining() -> None:
    """A member that was removed while it was away keeps its data, out of the way."""
    seen = cluster("boot-1", "boot-2", has_data=True, runs=True)
    assert verbs(m.present(seen, ME)) == ["stop", "set_aside", "add", "start", "promote", "await"]


def test_a_restart_waits_for_the_others() -> None:
    """A member restarts only while the others have a majority without it."""
    assert verbs(m.restarted(cluster("boot-0", "boot-1", "boot-2"), ME)) == ["restart", "await"]
    with pytest.raises(m.Refused, match="boot-0 is not restarted"):
        m.restarted(cluster("boot-0", "boot-1", dead=("boot-2",)), ME)
    assert verbs(m.restarted(cluster("boot-0"), ME)) == ["restart", "await"], "one alone has nobody to wait for"
    assert m.restarted(BARE, ME) == ()


def test_a_leader_hands_over_before_it_leaves() -> None:
    """And its data are set aside."""
    steps = m.absent(cluster("boot-0", "boot-1", "boot-2"), ME)
    assert verbs(steps) == ["hand_over", "remove", "stop", "set_aside"]


def test_one_of_two_may_leave_or_restart_while_both_are_healthy() -> None:
    """From three members to one goes by two; with the other one away, neither is left without a cluster."""
    both = cluster("boot-0", "boot-1")
    assert verbs(m.absent(both, ME)) == ["hand_over", "remove", "stop", "set_aside"]
    assert verbs(m.restarted(both, ME)) == ["restart", "await"]
    alone = cluster("boot-0", dead=("boot-1",))
    for decide in (m.absent, m.restarted):
        with pytest.raises(m.Refused, match="too few members are healthy"):
            decide(alone, ME)


@pytest.mark.parametrize(
    ("has_data", "peer_url"),
    [(False, "https://elsewhere:2380"), (True, "https://elsewhere:2380"), (False, ME.peer_url)],
)
def test_a_member_that_answers_is_not_replaced(has_data: bool, peer_url: str) -> None:
    """The host was taken for another one: the inventory has the wrong address, or its data are elsewhere."""
    seen = cluster("boot-0", "boot-1", "boot-2", has_data=has_data, runs=has_data)
    with pytest.raises(m.Refused, match="is its address in the inventory right"):
        m.present(seen, replace(ME, peer_url=peer_url))


def test_the_last_member_does_not_leave() -> None:
    """All that is on record would go with it."""
    with pytest.raises(m.Refused, match="last member"):
        m.absent(cluster("boot-0"), ME)
    with pytest.raises(m.Refused, match="cannot leave"):
        m.absent(cluster("boot-0", "boot-1", dead=("boot-2",)), ME)


def test_a_dead_member_is_struck_off_by_another() -> None:
    """One that still answers leaves by itself; nobody is struck off at the cost of the quorum."""
    assert verbs(m.struck(cluster("boot-1", "boot-2", dead=("boot-0",)), ME)) == ["remove"]
    assert m.struck(cluster("boot-1", "boot-2"), ME) == ()
    with pytest.raises(m.Refused, match="still answers"):
        m.struck(cluster("boot-0", "boot-1", "boot-2"), ME)
    with pytest.raises(m.Refused, match="cannot be struck off"):
        m.struck(cluster("boot-1", dead=("boot-0", "boot-2")), ME)


@given(
    states=st.lists(st.sampled_from(["healthy", "dead", "learner"]), min_size=1, max_size=5),
    has_data=st.booleans(), runs=st.booleans(), may_found=st.booleans(),
    decide=st.sampled_from(["present", "restarted", "absent"]),
)  # fmt: skip
def test_no_step_leaves_fewer_than_a_majority(
    states: list[str], has_data: bool, runs: bool, may_found: bool, decide: str
) -> None:
    """Whatever is found: who takes a healthy vote away leaves a majority of those that vote, or is refused."""
    members = tuple(member(n, s != "dead", s == "learner") for n, s in zip(NAMES, states, strict=False))
    voting = [one for one in members if not one.learner]
    try:
        steps = getattr(m, decide)(m.Seen(members, has_data, runs), replace(ME, may_found=may_found))
    except m.Refused:
        return
    assert "found" not in verbs(steps), "a cluster that answers is never founded again"
    taken = {members[0].id} & {one.id for one in voting}
    left = [one for one in voting if one.healthy and one.id not in taken]
    if "remove" in verbs(steps) and taken:
        assert len(left) > (len(voting) - 1) // 2, "those that stay have a majority among themselves"
        assert sum(one.healthy for one in voting) > len(voting) // 2, "and a majority agrees"
    if "restart" in verbs(steps) and taken:
        assert len(left) > len(voting) // 2 or len(left) == len(voting) - 1 < 2
