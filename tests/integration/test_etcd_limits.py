"""Where etcd's limits lie, and how the client meets them; and the client's own beginning and end."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest

from appserver.adapters.etcd import Etcd
from appserver.errors import StoreError, TooLarge
from tests.lab.etcd import Cluster, ClusterFactory
from tests.lab.kv import client, following, raised
from tests.lab.wait import wait_until

MIB = 1024 * 1024


def test_ten_thousand_keys_are_read_at_one_revision(kv: Etcd) -> None:
    """Over 5 MB in pages: keys written together far apart are never seen apart, and none is missed."""
    for block in range(10):
        kv.commit({}, {f"k/{block}/{n:04}": "x" * 550 for n in range(1000)})
    kv.commit({}, {"k/0/0000": "0", "k/9/0999": "0"})
    stop = Event()

    def write() -> None:
        turn = 0
        while not stop.wait(0.001):
            turn += 1
            kv.commit({}, {"k/0/0000": str(turn), "k/9/0999": str(turn)})

    writer = Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            seen = kv.snapshot("k/")
            assert len(seen.items) == 10_000
            first, last = seen.items["k/0/0000"], seen.items["k/9/0999"]
            assert (first.value, first.revision) == (last.value, last.revision)
            assert max(item.revision for item in seen.items.values()) <= seen.revision
    finally:
        stop.set()
        writer.join()
    assert sum(len(item.value) for item in seen.items.values()) > 5_000_000


def test_a_thousand_leases_are_kept_alive(kv: Etcd) -> None:
    """Each with a key, for nearly three times their time, over one client: none is lost, none of the keys goes."""
    with ExitStack() as held:
        leases = [held.enter_context(kv.lease(2)) for _ in range(1000)]
        for n, lease in enumerate(leases):
            kv.commit({}, {f"alive/{n}": ""}, lease=lease.id)
        time.sleep(4)  # twice the leases' time
        assert not [lease for lease in leases if lease.lost.is_set()]
        assert len(kv.snapshot("alive/").items) == 1000
    assert not kv.snapshot("alive/").items


def test_a_transaction_larger_than_etcd_takes_is_refused(kv: Etcd) -> None:
    """Two values that are fine alone and too much together: TooLarge, nothing written, the client goes on."""
    for size, number in ((MIB, 2), (MIB // 2, 10)):
        with pytest.raises(TooLarge, match="max-request-bytes"):
            kv.commit({}, {f"a/{n}": "x" * size for n in range(number)})
    assert not kv.snapshot("a/").items
    kv.commit({}, {"a/0": "x" * MIB})


def test_etcds_own_limit_of_operations_is_told(etcd_cluster: ClusterFactory) -> None:
    """A cluster set up by others takes fewer operations than ours: its refusal names the setting."""
    with client(etcd_cluster(flags=("--max-txn-ops=128",))) as kv:
        with pytest.raises(TooLarge, match="--max-txn-ops"):
            kv.commit({}, {f"a/{n}": "" for n in range(129)})
        assert not kv.snapshot("a/").items


def test_a_full_disk_quota_is_told_and_reads_go_on(etcd_cluster: ClusterFactory) -> None:
    """NOSPACE: writes fail with what to do, reads work; after doing it writes work again."""
    cluster = etcd_cluster(flags=(f"--quota-backend-bytes={4 * MIB}",))
    with client(cluster) as kv:
        kv.commit({}, {"a": "1"})

        def fill() -> StoreError | None:
            return raised(lambda: kv.commit({}, {"big": "x" * (MIB // 2)}))

        wait_until(fill, "the quota is used up, once what was put has reached etcd's file")
        with pytest.raises(StoreError, match=r"compact and defragment it .* `etcdctl alarm disarm`"):
            kv.commit({}, {"small": "1"})
        revision = kv.snapshot("a").revision
        assert kv.snapshot("a").items["a"].value == "1"
        cluster.etcdctl("compact", str(revision))
        cluster.etcdctl("defrag")
        cluster.etcdctl("alarm", "disarm")
        assert kv.commit({}, {"a": "2"}) > revision


def test_closing_ends_everything(etcd_cluster: ClusterFactory) -> None:
    """`close` ends watches, tells the holders of leases, and later calls say what happened."""
    cluster = etcd_cluster()
    with client(cluster) as kv, ExitStack() as held:
        lease = held.enter_context(kv.lease(5))
        watch = held.enter_context(following(kv, "a", kv.snapshot().revision))
        kv.close()
        assert lease.lost.wait(2)
        watch.close()
        assert watch.error is None
        with pytest.raises(StoreError, match="closed"):
            kv.snapshot("a")


FORK = """
import os, sys
from appserver.adapters.etcd import Etcd
kv = Etcd([sys.argv[1]], prefix="/fork/")
child = os.fork()
if child == 0:
    kv.commit({}, {"a": "1"})
    kv.close()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

CROWD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from appserver.adapters.etcd import Etcd
start = Barrier(16)
kv = Etcd([sys.argv[1]], prefix="/crowd/")
def put(n):
    start.wait()
    return kv.commit({}, {f"k/{n}": ""})
with ThreadPoolExecutor(16) as pool:
    assert all(pool.map(put, range(16)))
"""


@pytest.mark.parametrize(("prefix", "script"), [("/fork/", FORK), ("/crowd/", CROWD)])
def test_the_first_call_may_come_from_anywhere(etcd_server: Cluster, prefix: str, script: str) -> None:
    """From the child of a fork after the client was made, as under a preloading web server; from many threads at once.

    And a program that ends without closing its client ends well.
    """
    argv = [sys.executable, "-W", "error", "-c", script, etcd_server.endpoints[0]]
    done = subprocess.run(argv, timeout=20, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with client(etcd_server, prefix=prefix) as kv:
        assert kv.snapshot("").items


def test_others_bytes_below_our_prefix_hide_nothing(etcd_cluster: ClusterFactory) -> None:
    """A value that is no text is shown escaped; the keys beside it are read as ever."""
    cluster = etcd_cluster()
    with client(cluster) as kv:
        kv.commit({}, {"a/x": "1"})
        subprocess.run(
            ["etcdctl", f"--endpoints={cluster.endpoints[0]}", "put", "/moorage/a/y"],
            input=b"\xff\xfe",
            check=True,
            capture_output=True,
        )
        assert {key: item.value for key, item in kv.snapshot("a/").items.items()} == {"a/x": "1", "a/y": "\\xff\\xfe"}
