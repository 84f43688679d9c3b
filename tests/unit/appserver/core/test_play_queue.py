"""Whose turn it is: in order, and never two on one host, whatever order app servers decide and die in."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.play_queue import next_play, orphans, stood_on, waits_for
from appserver.core.plays import Play, State
from tests.fakes import START


def play(number: int, *hosts: str, state: State = "queued") -> Play:
    return Play(number, "site.yml", "d", "ann", START, hosts, "m", state=state)


def test_a_play_waits_for_those_before_it_on_its_hosts():
    """For a running one first, then for an earlier one that waits; later ones do not matter."""
    active = [play(1, "a", "b", state="running"), play(2, "b", "c"), play(3, "c", "d"), play(4, "d"), play(5, "e")]
    told = [waits_for(one, active, {"a": 1, "b": 1}) for one in active[1:]]
    assert told == ["waits for play 1 on b", "waits for play 2 on c", "waits for play 3 on d", ""]


def test_a_lock_that_is_somebody_elses_is_waited_for():
    """Also where its play is not known; one's own is none."""
    assert waits_for(play(2, "a"), [play(2, "a")], {"a": 9}) == "waits for play 9 on a"
    assert waits_for(play(2, "a"), [play(2, "a")], {"a": 2}) == ""


def test_many_hosts_are_told_in_few_words():
    """Three by name."""
    hosts = [f"h{number}" for number in range(5)]
    assert waits_for(play(2, *hosts), [play(1, *hosts)], {}) == "waits for play 1 on h0, h1, h2 and 2 more"


def test_an_app_server_takes_what_it_has_room_and_the_playbook_for():
    """The first that may begin; none over its number."""
    active = [play(1, "a", state="running"), play(2, "a"), play(3, "b"), play(4, "c")]
    first = next_play(active, {"a": 1}, 1, 2, lambda _: True)
    assert first is not None
    assert first.number == 3
    assert next_play(active, {"a": 1}, 2, 2, lambda _: True) is None
    other = next_play(active, {"a": 1}, 0, 2, lambda one: one.number == 4)
    assert other is not None
    assert other.number == 4


def test_a_running_play_without_a_lock_is_an_orphan():
    """Its app server keeps none of its hosts any more; one that waits has none to keep."""
    active = [play(1, "a", "b", state="running"), play(2, "c", state="running"), play(3, "d")]
    assert [one.number for one in orphans(active, {"b": 1, "c": 1})] == [2]


def test_a_beginning_stands_on_all_who_want_its_hosts():
    """Itself among them."""
    active = [play(1, "a"), play(2, "b"), play(3, "a", "b")]
    assert stood_on(active[0], active) == (1, 3)


HOSTS = st.sets(st.sampled_from("abcd"), min_size=1, max_size=3)


@given(st.lists(HOSTS, min_size=1, max_size=8), st.lists(st.integers(0, 9), max_size=60))
@settings(max_examples=200)
def test_no_two_at_once_on_a_host_each_in_its_turn_and_all_to_the_end(wanted: list[set[str]], chances: list[int]):
    """Plays begin, end, and lose their app servers in any order."""
    active = {n: play(n, *sorted(hosts)) for n, hosts in enumerate(wanted, 1)}
    locks: dict[str, int] = {}
    began: list[int] = []
    for chance in [*chances, *range(10), *[0] * 4 * len(wanted)]:
        running = [one for one in active.values() if one.state == "running"]
        held = [host for one in running for host in one.hosts]
        assert len(held) == len(set(held))
        if chance < 5 and running:
            gone = running[chance % len(running)]
            locks = {host: number for host, number in locks.items() if number != gone.number}
            if chance == 4:
                assert gone in orphans(active.values(), locks)  # its hosts stay taken until it is ended
            else:
                del active[gone.number]
        one = next_play(tuple(active.values()), locks, 0, 99, lambda _: True)
        if one:
            earlier = [n for n, other in active.items() if n < one.number and set(other.hosts) & set(one.hosts)]
            assert earlier == []
            active[one.number] = replace(one, state="running")
            locks |= dict.fromkeys(one.hosts, one.number)
            began.append(one.number)
    assert sorted(began) == list(range(1, len(wanted) + 1))
    assert not active
