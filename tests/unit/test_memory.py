"""What the store in memory has beside the port: a clock, and hooks for faults that tests call forth."""

from threading import Event

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.errors import LeadershipLost
from appserver.ports import Change


def test_a_granted_lease_ends_by_the_clock_it_was_given() -> None:
    """Tests that need an hour to pass set the clock; the next call sees the keys gone."""
    seconds = [0.0]
    kv = MemoryKV(now=lambda: seconds[0])
    lease = kv.grant(3600)
    put = kv.commit({}, {"session/a": "1", "session/b": "1"}, lease=lease)
    seconds[0] = 3599.0
    assert len(kv.snapshot("session/").items) == 2
    seconds[0] = 3600.0
    assert not kv.snapshot("session/").items
    with pytest.raises(LeadershipLost):
        kv.commit({}, {"session/a": "1"}, lease=lease)
    gone = kv.snapshot().revision
    assert [*kv.changes("", put, Event())] == [Change("session/a", None, gone), Change("session/b", None, gone)]


def test_a_lease_that_is_kept_ends_when_a_test_says_so() -> None:
    """`expire` stands for a holder that was away too long: its keys go, it is told, its commits are refused."""
    kv = MemoryKV()
    with kv.lease(10) as lease:
        kv.commit({}, {"alive/n1": "up"}, lease=lease.id)
        kv.expire(lease.id)
        assert lease.lost.is_set()
        assert not kv.snapshot("alive/").items
        with pytest.raises(LeadershipLost):
            kv.commit({}, {"alive/n1": "up"}, lease=lease.id)


def test_a_leader_whose_lease_ended_is_told_and_fenced() -> None:
    """The next candidate leads at once, and the fence of the old one fails."""
    kv = MemoryKV()
    with kv.leader("duty", 10, "a", Event()) as old:
        assert old is not None
        kv.expire(next(iter(kv.snapshot("leader/duty/").items.values())).lease)
        assert old.lost.is_set()
        with kv.leader("duty", 10, "b", Event()) as new:
            assert new is not None
            assert kv.commit(old.fence, {"done": "a"}) == 0
            assert kv.commit(new.fence, {"done": "b"}) > 0
