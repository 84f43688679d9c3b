"""What the etcd client does when etcd is killed, frozen, without a quorum, or restored.

Outages are shortened to where nothing changes any more: the pause between two attempts to connect
reaches its limit, 1 s, within 3 s, so that 4 s without etcd stand for any longer time.
"""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import count
from threading import Event, Thread

import pytest

from appserver.adapters.etcd import Etcd
from appserver.adapters.etcd_errors import NotDone
from appserver.errors import Compacted, StoreError
from appserver.ports import KV
from tests.lab.etcd import ClusterFactory
from tests.lab.kv import client, following, raised, takes
from tests.lab.wait import wait_until

# ── a member dies and comes back ──


def test_events_after_kill_and_restart_all_arrive(etcd_cluster: ClusterFactory) -> None:
    """A watch that was open when etcd was killed tells every change made after the restart, once, in order."""
    cluster = etcd_cluster()
    with client(cluster) as kv, following(kv, "a/", kv.commit({}, {"a/before": "0"})) as watch:
        kv.commit({}, {"a/0": "0"})
        watch.wait_for(["0"])
        cluster.members[0].kill()
        cluster.members[0].start()
        for n in range(1, 11):
            kv.commit({}, {"a/n": str(n)})
        watch.wait_for([str(n) for n in range(11)])


def test_a_watch_overtaken_by_compaction_says_so(etcd_cluster: ClusterFactory) -> None:
    """Changes made and compacted while the watch was cut off raise Compacted instead of being left out."""
    cluster = etcd_cluster()
    with client(cluster) as kv:
        watch = kv.watch("a", kv.snapshot().revision)
        kv.commit({}, {"a": "seen"})
        changes = iter(watch)
        assert next(changes).value == "seen"
        cluster.members[0].kill()
        cluster.members[0].start()
        for n in range(5):
            revision = kv.commit({}, {"a": str(n)})
        cluster.etcdctl("compact", str(revision))
        with pytest.raises(Compacted):
            next(changes)


def test_waiting_for_etcd_costs_no_cpu_and_ends_soon_after_it_is_back(etcd_cluster: ClusterFactory) -> None:
    """Four seconds without etcd: a watch and a lease wait for it nearly for free; all goes on within 2 s."""
    cluster = etcd_cluster()
    with client(cluster) as kv, kv.lease(20) as lease, following(kv, "a", kv.snapshot().revision) as watch:
        kv.commit({}, {"alive": "yes"}, lease=lease.id)
        cluster.members[0].kill()
        before_s = time.process_time()
        time.sleep(4)
        assert time.process_time() - before_s < 0.2
        cluster.members[0].start()
        back = time.monotonic()
        kv.commit({}, {"a": "1"})
        watch.wait_for(["1"])
        assert time.monotonic() - back < 2
        assert not lease.lost.is_set()
        assert kv.snapshot("alive").items["alive"].lease == lease.id


def test_a_short_restart_is_waited_for(etcd_cluster: ClusterFactory) -> None:
    """Calls made while etcd is away wait for it within their deadline: reads, and writes that never left."""
    cluster = etcd_cluster()
    with client(cluster) as kv, client(cluster) as late, ThreadPoolExecutor() as pool:
        revision = kv.commit({}, {"a": "1"})
        cluster.members[0].kill()
        written = pool.submit(late.commit, {"a": revision}, {"a": "2"})
        read = pool.submit(kv.snapshot, "a")
        wait_until(lambda: written.running() and read.running(), "both calls are under way")
        cluster.members[0].start()
        assert written.result() > revision
        assert read.result().items["a"].value in "12"


def test_a_store_that_went_back_in_time_says_so(etcd_cluster: ClusterFactory) -> None:
    """After a restore from a backup the revisions seen may never have been: a watch says so, it does not wait."""
    cluster = etcd_cluster()
    with client(cluster) as kv:
        for n in range(5):
            revision = kv.commit({}, {"a": str(n)})
        with following(kv, "a", revision) as watch:
            cluster.members[0].kill()
            shutil.rmtree(cluster.members[0].folder / "data")
            cluster.members[0].start()
            wait_until(lambda: isinstance(watch.error, Compacted), "the watch says that the store is another")


def test_etcd_out_of_reach_is_an_error_in_time(etcd_cluster: ClusterFactory) -> None:
    """Reads and writes fail at their deadline with a sentence that says what to look at."""
    cluster = etcd_cluster()
    cluster.members[0].kill()
    with client(cluster, timeout_s=0.5) as kv:
        for act in (lambda: kv.snapshot("a"), lambda: kv.commit({}, {"a": "1"})):
            with takes(0.2, 3), pytest.raises(StoreError, match="cannot be reached: see that it runs"):
                act()


def test_what_a_commit_said_is_true_through_kills(etcd_cluster: ClusterFactory) -> None:
    """Writers under three kill -9: what was acknowledged is there, what was said to be not done is not."""
    cluster = etcd_cluster()
    stop = Event()
    said: dict[str, int | StoreError] = {}

    def write(kv: Etcd, name: str) -> None:
        for n in count():
            if stop.is_set():
                return
            key = f"k/{name}/{n}"
            try:
                said[key] = kv.commit({key: 0}, {key: ""})
            except StoreError as e:
                said[key] = e

    def written(number: int) -> bool:
        return sum(isinstance(outcome, int) for outcome in [*said.values()]) >= number

    with client(cluster) as reader, client(cluster, timeout_s=0.15) as kv, ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, kv, name) for name in "ab"]
        try:
            for done in (100, 300, 500):
                wait_until(partial(written, done), "writes go on")
                cluster.members[0].kill()
                wait_until(lambda: isinstance([*said.values()][-1], NotDone), "etcd is missed")
                cluster.members[0].start()
        finally:
            stop.set()
        for each in writing:
            each.result()
        there = reader.snapshot("k/").items
    for key, outcome in said.items():
        if isinstance(outcome, NotDone):
            assert key not in there
        elif isinstance(outcome, int):
            assert there[key].revision == outcome


