"""Nodes that start, with real app servers and agents: in either order, killed, frozen, cloned, with a shared tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appserver.store import keys
from tests.lab.daemon import Daemon
from tests.lab.etcd import Cluster
from tests.lab.hung import hung
from tests.lab.kv import following, takes
from tests.lab.starting import Start, starting
from tests.lab.wait import wait_until

pytestmark = pytest.mark.slow
GONE_S = 13.0
"""A lease lasts ten seconds."""


@pytest.fixture(scope="module")
def start(etcd: Cluster) -> Iterator[Start]:
    with starting(etcd) as made:
        yield made


@pytest.fixture(scope="module")
def tree(start: Start) -> Path:
    path = start.folder / "global"
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def server(start: Start, tree: Path) -> Daemon:
    """The app server that leads from here on; the agent that waited for it is `first`."""
    daemon = start.serve(shared_dir=str(tree))
    daemon.wait_ready()
    return daemon


def test_an_agent_waits_for_an_app_server_and_says_since_when(start: Start, tree: Path) -> None:
    """It neither ends nor gives up; what it runs is looked after meanwhile, which its live reads show."""
    agent = start.agent("first", "10.9.0.1")
    start.until("10.9.0.1", "waiting")
    told = start.until_told("first", "handshake", False, "waiting for an app server")
    agent.wait_ready()
    again = start.condition("first", "handshake")
    assert again
    assert again.since == told.since
    server = start.serve(shared_dir=str(tree))
    server.wait_ready()
    start.until("10.9.0.1", "ok")
    since = start.until_told("first", "handshake", True, "ok").since
    assert since > told.since
    assert start.kv.snapshot(keys.allnode("10.9.0.1")).items[keys.allnode("10.9.0.1")].value == "ok"
    view = start.node("first")
    assert view
    assert (view.on, view.healthy, view.state) == (True, True, "ok")
    token = start.kv.snapshot(keys.TOKEN).items[keys.TOKEN].value
    assert (tree / "token").read_text() == token, "the app server that leads marks the shared tree"
    server.kill()
    agent.stop()
    start.until("10.9.0.1", "", 5)
    server.start()
    wait_until(lambda: start.leader(), "an app server leads", 20)
    assert start.kv.snapshot(keys.TOKEN).items[keys.TOKEN].value == token, "the token is that of the first start"
    server.stop()


def test_an_agent_that_comes_later_is_answered_at_once(start: Start, server: Daemon) -> None:
    """The app server was there first."""
    wait_until(lambda: start.leader(), "an app server leads", 20)
    agent = start.agent("late", "10.9.0.2")
    start.until("10.9.0.2", "ok")
    told = ("create", "late (10.9.0.2) came up for the first time")
    wait_until(lambda: told in start.events("late"), "the node's bus hears of it")
    start.until_told("late", "certificates", True, "none ends within 30 days")
    agent.kill()


def test_a_state_ends_with_its_agent_and_a_node_that_returns_recovers(start: Start, server: Daemon) -> None:
    """Killed, it is gone within its lease; back, it begins with init-recovery."""
    agent = start.agent("mortal", "10.9.0.3")
    start.until("10.9.0.3", "ok")
    start.until_told("mortal", "handshake", True, "ok")
    agent.kill()
    start.until("10.9.0.3", "", GONE_S)
    view = start.node("mortal")
    assert view
    assert (view.on, view.state) == (False, "")
    told = ("offline", "mortal (10.9.0.3): its agent's lease ended")
    wait_until(lambda: told in start.events("mortal"), "the node's bus hears of it")
    with following(start.kv, keys.runnode("10.9.0.3"), start.kv.snapshot("x/").revision) as seen:
        agent.start()
        start.until("10.9.0.3", "ok")
        wait_until(lambda: seen.values()[-1:] == ["ok"], "the watch tells")
        assert seen.values() == ["waiting", "init-recovery", "work", "ok"]
    agent.stop()


def test_an_agent_that_was_killed_is_back_at_once(start: Start, server: Daemon) -> None:
    """Its own old lease is not waited for: the process behind it is known to have ended."""
    agent = start.agent("swift", "10.9.0.4")
    start.until("10.9.0.4", "ok")
    with following(start.kv, "alive/", start.kv.snapshot("x/").revision) as seen:
        agent.kill()
        with takes(0.0, 8.0):
            agent.launch()
            wait_until(lambda: seen.changes, "it claims its name", 8)
        start.until("10.9.0.4", "ok")
        assert None not in [c.value for c in seen.changes if c.key == "alive/swift"], "it was never off"
    agent.stop()


def test_another_app_server_goes_on_when_the_leader_is_killed_in_the_middle(start: Start, server: Daemon) -> None:
    """The node waits for the one that does not answer, and is ok by the next."""
    wait_until(lambda: start.leader(), "an app server leads", 20)
    first = start.leader()
    second = start.serve()
    second.wait_ready()
    server.freeze()
    agent = start.agent("between", "10.9.0.5")
    start.until_told("between", "handshake", False, f"waiting for the app server {first} to answer")
    server.thaw()
    server.kill()
    start.until("10.9.0.5", "ok", 40)
    assert start.leader() not in ("", first)
    server.start()
    second.stop()
    agent.stop()


def test_a_tree_of_another_cluster_keeps_a_node_from_work(start: Start, server: Daemon, tmp_path: Path) -> None:
    """Until the right one is mounted. The reason stands at the node."""
    (tmp_path / "token").write_text("00000-00000")
    agent = start.agent("astray", "10.9.0.6", shared_dir=str(tmp_path))
    start.until_told("astray", "shared-storage", False, "is not the tree of this cluster")
    start.until_told("astray", "handshake", False, "not further without the shared tree")
    assert start.state("10.9.0.6") == "init-new"
    assert not (start.node("astray") or pytest.fail("no record")).healthy
    (tmp_path / "token").write_text(start.kv.snapshot(keys.TOKEN).items[keys.TOKEN].value)
    start.until("10.9.0.6", "ok")
    start.until_told("astray", "shared-storage", True, "is the tree of this cluster")
    told = " ".join(message for action, message in start.events("astray") if action == "update")
    assert "is not the tree of this cluster" in told
    assert "is the tree of this cluster" in told
    agent.stop()


def test_a_mount_that_hangs_does_not_hang_the_agent(start: Start, server: Daemon, tree: Path) -> None:
    """It says so, keeps its lease, answers, ends when told to; and works when the mount answers again."""
    with hung(tree):
        agent = start.agent("patient", "10.9.0.7", shared_dir=str(tree))
        start.until_told("patient", "shared-storage", False, "does not answer")
        assert start.state("10.9.0.7") == "init-new"
        agent.wait_ready()
        agent.stop()
        start.until("10.9.0.7", "", 5)
        agent.start()
        start.until("10.9.0.7", "init-new")
    start.until("10.9.0.7", "ok")
    start.until_told("patient", "shared-storage", True, "is the tree of this cluster")
    agent.stop()


def test_of_two_agents_with_one_name_the_second_does_nothing_but_say_so(start: Start, server: Daemon) -> None:
    """The first goes on; its node shows both. When the first ends, the second is not let in at once, but in the end."""
    first = start.agent("twin", "10.9.0.8")
    start.until("10.9.0.8", "ok")
    second = start.agent("twin", "10.9.0.9")
    told = start.until_told("twin", "identity", False, "two agents claim the name twin")
    host = os.uname().nodename
    for part in (f"twin at 10.9.0.8:{port(first)} on host {host}", f"twin at 10.9.0.9:{port(second)} on host {host}"):
        assert part in told.reason
    assert ("die", told.reason) in start.events("twin")
    assert (start.state("10.9.0.8"), start.state("10.9.0.9")) == ("ok", "")
    assert second.runs
    assert "agent_started" not in second.log, "no part of it works: it must not run the node's applications too"
    second.kill()
    wait_until(lambda: start.condition("twin", "identity") is None, "the rivalry ends with the rival", GONE_S)
    assert start.state("10.9.0.8") == "ok"
    first.stop()


def test_of_two_agents_with_one_address_the_second_waits(start: Start, server: Daemon) -> None:
    """Under another name too; and it is let in when the first has ended."""
    first = start.agent("here", "10.9.0.10")
    start.until("10.9.0.10", "ok")
    second = start.agent("there", "10.9.0.10")
    wait_until(lambda: "claim_refused" in second.log, "it is refused", 20)
    assert "two agents claim the address 10.9.0.10: here at" in second.log
    assert start.node("there") is None
    first.stop()
    wait_until(lambda: (view := start.node("there")) is not None and view.state == "ok", "the second came in", 40)
    second.stop()


def test_the_store_away_for_longer_than_a_lease(start: Start, server: Daemon, etcd: Cluster) -> None:
    """The agent works on; when the store is back it claims anew, over its own old lease if that lives on."""
    agent = start.agent("steady", "10.9.0.11")
    start.until("10.9.0.11", "ok")
    before = lease(start, "steady")
    member = etcd.members[0]
    member.kill()
    wait_until(lambda: "lease" in agent.log.rpartition("agent_started")[2], "the lease is lost", 30)
    assert agent.runs
    member.start()
    wait_until(lambda: lease(start, "steady") not in (0, before), "it claims anew", 60)
    start.until("10.9.0.11", "ok", 60)
    assert agent.log.count("agent_started") == 1, "its work was never interrupted"
    assert "claim_refused" not in agent.log, "it does not take itself for a rival"
    agent.stop()


def test_a_state_that_somebody_removed_is_claimed_again(start: Start, server: Daemon) -> None:
    """The agent's lease lives all the while, and its work goes on."""
    agent = start.agent("robbed", "10.9.0.12")
    start.until("10.9.0.12", "ok")
    before = lease(start, "robbed")
    start.kv.commit({}, {}, [keys.runnode("10.9.0.12")])
    start.until("10.9.0.12", "ok")
    assert lease(start, "robbed") == before
    assert agent.log.count("agent_started") == 1
    agent.stop()


def lease(start: Start, name: str) -> int:
    item = start.kv.snapshot(keys.alive(name)).items.get(keys.alive(name))
    return item.lease if item else 0


def port(daemon: Daemon) -> str:
    return daemon.health.rpartition(":")[2]
