"""Who may talk to etcd, and what happens when etcd forgets that it knew us."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from appserver.adapters.etcd import TLS, Etcd
from appserver.errors import Invalid, StoreError
from tests.lab.certs import Authority
from tests.lab.etcd import Cluster, ClusterFactory
from tests.lab.kv import client, closing, following

PASSWORD = "correct-horse-battery"


def test_certificate_and_password(etcd_cluster: ClusterFactory, tmp_path: Path) -> None:
    """TLS both ways, and a user with a role for our keys; who lacks one is refused, and no error tells a secret."""
    authority = Authority(tmp_path)
    cluster = etcd_cluster(tls=authority, flags=("--bcrypt-cost=4",))
    enable_auth(cluster)
    tls = cluster.members[0].tls
    assert tls is not None
    with client(cluster, tls=tls, user="app", password=PASSWORD) as kv:
        with following(kv, "a/", kv.commit({}, {"a/x": "1"})) as watch, kv.lease(5) as lease:
            kv.commit({}, {"a/y": "2"}, lease=lease.id)
            watch.wait_for(["2"])
            assert kv.snapshot("a/").items["a/x"].value == "1"
        with pytest.raises(StoreError, match="grant it a role"):
            list(Etcd(cluster.endpoints, "/other/", tls, "app", PASSWORD).watch("a/", 0))
    refused: Sequence[tuple[str, TLS, str, str]] = (
        ("/other/", tls, "app", PASSWORD),
        ("/moorage/", tls, "app", "wrong-" + PASSWORD),
        ("/moorage/", TLS(tls.ca), "app", PASSWORD),
        ("/moorage/", TLS(Authority(tmp_path / "stranger").path, tls.cert, tls.key), "app", PASSWORD),
    )
    for prefix, files, user, password in refused:
        with closing(Etcd(cluster.endpoints, prefix, files, user, password, timeout_s=1)) as stranger:
            with pytest.raises(StoreError) as told:
                stranger.commit({}, {"a": "1"})
            assert PASSWORD not in f"{told.value!r} {told.value.__cause__!r} {stranger!r} {vars(stranger)!r}"


def test_an_expired_token_is_renewed(etcd_cluster: ClusterFactory) -> None:
    """Tokens that ran out or were forgotten by a restart cost a log-in, no error: calls, watches and leases go on."""
    cluster = etcd_cluster(flags=("--auth-token-ttl=1", "--bcrypt-cost=4"))
    enable_auth(cluster)
    with client(cluster, user="app", password=PASSWORD) as kv:
        start = kv.commit({}, {"a": "1"})
        with kv.lease(3) as lease, following(kv, "a", start) as watch:
            time.sleep(3)  # the token's time; asking whether it is over would renew it
            kv.commit({}, {"a": "2"})
            watch.wait_for(["2"])
            cluster.members[0].kill()
            cluster.members[0].start()
            with following(kv, "a", start) as second:
                second.wait_for(["2"])
            kv.commit({}, {"a": "3"}, lease=lease.id)
            watch.wait_for(["2", "3"])
            assert not lease.lost.is_set()


def test_a_user_works_before_the_cluster_asks_for_one(etcd_cluster: ClusterFactory) -> None:
    """A client with a password serves a cluster whose log-in is switched on later, without a restart."""
    cluster = etcd_cluster(flags=("--bcrypt-cost=4",))
    with client(cluster, user="app", password=PASSWORD) as kv, client(cluster) as stranger:
        kv.commit({}, {"a": "1"})
        enable_auth(cluster)
        kv.commit({}, {"a": "2"})
        with pytest.raises(StoreError, match="asks for a user"):
            stranger.snapshot("a")


@pytest.mark.parametrize(
    "endpoints", [(), ("127.0.0.1:2379",), ("ftp://h:1",), ("http://user:pw@h:1",), ("http://h:1/x",), ("http://h",)]
)
def test_an_endpoint_that_is_none_is_refused_at_once(endpoints: tuple[str, ...]) -> None:
    """At construction, and without repeating what may hold a password."""
    with pytest.raises(Invalid) as told:
        Etcd(endpoints)
    assert "pw" not in str(told.value)


def enable_auth(cluster: Cluster) -> None:
    """Users root and app, both with PASSWORD; app may read and write below /moorage/."""
    cluster.etcdctl("user", "add", "root", "--interactive=false", stdin=PASSWORD)
    cluster.etcdctl("user", "grant-role", "root", "root")
    cluster.etcdctl("role", "add", "app")
    cluster.etcdctl("role", "grant-permission", "app", "--prefix=true", "readwrite", "/moorage/")
    cluster.etcdctl("user", "add", "app", "--interactive=false", stdin=PASSWORD)
    cluster.etcdctl("user", "grant-role", "app", "app")
    cluster.etcdctl("auth", "enable")
