"""A Swarm of three managers, one of which is lost: its agent, its link, or its engine that hangs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.etcd import Cluster
from tests.lab.front import Front, front_of
from tests.lab.harbour import CLUSTER, NODES, Harbour, project
from tests.lab.harbour import harbour as harbour_of
from tests.lab.visitors import ask, visiting
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.night, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def harbour(etcd: Cluster) -> Iterator[Harbour]:
    with harbour_of(etcd, "/managers/", NODES) as made:
        yield made


@pytest.fixture(scope="module")
def quay(harbour: Harbour) -> Iterator[Front]:
    with front_of(harbour.fleet.servers) as made:
        yield made


def test_another_manager_takes_over_where_one_is_lost(harbour: Harbour, etcd: Cluster) -> None:
    """The agent that looks after a stack dies: no task is touched, and another goes on. Back, it touches nothing."""
    assert harbour.deploy("heir", project())["state"] == "done"
    held = harbour.shown("heir")["node"]
    before = {one["ID"] for one in harbour.tasks("heir_web")}
    harbour.fleet.hosts[held].agent.kill()
    wait_until(lambda: harbour.shown("heir")["node"] != held, "another manager has it", 60)
    wait_until(lambda: harbour.shown("heir")["state"] == "running", "it has looked", 30)
    assert harbour.deploy("heir", project(more=", heal: true"))["state"] == "done"
    harbour.fleet.hosts[held].agent.start()
    wait_until(harbour.fleet.all_well, "it is back", 60)
    gone = f"{harbour.prefix}desired/{held}/{CLUSTER}.heir"
    wait_until(lambda: gone not in etcd.etcdctl("get", "--keys-only", "--prefix", gone), "it let go", 60)
    assert {one["ID"] for one in harbour.tasks("heir_web")} == before
    assert harbour.where("heir") <= {"n1", "n2", "n3"}


def leader(harbour: Harbour) -> str:
    """The manager that leads, by its name on record."""
    wait_until(lambda: "Leader" in listed(harbour), "there is a leader", 60)
    ids = {harbour.docker(node, "info", "--format", "{{.Swarm.NodeID}}").strip(): node for node in harbour.fleet.hosts}
    return next(ids[line.split()[0]] for line in listed(harbour).splitlines() if line.endswith("Leader"))


def listed(harbour: Harbour, node: str = "n1") -> str:
    """Swarm's managers; empty while it has no leader."""
    form = ("--filter", "role=manager", "--format", "{{.ID}} {{.Status}} {{.ManagerStatus}}")
    try:
        return harbour.docker(node, "node", "ls", *form)
    except RuntimeError:
        return ""


def told_of(harbour: Harbour, name: str, node: str) -> str:
    """A service, as this node's Swarm has it; empty while that has no leader."""
    try:
        return str(harbour.service(name, node))
    except RuntimeError:
        return ""


def is_up(harbour: Harbour, name: str) -> bool:
    """The newest revision is in force."""
    told = harbour.shown(name)
    return bool(told["state"] == "running" and told["revision"] == told["latest"])


@pytest.mark.parametrize("how", ["cut", "frozen"])
def test_the_leader_is_lost_to_the_swarm(harbour: Harbour, quay: Front, how: str) -> None:
    """Its tasks run elsewhere, an update goes on with the majority, requests are answered; then it is back."""
    host, name = f"{how}.example.net", f"lugger-{how}"
    serve = "mkdir -p /d; echo ahoy > /d/index.html; exec httpd -f -p 80 -h /d"
    more = f", expose: {{service: web, port: 80, host: {host}}}, update: {{order: start-first, monitor: 1s}}"
    assert harbour.deploy(name, project(serve, f"{more}, timeout: 120s"))["state"] == "done"
    wait_until(lambda: ask(quay.port, host) == (200, "ahoy"), "it is reached", 10)
    lost = leader(harbour)
    lookout = next(node for node in harbour.fleet.hosts if node != lost)
    engine = harbour.engine(lost)
    with visiting(quay.port, host, rate=20) as visits:
        wait_until(lambda: visits.count > 10, "requests are answered")
        harbour.lan.cut(engine) if how == "cut" else engine.freeze()
        try:
            harbour.ask(name, project(f"true; {serve}", f"{more}, timeout: 120s"))
            wait_until(lambda: "true; " in told_of(harbour, f"{name}_web", lookout), "the Swarm is told", 90)
            wait_until(lambda: is_up(harbour, name), "it is rolled out", 150)
            before = visits.count
            wait_until(lambda: visits.count > before + 20, "requests go on")
        finally:
            harbour.lan.heal(engine) if how == "cut" else engine.thaw()
    assert visits.failed == {}, visits.answers
    wait_until(lambda: listed(harbour, lookout).count("Ready") == NODES, "it is in the Swarm again", 60)
    wait_until(harbour.fleet.all_well, "the node is well", 90)
