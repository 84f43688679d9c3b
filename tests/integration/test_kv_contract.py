"""What every KV promises, run on memory and on real etcd alike, so that the one in memory cannot drift."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event, Thread, Timer

import pytest

from appserver.adapters.etcd import Etcd
from appserver.adapters.memory import MemoryKV
from appserver.errors import Compacted, TooLarge
from appserver.ports import KV, Change, Item
from tests.lab.etcd import Cluster, ClusterFactory
from tests.lab.kv import BACKENDS, take

MIB = 1024 * 1024
_numbers = count()


@pytest.fixture
def kv(etcd: Cluster) -> Iterator[Etcd]:
    """Of an etcd that nobody else writes to: its revisions are compared."""
    client = Etcd(etcd.endpoints, prefix=f"/contract-{os.getpid()}-{next(_numbers)}/")
    yield client
    client.close()


def test_an_empty_store_has_a_revision_and_no_keys(store: KV) -> None:
    """Revision 0 means absent, so that a store's own revision is never 0."""
    seen = store.snapshot("a/", "b")
    assert seen.revision > 0
    assert dict(seen.items) == {}
    assert seen.revision_of("b") == 0


def test_a_commit_is_seen_at_its_revision(store: KV) -> None:
    """What was put is read back with the revision the commit returned; a second put keeps the creation."""
    before = store.snapshot().revision
    first = store.commit({}, {"a/x": "1", "a/y": "ü"})
    second = store.commit({}, {"a/x": "2"})
    assert before < first < second
    seen = store.snapshot("a/")
    assert seen.revision == second
    assert dict(seen.items) == {"a/x": Item("2", second, first), "a/y": Item("ü", first, first)}


def test_an_unexpected_revision_writes_nothing(store: KV) -> None:
    """All or nothing: one expectation that fails leaves every key as it was."""
    first = store.commit({"a": 0}, {"a": "1"})
    assert store.commit({"a": 0}, {"a": "2", "b": "2"}) == 0
    assert store.commit({"a": first, "b": first}, {"a": "2"}, ["b"]) == 0
    assert store.commit({"missing": first}, {}, ["a"]) == 0
    assert dict(store.snapshot("").items) == {"a": Item("1", first, first)}
    assert store.commit({"a": first, "b": 0}, {"a": "2", "b": "2"}) > first


def test_a_key_made_again_is_a_new_key(store: KV) -> None:
    """A delete and a new put give a new creation revision, and the old expectation fails."""
    first = store.commit({}, {"a": "1"})
    assert store.commit({"a": first}, {}, ["a"]) > first
    third = store.commit({"a": 0}, {"a": "1"})
    assert store.snapshot("a").items["a"] == Item("1", third, third)
    assert store.commit({"a": first}, {"a": "2"}) == 0


def test_nothing_to_write_makes_no_revision(store: KV) -> None:
    """A commit that only compares, or deletes what is not there, succeeds at the revision there is."""
    first = store.commit({}, {"a": "1"})
    assert store.commit({"a": first}, {}) == first
    assert store.commit({}, {}, ["missing"]) == first


def test_a_prefix_ends_in_a_slash_and_a_name_is_one_key(store: KV) -> None:
    """`a/` covers what lies below it; `a` is the key alone; the empty prefix is everything."""
    store.commit({}, dict.fromkeys(("a", "a/x", "a/y/z", "a-", "a0", "ab/x", "b"), "v"))
    assert list(store.snapshot("a/").items) == ["a/x", "a/y/z"]
    assert list(store.snapshot("a").items) == ["a"]
    assert list(store.snapshot("b", "a/y/", "a/", "ab").items) == ["a/x", "a/y/z", "b"]
    assert list(store.snapshot("").items) == ["a", "a-", "a/x", "a/y/z", "a0", "ab/x", "b"]


def test_a_snapshot_is_of_one_moment(store: KV) -> None:
    """Keys that are only ever written together are never seen apart, whatever is written meanwhile."""
    stop = Event()

    def write() -> None:
        for n in count():
            if stop.is_set():
                return
            store.commit({}, {"left/n": str(n), "right/n": str(n)})

    store.commit({}, {"left/n": "0", "right/n": "0"})
    writer = Thread(target=write)
    writer.start()
    try:
        for _ in range(100):
            seen = store.snapshot("left/", "right/n")
            assert seen.items["left/n"] == seen.items["right/n"]
            assert seen.items["left/n"].revision <= seen.revision
    finally:
        stop.set()
        writer.join()


def test_of_many_that_expect_the_same_one_wins(store: KV) -> None:
    """Eight threads that count by compare-and-swap lose no increment."""
    store.commit({}, {"n": "0"})

    def add(_: int) -> None:
        while True:
            now = store.snapshot("n").items["n"]
            if store.commit({"n": now.revision}, {"n": str(int(now.value) + 1)}):
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(64)))
    assert store.snapshot("n").items["n"].value == "64"