# ── a member hangs ──


def test_a_frozen_server_is_an_error_at_the_deadline(etcd_cluster: ClusterFactory) -> None:
    """A server that takes connections and never answers hangs nobody; a write's fate is told as unknown."""
    cluster = etcd_cluster()
    with client(cluster, timeout_s=1) as kv:
        kv.commit({}, {"a": "1"})
        cluster.members[0].pause()
        with takes(0.9, 3), pytest.raises(StoreError, match="in time"):
            kv.snapshot("a")
        with takes(0.9, 3), pytest.raises(StoreError, match="whether it was written is not known"):
            kv.commit({}, {"a": "2"})
        cluster.members[0].resume()
        assert kv.snapshot("a").items["a"].value in "12"
        assert kv.commit({}, {"a": "3"})


def test_reads_pass_over_a_frozen_member(etcd_cluster: ClusterFactory) -> None:
    """With three members, one that hangs costs half the deadline once; then another is asked."""
    cluster = etcd_cluster(size=3)
    with client(cluster, timeout_s=4) as kv:
        kv.commit({}, {"a": "1"})
        cluster.members[0].pause()
        assert kv.snapshot("a").items["a"].value == "1"
        with takes(0, 2):
            kv.commit({}, {"a": "2"})


# ── three members ──


def test_failover_of_three_members(etcd_cluster: ClusterFactory) -> None:
    """The member in use is killed: no read fails, ten writes come through and the watch tells all ten."""
    cluster = etcd_cluster(size=3)
    with client(cluster) as kv, following(kv, "a", kv.snapshot().revision) as watch:
        kv.commit({}, {"a": "0"})
        watch.wait_for(["0"])
        cluster.members[0].kill()
        for n in range(1, 11):
            kv.snapshot("a")
            put_until_done(kv, "a", str(n))
        watch.wait_for([str(n) for n in range(11)])


def test_a_lost_quorum_is_told_and_healed(etcd_cluster: ClusterFactory) -> None:
    """One of three is left: reads and writes fail in plain words and in time; with a second one back all goes on."""
    cluster = etcd_cluster(size=3)
    with client(cluster, timeout_s=2) as kv, following(kv, "a", kv.snapshot().revision) as watch:
        kv.commit({}, {"a": "0"})
        for member in cluster.members[1:]:
            member.kill()
        said = "no leader: more than half of its members are down"
        for act in (lambda: kv.snapshot("a"), lambda: kv.commit({}, {"a": "lost"})):
            with takes(0, 4), pytest.raises(StoreError, match=said):
                act()
        cluster.members[1].start()
        put_until_done(kv, "a", "1")
        wait_until(lambda: "1" in watch.values(), "the watch goes on")


# ── leases and leaders through faults ──


def test_a_lease_without_contact_is_lost_when_its_time_is_over(etcd_cluster: ClusterFactory) -> None:
    """Its holder knows no later than etcd could have given its keys to another."""
    cluster = etcd_cluster()
    with client(cluster, timeout_s=1) as kv, kv.lease(2) as lease:
        cluster.members[0].pause()
        with takes(0, 3):
            assert lease.lost.wait(5)
        cluster.members[0].resume()


def test_a_revoked_lease_is_noticed(etcd_cluster: ClusterFactory) -> None:
    """A lease that an operator revoked is lost at its next renewal."""
    cluster = etcd_cluster()
    with client(cluster) as kv, kv.lease(2) as lease:
        cluster.etcdctl("lease", "revoke", f"{lease.id:x}")
        assert lease.lost.wait(2)


def test_a_leader_that_vanished_is_replaced_and_fenced(etcd_cluster: ClusterFactory) -> None:
    """A leader that dies without a word is followed within its lease's time, and can write no more."""
    cluster = etcd_cluster()
    with client(cluster) as first, client(cluster) as second, ExitStack() as held:
        old = held.enter_context(first.leader("duty", 2, "first", Event()))
        assert old is not None
        first.close()
        assert old.lost.wait(1)
        with takes(0, 6), second.leader("duty", 2, "second", Event()) as new:
            assert new is not None
            assert second.commit(old.fence, {"done": "by the old"}) == 0
            assert second.commit(new.fence, {"done": "by the new"}) > 0


def test_a_candidate_waits_through_a_restart(etcd_cluster: ClusterFactory) -> None:
    """etcd is killed and restarted while a candidate waits: it leads when its turn comes, no sooner."""
    cluster = etcd_cluster()
    with client(cluster) as first, client(cluster) as second:
        with first.leader("duty", 10, "first", Event()) as leading:
            assert leading is not None
            led = Event()
            waiter = Thread(target=lead_once, args=(second, led))
            waiter.start()
            wait_until(lambda: len(first.snapshot("leader/duty/").items) == 2, "the second stands in line")
            cluster.members[0].kill()
            cluster.members[0].start()
            assert len(first.snapshot("leader/duty/").items) == 2
            assert not led.wait(0.3)
        assert led.wait(5)
        waiter.join()


def put_until_done(kv: Etcd, key: str, value: str) -> None:
    """As a caller does after "unknown": look what is there, and write again only what is not."""

    def done() -> bool:
        return raised(lambda: kv.commit({}, {key: value})) is None or kv.snapshot(key).items[key].value == value

    wait_until(done, f"{key} is {value}", 20)


def lead_once(kv: KV, led: Event) -> None:
    with kv.leader("duty", 10, "second", Event()) as held:
        if held is not None:
            led.set()
