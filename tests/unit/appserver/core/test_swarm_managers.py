"""Who manages a Swarm next: as many as the site asked for, one change at a time, and never without a majority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.swarm_managers import ROLE, STANDS_IN, change
from appserver.core.swarm_nodes import Mark, Member


def manager(ident: str, **more: object) -> Member:
    return replace(Member(ident, {ROLE: "manager"}, "active", False, True, True, True), **more)  # type: ignore[arg-type]


def worker(ident: str, **more: object) -> Member:
    return replace(Member(ident, {ROLE: "worker"}, "active"), **more)  # type: ignore[arg-type]


def dead(one: Member) -> Member:
    return replace(one, reachable=False, ready=False)


A, B, C, D, E = manager("a", leader=True), manager("b"), manager("c"), worker("d"), worker("e")
STANDING = replace(D, manager=True, votes=True, reachable=True, labels={ROLE: "worker", STANDS_IN: "1"})


def change_of(members: Sequence[Member], lost: Sequence[str], steady: Sequence[str] | None = None) -> Mark | None:
    """All that are up have been so for long, if nothing else is said."""
    return change(members, lost, [one.id for one in members if one.ready] if steady is None else steady)


def done(members: Sequence[Member], mark: Mark) -> list[Member]:
    """As it is once Swarm has followed."""
    made = mark.role == "manager"
    return [
        replace(one, labels=mark.labels, manager=made, votes=made and one.ready, reachable=made and one.ready)
        if one.id == mark.id
        else one
        for one in members
    ]


def settled(members: Sequence[Member], lost: Sequence[str] = ()) -> tuple[list[Member], list[str]]:
    """All steps, one after the other."""
    now, told = [*members], []
    while step := change_of(now, lost):
        told.append(f"{step.id} {step.role}")
        now = done(now, step)
        assert len(told) < 20, told
    return now, told


def test_all_there_is_left_alone() -> None:
    assert change_of([A, B, C, D, E], []) is None


def test_who_is_away_for_a_while_is_waited_for() -> None:
    assert change_of([A, B, dead(C), D, E], []) is None


def test_a_worker_stands_in_for_one_that_stays_away() -> None:
    """The dead one goes first: it counts in each majority, and a member more would need one more of them."""
    now, told = settled([A, B, dead(C), D, E], ["c"])
    assert told == ["c worker", "d manager"]
    assert {one.id: one.labels for one in now}["d"] == {ROLE: "worker", STANDS_IN: "1"}


def test_who_is_back_is_a_manager_again_before_its_stand_in_goes() -> None:
    back = replace(C, manager=False, votes=False, reachable=False)
    now, told = settled([A, B, back, STANDING, E])
    assert told == ["c manager", "d worker"]
    assert [one.labels for one in now if one.id == "d"] == [{ROLE: "worker"}]


def test_a_stand_in_that_dies_has_one_too() -> None:
    gone = replace(dead(C), manager=False, votes=False)
    assert settled([A, B, gone, dead(STANDING), E], ["d"])[1] == ["d worker", "e manager"]


def test_who_is_back_for_a_moment_is_not_counted_on() -> None:
    """A host that starts again and again would change the managers each time."""
    back = replace(C, manager=False, votes=False, reachable=False)
    assert change_of([A, B, back, STANDING, E], [], ["a", "b", "d", "e"]) is None
    assert change_of([A, B, dead(C), D], ["c"], ["a", "b"]) is None


def test_nobody_is_made_a_manager_by_whom_alone_the_majority_would_hang() -> None:
    """Of A, B and a stand-in, B dies, and C is back. A fourth that fails again would stop the Swarm; a third not."""
    back = replace(C, manager=False, votes=False, reachable=False)
    assert change_of([A, dead(B), back, STANDING], []) is None
    assert settled([A, dead(B), back, STANDING], ["b"])[1] == ["b worker", "c manager"]


def test_while_swarm_takes_one_off_the_list_nothing_else_is_done() -> None:
    pending = replace(dead(C), manager=False)
    assert change_of([A, B, pending, D], ["c"]) is None


def test_one_that_is_down_and_still_takes_part_is_left() -> None:
    """Its engine has lost touch as a worker; as a manager it answers."""
    assert change_of([A, B, replace(C, ready=False), D], ["c"]) is None


def test_one_that_is_never_to_stand_in_does_not() -> None:
    assert change_of([A, B, dead(C), replace(D, labels={ROLE: "worker", STANDS_IN: "never"})], ["c"]) is None


def test_where_nobody_can_stand_in_nobody_is_struck_off() -> None:
    """Two managers bear no more than three of which one is dead."""
    drained = replace(D, availability="drain")
    assert change_of([A, B, dead(C)], ["c"]) is None
    assert change_of([A, B, dead(C), drained, replace(E, ready=False)], ["c"]) is None


def test_without_a_majority_nothing_is_touched() -> None:
    assert change_of([A, dead(B), dead(C), D, E], ["b", "c"]) is None


def test_one_that_is_not_reached_and_not_down_is_waited_for() -> None:
    """The others miss it at once, and take it for down when it has been silent: it may be no more than slow."""
    slow = replace(C, reachable=False)
    assert change_of([A, B, slow, D, E], []) is None
    assert change_of([A, B, slow, D, E], ["c"]) is None


def test_one_that_died_as_it_was_promoted_weighs_on_nobody() -> None:
    """Swarm refuses to make it a worker again until it has been there. Another stands in all the same."""
    never = replace(dead(D), manager=True, votes=False, labels={ROLE: "worker", STANDS_IN: "1"})
    gone = replace(dead(C), manager=False, votes=False)
    assert settled([A, B, gone, never, E], ["d"])[1] == ["e manager"]


def test_what_people_did_by_hand_stays() -> None:
    """A manager more is theirs; where the site never said who is to be one, all of it is."""
    by_hand = replace(D, manager=True, votes=True, reachable=True)
    assert change_of([A, B, C, by_hand, E], []) is None
    assert change_of([A, B, C, dead(by_hand), E], ["d"]) is None
    unsaid = [replace(one, labels={}) for one in (A, B, dead(C), D)]
    assert change_of(unsaid, ["c"]) is None


def test_one_that_was_taken_out_is_not_made_a_manager() -> None:
    out = replace(C, manager=False, votes=False, reachable=False, availability="drain")
    assert settled([A, B, out, D])[1] == ["d manager"]


def test_a_stand_in_that_is_asked_for_by_now_stays() -> None:
    assert change_of([A, B, C, replace(STANDING, labels={ROLE: "manager", STANDS_IN: "1"})], []) is None


def test_the_leader_goes_last() -> None:
    led = [replace(A, leader=False), B, C, replace(STANDING, leader=True), replace(STANDING, id="e")]
    assert settled(led)[1] == ["e worker", "d worker"]


_ANY = st.builds(
    lambda asked, manages, votes, up, fit, stands: Member(
        "",
        {ROLE: asked, **({STANDS_IN: "1"} if stands else {})},
        fit,
        False,
        manages,
        manages and votes,
        manages and votes and up,
        up,
    ),
    st.sampled_from(["manager", "worker"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["active", "active", "drain", "pause"]),
    st.booleans(),
)


@given(st.lists(_ANY, min_size=1, max_size=9), st.data())
def test_no_step_costs_the_majority_and_steps_end(found: list[Member], data: st.DataObject) -> None:
    """From any state, whoever is lost."""
    now: list[Member] = [replace(one, id=f"n{number}") for number, one in enumerate(found)]
    away = [one.id for one in now if one.manager and not one.ready]
    lost = data.draw(st.lists(st.sampled_from(away), unique=True)) if away else []
    for _ in range(40):
        step = change_of(now, lost)
        if step is None:
            break
        before = {one.id: one for one in now}[step.id]
        now = done(now, step)
        voting = [one for one in now if one.votes]
        before_it = voting if step.role == "worker" else [one for one in voting if one.id != step.id]
        reachable = sum(one.reachable for one in before_it)
        assert reachable > len(voting) // 2 or reachable == len(before_it), "it holds without the newcomer"
        assert before.manager != (step.role == "manager")
        if step.role == "worker":
            assert STANDS_IN in before.labels or (before.id in lost and before.labels[ROLE] == "manager")
    else:
        pytest.fail(f"never done: {now}")