@pytest.mark.parametrize(
    ("expect", "puts", "deletes"),
    [
        ({}, {"a": "1"}, ["a"]),
        ({}, {}, ["a", "a"]),
        ({}, {"": "1"}, []),
        ({}, {"a/": "1"}, []),
        ({"": 0}, {"a": "1"}, []),
    ],
)
def test_a_commit_that_cannot_mean_anything_is_refused(
    store: KV, expect: dict[str, int], puts: dict[str, str], deletes: list[str]
) -> None:
    """A key written twice, and a key that is none, are refused before anything is written."""
    with pytest.raises(ValueError, match=r"written twice|names no key"):
        store.commit(expect, puts, deletes)
    assert dict(store.snapshot("").items) == {}


def test_a_value_over_a_mebibyte_is_refused(store: KV) -> None:
    """1 MiB of UTF-8 is taken, a byte more is not; the key is named."""
    store.commit({}, {"full": "x" * MIB})
    assert len(store.snapshot("full").items["full"].value) == MIB
    with pytest.raises(TooLarge, match="over"):
        store.commit({}, {"over": "ü" * (MIB // 2) + "x"})
    assert "over" not in store.snapshot("over").items


def test_a_thousand_keys_go_in_one_commit_and_ten_thousand_do_not(store: KV) -> None:
    """One transaction holds what a large deployment writes; more than the store takes is refused in plain words."""
    revision = store.commit({}, {f"k/{n}": "v" for n in range(1000)})
    assert {item.revision for item in store.snapshot("k/").items.values()} == {revision}
    with pytest.raises(TooLarge, match="max-txn-ops"):
        store.commit({}, {f"k/{n}": "v" for n in range(10_000)})


def test_a_watch_tells_every_change_in_order(store: KV) -> None:
    """Changes after the revision given, past and future, below the prefix alone; a delete has no value."""
    start = store.commit({}, {"a/x": "0", "b": "0"})
    first = store.commit({}, {"a/y": "1", "a/x": "1", "b": "1"})
    watch = store.watch("a/", start)
    seen = take(watch, 2)
    assert sorted(change.key for change in seen) == ["a/x", "a/y"]
    assert {change.revision for change in seen} == {first}
    watch = store.watch("a/", first)
    later: list[Change] = []
    reader = Thread(target=lambda: later.extend(take(watch, 3)))
    reader.start()
    second = store.commit({}, {"a/z/z": "2", "ab": "2"})
    third = store.commit({}, {"a/x": "3"})
    fourth = store.commit({}, {}, ["a/x", "b"])
    reader.join()
    assert later == [Change("a/z/z", "2", second), Change("a/x", "3", third), Change("a/x", None, fourth)]


def test_a_watch_of_a_name_tells_of_that_key_alone(store: KV) -> None:
    """No slash at the end: one key, not those below or beside it."""
    start = store.snapshot().revision
    store.commit({}, {"a/x": "1", "ab": "1"})
    wanted = store.commit({}, {"a": "1"})
    assert take(store.watch("a", start), 1) == [Change("a", "1", wanted)]


def test_a_closed_watch_ends(store: KV) -> None:
    """`close` from another thread ends an iteration that waits; a watch closed before it began is empty."""
    watch = store.watch("a/", store.snapshot().revision)
    ended = Event()

    def follow() -> None:
        assert list(watch) == [Change("a/x", "1", revision)]
        ended.set()

    revision = store.commit({}, {"a/x": "1"})
    reader = Thread(target=follow)
    reader.start()
    store.commit({}, {"b": "1"})
    Timer(0.1, watch.close).start()
    assert ended.wait(5)
    reader.join()
    assert list(watch) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_watch_of_compacted_changes_says_so(backend: str, etcd_cluster: ClusterFactory) -> None:
    """Changes that were forgotten raise Compacted, never a gap; from the compacted revision on all are told."""
    kv, compact, close = _own_store(backend, etcd_cluster)
    try:
        start = kv.snapshot().revision
        for n in range(5):
            last = kv.commit({}, {"a": str(n)})
        compact(last - 1)
        with pytest.raises(Compacted):
            take(kv.watch("a", start), 1)
        assert [change.value for change in take(kv.watch("a", last - 2), 2)] == ["3", "4"]
    finally:
        close()


def _own_store(backend: str, etcd_cluster: ClusterFactory) -> tuple[KV, Callable[[int], object], Callable[[], None]]:
    """A store nobody else uses, its compaction, and its end."""
    if backend == "memory":
        memory = MemoryKV()
        return memory, memory.compact, lambda: None
    cluster = etcd_cluster()
    client = Etcd(cluster.endpoints)
    return client, lambda revision: cluster.etcdctl("compact", str(revision)), client.close
