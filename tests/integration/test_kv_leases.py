"""What every KV promises of leases and of leading, on memory and on real etcd alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Timer

import pytest

from appserver.errors import LeadershipLost
from appserver.ports import KV, Item
from tests.lab.kv import take
from tests.lab.wait import wait_until


def test_keys_end_with_their_lease(store: KV) -> None:
    """Keys put under a lease are gone when its context ends; a key put again without it stays."""
    start = store.snapshot().revision
    with store.lease(5) as lease:
        put = store.commit({}, {"alive/n1": "up", "alive/n2": "up"}, lease=lease.id)
        assert store.snapshot("alive/").items["alive/n1"] == Item("up", put, put, lease.id)
        store.commit({}, {"alive/n2": "stays"})
        assert not lease.lost.is_set()
    assert list(store.snapshot("alive/").items) == ["alive/n2"]
    assert [change.value for change in take(store.watch("alive/n1", start), 2)] == ["up", None]


def test_a_commit_under_an_ended_lease_is_refused(store: KV) -> None:
    """LeadershipLost, and nothing is written; where the expectation fails too, that is the answer."""
    with store.lease(5) as lease:
        pass
    with pytest.raises(LeadershipLost):
        store.commit({}, {"a": "1", "b": "1"}, lease=lease.id)
    assert store.commit({"missing": 7}, {"a": "1"}, lease=lease.id) == 0
    assert dict(store.snapshot("").items) == {}


def test_a_granted_lease_runs_out(store: KV) -> None:
    """Nobody keeps it alive: what was put under it is gone after its time, and a watch tells."""
    granted = store.grant(1)
    put = store.commit({}, {"session": "s"}, lease=granted)
    gone = take(store.watch("session", put), 1)
    assert [(change.key, change.value) for change in gone] == [("session", None)]
    assert not store.snapshot("session").items
    with pytest.raises(LeadershipLost):
        store.commit({}, {"session": "s"}, lease=granted)


def test_one_leads_at_a_time_in_the_order_they_came(store: KV) -> None:
    """Of three candidates one leads; each end hands on to the next in line."""
    stop = Event()
    order: list[str] = []
    leading: list[str] = []
    may_end = {name: Event() for name in "abc"}

    def stand(name: str) -> None:
        with store.leader("duty", 5, name, stop) as held:
            assert held is not None
            order.append(name)
            leading.append(name)
            assert leading == [name]
            assert may_end[name].wait(10)
            leading.remove(name)

    def in_line(length: int) -> bool:
        return len(store.snapshot("leader/duty/").items) == length

    def leads(name: str) -> bool:
        return leading == [name]

    with ThreadPoolExecutor(3) as pool:
        standing = []
        for place, name in enumerate("abc", start=1):
            standing.append(pool.submit(stand, name))
            wait_until(partial(in_line, place), f"{name} stands in line")
        for name in "abc":
            wait_until(partial(leads, name), f"{name} leads")
            may_end[name].set()
        for each in standing:
            each.result()
    assert order == ["a", "b", "c"]
    assert not store.snapshot("leader/").items


def test_a_replaced_leader_cannot_write(store: KV) -> None:
    """The fence of a leadership that ended fails every commit that carries it."""
    with store.leader("duty", 5, "a", Event()) as held:
        assert held is not None
        assert [item.value for item in store.snapshot("leader/duty/").items.values()] == ["a"]
        assert store.commit(held.fence, {"done": "1"})
    assert store.commit(held.fence, {"done": "2"}) == 0
    assert store.snapshot("done").items["done"].value == "1"


def test_a_candidate_told_to_stop_leaves_the_line(store: KV) -> None:
    """`stop` ends the wait with None, at once where it was set before, and no key stays behind."""
    stop = Event()
    with store.leader("duty", 5, "a", Event()) as held:
        Timer(0.1, stop.set).start()
        with store.leader("duty", 5, "b", stop) as waited:
            assert waited is None
        with store.leader("duty", 5, "c", stop) as refused:
            assert refused is None
        assert held is not None
        assert list(store.snapshot("leader/duty/").items) == list(held.fence)


@pytest.mark.parametrize("name", ["", "a/b", "/"])
def test_a_leadership_has_a_plain_name(store: KV, name: str) -> None:
    """A slash would let one election reach into another's keys."""
    with pytest.raises(ValueError, match="cannot name a leadership"), store.leader(name, 5, "a", Event()):
        pass
