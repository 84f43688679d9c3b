"""What etcd itself lets each component do: users by their certificates, roles by the table of rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appserver.adapters.etcd import TLS, Etcd
from appserver.adapters.etcd_access import EtcdAccess
from appserver.core.grants import Grant
from appserver.errors import StoreError
from appserver.store import rights
from appserver.store.routes import PREFIXES
from tests.lab.certs import Authority
from tests.lab.etcd import Cluster, etcd_members
from tests.lab.kv import closing

NODE = "boot-0"
PREFIX = "/moorage/"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def cluster(authority: Authority) -> Iterator[Cluster]:
    """It asks for certificates, and everybody who they are."""
    with etcd_members(tls=authority, flags=("--bcrypt-cost=4",)) as started:
        access = access_of(started, authority)
        said = [*access.role("root", ()), *access.user("root", "root"), *access.enable()]
        assert [change.text for change in said] == [
            "root is known", "root has the role root", "the store asks everybody who they are",
        ]  # fmt: skip
        agent = rights.agent_user(NODE)
        access.role(agent, rights.agent_grants(NODE, "default", 0, "198.18.0.10"))
        access.user(agent, agent)
        proxy = rights.proxy_user(NODE)
        access.role(proxy, rights.proxy_grants(NODE))
        access.user(proxy, proxy)
        access.close()
        yield started


def access_of(cluster: Cluster, authority: Authority, check: bool = False) -> EtcdAccess:
    return EtcdAccess(cluster.endpoints, PREFIX, tls_of(authority, "root"), check)


def tls_of(authority: Authority, name: str) -> TLS:
    return TLS(authority.path, *authority.issue(name))


@pytest.fixture
def agent(cluster: Cluster, authority: Authority) -> Iterator[Etcd]:
    with closing(Etcd(cluster.endpoints, PREFIX, tls_of(authority, f"agent:{NODE}"), timeout_s=2)) as kv:
        yield kv


@pytest.mark.parametrize(
    "key",
    [
        "nodes/boot-0", "alive/boot-0", "observed/boot-0/default.shop", "containers/default/shop-web-1",
        "install/0/debs/etcd-server", "info/bootservers/0", "machines/runnodes/198.18.0.10", "events/x",
        "machines/agents/boot-0", "machines/rivals/boot-0/1a", "serving/boot-0/default.shop",
        "learned/boot-0/web%3A1",
    ],
)  # fmt: skip
def test_an_agent_writes_what_its_own_node_is(agent: Etcd, key: str) -> None:
    """Under its lease as well."""
    with agent.lease(5) as lease:
        assert agent.commit({}, {key: "1"}, lease=lease.id)
        assert agent.commit({}, {}, [key])


@pytest.mark.parametrize(
    "key",
    [
        "nodes/boot-1", "alive/boot-1", "observed/boot-1/default.shop", "desired/boot-0/default.shop",
        "revisions/default/shop/00000001", "applications/default/shop", "install/1/debs/etcd-server", "install/01/x",
        "users/ada", "tokens/x", "containers/other/x", "machines/runnodes/198.18.0.11", "config/proxy", "x",
        "machines/agents/boot-1", "machines/rivals/boot-1/1a", "machines/allnodes/198.18.0.10", "service/master",
        "service/mode", "token", "serving/boot-1/default.shop", "routes/shop.example", "proxies/boot-0",
        "learned/boot-1/web%3A1",
    ],
)  # fmt: skip
def test_it_writes_nothing_else(agent: Etcd, key: str) -> None:
    """No wish, no other node's record, nobody's password."""
    with pytest.raises(StoreError, match="grant it a role"):
        agent.commit({}, {key: "1"})


def test_it_does_not_read_what_is_not_its_own(agent: Etcd) -> None:
    """Hashes of passwords, other nodes' wishes."""
    assert not agent.snapshot("desired/boot-0/", "revisions/", "nodes/boot-0").items
    for prefix in ("users/", "sessions/", "tokens/", "desired/boot-1/", ""):
        with pytest.raises(StoreError, match="grant it a role"):
            agent.snapshot(prefix)


def test_it_reads_what_a_swarm_is_told_of_its_nodes(agent: Etcd) -> None:
    """By the agent of the manager that leads: every node's labels, and which are cordoned."""
    agent.snapshot("nodes/", "cordons/")
    with pytest.raises(StoreError, match="grant it a role"):
        agent.commit({}, {"cordons/boot-0": "1"})


def test_who_keeps_routes_reads_what_they_are_made_of_and_says_how_far_it_is(
    cluster: Cluster, authority: Authority
) -> None:
    """No project, no password, nobody's route; in its own name alone."""
    with closing(Etcd(cluster.endpoints, PREFIX, tls_of(authority, f"proxy:{NODE}"), timeout_s=2)) as kv:
        assert not kv.snapshot(*PREFIXES).items
        with kv.lease(5) as lease:
            assert kv.commit({}, {f"proxies/{NODE}": "1"}, lease=lease.id)
        for prefix in ("revisions/", "users/", "observed/", "config/", ""):
            with pytest.raises(StoreError, match="grant it a role"):
                kv.snapshot(prefix)
        for key in ("routes/shop.example", "serving/boot-0/default.shop", "proxies/boot-1", "desired/boot-0/default.x"):
            with pytest.raises(StoreError, match="grant it a role"):
                kv.commit({}, {key: "1"})


def test_a_stranger_with_a_certificate_is_refused(cluster: Cluster, authority: Authority) -> None:
    """The authority signed it; nobody gave its name a role."""
    files = tls_of(authority, "agent:boot-9")
    with closing(Etcd(cluster.endpoints, PREFIX, files, timeout_s=2)) as kv, pytest.raises(StoreError):
        kv.snapshot("nodes/boot-9")


def test_a_second_run_changes_nothing_and_too_much_is_taken_away(cluster: Cluster, authority: Authority) -> None:
    """What somebody granted by hand is revoked; a check only says so."""
    with closing(access_of(cluster, authority)) as access:
        grants = rights.agent_grants("boot-2", "default", 2, "")
        name = rights.agent_user("boot-2")
        assert access.role(name, grants) and access.user(name, name)
        assert not access.role(name, grants) and not access.user(name, name) and not access.enable()
        assert not access.role("root", ()) and not access.user("root", "root")
        access.role(name, [*grants, Grant("users/")])
        with closing(access_of(cluster, authority, check=True)) as looking:
            assert [one.text for one in looking.role(name, grants)] == [f"{name} may no longer reach /moorage/users/"]
        assert [one.text for one in access.role(name, grants)] == [f"{name} may no longer reach /moorage/users/"]
        assert not access.role(name, grants)
        assert [one.text for one in access.forget(name)] == [f"{name} is not known any more"]
        assert not access.forget(name)
