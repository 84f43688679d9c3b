"""A view of the site's configuration that follows what others change: through outages, compaction and nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event

import pytest

from appserver.adapters.etcd import Etcd
from appserver.adapters.sealer import KeySealer
from appserver.core.site_config import place
from appserver.store.site_config import SiteConfig, origin_key
from tests.lab.etcd import Cluster, ClusterFactory
from tests.lab.wait import wait_until

SEALER = KeySealer(b"k" * 32)
TIMEOUT, TOKEN = "config/worker-timeout-duration", "config/github-token"


@pytest.fixture
def cluster(etcd_cluster: ClusterFactory) -> Cluster:
    return etcd_cluster()


@contextmanager
def following(cluster: Cluster) -> Iterator[tuple[Etcd, SiteConfig]]:
    """A store, and a view of it that runs."""
    stop = Event()
    with closing(Etcd(cluster.endpoints)) as kv:
        live = SiteConfig(kv, SEALER)
        thread = live.start(stop)
        try:
            yield kv, live
        finally:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()


def test_a_change_is_seen_without_a_restart(cluster: Cluster) -> None:
    """Set, changed, unset; opened where it is sealed; and whoever took a view before keeps it."""
    with following(cluster) as (kv, live):
        first = live.now()
        assert first.seconds(TIMEOUT) == 3600
        kv.commit({}, {TIMEOUT: "90000000000"})
        second = live.later(first, 5)
        assert (second.seconds(TIMEOUT), first.seconds(TIMEOUT)) == (90, 3600)
        kv.commit({}, {TOKEN: SEALER.seal("hunter2", place(TOKEN))})
        third = live.later(second, 5)
        assert third.text(TOKEN) == "hunter2"
        kv.commit({}, {}, [TIMEOUT])
        assert live.later(third, 5).seconds(TIMEOUT) == 3600


def test_what_cannot_be_read_leaves_its_default_and_the_rest(cluster: Cluster) -> None:
    """A value that somebody misspelt in etcd stops nobody."""
    with following(cluster) as (kv, live):
        before = live.now()
        kv.commit({}, {TIMEOUT: "soon", TOKEN: "sealed:v1:AAAA", "config/env": "prod", "config/strange": "x"})
        now = live.later(before, 5)
        assert (now.seconds(TIMEOUT), now.text(TOKEN), now.text("config/env")) == (3600, "", "prod")


def test_a_view_outlives_the_store_and_its_compaction(cluster: Cluster) -> None:
    """What was last seen counts meanwhile; what changed meanwhile is seen afterwards."""
    member = cluster.members[0]
    with following(cluster) as (kv, live):
        kv.commit({}, {"config/env": "dev"})
        wait_until(lambda: live.now().text("config/env") == "dev", "the first change is seen")
        member.kill()
        assert live.now().text("config/env") == "dev"
        member.start()
        for number in range(20):
            cluster.etcdctl("put", f"/moorage/{TIMEOUT}", f"{number + 1}000000000")
        revision = kv.snapshot("config/").revision
        cluster.etcdctl("compact", str(revision))
        wait_until(lambda: live.now().seconds(TIMEOUT) == 20, "the last change is seen", 20)


def test_an_agent_needs_no_more_than_the_section_it_follows(cluster: Cluster) -> None:
    """No key outside `config/` is asked for: an agent may not read the passwords of boards."""
    asked: list[str] = []

    class Watched(Etcd):
        def snapshot(self, *prefixes: str):  # type: ignore[no-untyped-def]
            asked.extend(prefixes)
            return super().snapshot(*prefixes)

    with closing(Watched(cluster.endpoints)) as kv:
        kv.commit({}, {origin_key(TIMEOUT): "x"})
        assert SiteConfig(kv, SEALER).now().seconds(TIMEOUT) == 3600
    assert asked
    assert all(key.startswith("config/") for key in asked)
