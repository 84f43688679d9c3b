"""An agent's report on an etcd that nobody set up for us."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Event, Thread

from appserver.agent.report import Reports
from appserver.core.entities import AppKey, ContainerRecord, Observed
from appserver.store import keys
from tests.lab.etcd import ClusterFactory
from tests.lab.kv import client
from tests.lab.wait import wait_until


def test_two_hundred_containers_fit_an_etcd_of_128_operations(etcd_cluster: ClusterFactory):
    """Written, changed, and taken away again: no transaction, and no read, is larger than etcd's own default."""
    key = AppKey("default", "shop")
    seen = Observed(5, 1, "done", datetime(2026, 11, 21, tzinfo=UTC), "up")
    many = {f"shop-s{n}-1": ContainerRecord("id", "img", "sha256:1", "running", "n1", str(key)) for n in range(200)}
    with client(etcd_cluster(flags=("--max-txn-ops=128",))) as kv:
        reports, stop = Reports(kv, "n1", "default"), Event()
        reports.load()
        thread = Thread(target=reports.run, args=(stop,))
        thread.start()
        try:
            reports.say(key, seen, many)
            wait_until(lambda: keys.observed("n1", key) in kv.snapshot("observed/").items, "it is told")
            assert len(kv.snapshot("containers/").items) == 200
            reports.forget(key)
            assert not kv.snapshot("containers/").items
        finally:
            stop.set()
            reports.wake()
            thread.join()
