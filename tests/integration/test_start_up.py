"""The leader's duty on a real etcd, and the start-up of nodes by API and command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from appserver.adapters.clock import SystemClock
from appserver.adapters.etcd import Etcd
from appserver.adapters.shared_tree import SharedDirectory
from appserver.core.claims import Holder, Rival
from appserver.core.fleet import Node
from appserver.errors import LeadershipLost
from appserver.ports import KV, Leadership
from appserver.services.events import Events
from appserver.services.handshake import Handshake
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.lab.served import Site
from tests.lab.wait import wait_until

IP = "10.0.0.1"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def holder(name: str = "n1", run: str = "r1") -> Holder:
    return Holder(name, IP, f"{IP}:8090", "host1", "boot", 1, 7, 7, run, NOW)


def leader_of(kv: KV, address: str = "a:8080", tree: Path | None = None) -> Handshake:
    shared = SharedDirectory(str(tree)) if tree else None
    return Handshake(kv=kv, events=Events(kv=kv, clock=SystemClock()), address=address, tree=shared)


@contextmanager
def leading(kv: Etcd) -> Iterator[Leadership]:
    with kv.leader("master", 5, "a", Event()) as leadership:
        assert leadership
        yield leadership


@contextmanager
def running(duty: Handshake, kv: Etcd) -> Iterator[None]:
    """The duty of a leader, until the block ends."""
    over = Event()
    with leading(kv) as leadership:
        thread = Thread(target=duty.run, args=(over, leadership))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(5)
            assert not thread.is_alive(), "the duty ends when told to"


def value(kv: Etcd, key: str) -> str:
    item = kv.snapshot(key).items.get(key)
    return item.value if item else ""


def test_token_mode_and_leader_are_on_record_and_the_token_stays(kv: Etcd) -> None:
    """Five digits twice, made once; whoever leads later keeps it. The leader's address goes with its lease."""
    with leading(kv) as leadership:
        token = leader_of(kv).begin(leadership)
        assert re.fullmatch(r"\d{5}-\d{5}", token)
        assert (value(kv, keys.TOKEN), value(kv, keys.MASTER), value(kv, keys.MODE)) == (token, "a:8080", "new")
    assert value(kv, keys.MASTER) == ""
    for asked, mode in (("recovery", "recovery"), ("new", "new"), ("nonsense", "recovery")):
        kv.commit({}, {keys.allnode(IP): "ok", keys.MODE: asked})
        with leading(kv) as leadership:
            assert leader_of(kv, "b:8080").begin(leadership) == token
            assert (value(kv, keys.MASTER), value(kv, keys.MODE)) == ("b:8080", mode)


def test_a_node_is_answered_by_watch_and_enters_the_list(kv: Etcd) -> None:
    """Whoever waits when the leader begins, and whoever comes later; each state keeps the agent's lease."""
    duty = leader_of(kv)
    with kv.lease(10) as lease:
        kv.commit({}, {keys.agent("n1"): encode(holder()), keys.runnode(IP): "waiting"}, lease=lease.id)
        with running(duty, kv):
            wait_until(lambda: value(kv, keys.runnode(IP)) == "init-new", "it is answered")
            kv.commit({}, {keys.runnode(IP): "work"}, lease=lease.id)
            wait_until(lambda: value(kv, keys.allnode(IP)) == "ok", "it is among all nodes")
            assert value(kv, keys.runnode(IP)) == "ok"
            assert kv.snapshot(keys.runnode(IP)).items[keys.runnode(IP)].lease == lease.id
            wait_until(lambda: value(kv, keys.MODE) == "recovery", "the cluster is new no more")
    assert dict(duty.answered) == {"init-new": 1, "ok": 1}
    told = [json.loads(item.value) for item in kv.snapshot("events/").items.values()]
    assert ("n1", "online", "INFO") in {(one["subject"], one["action"], one["severity"]) for one in told}


def test_a_ghost_is_dropped_and_a_node_that_went_is_not_written_back(kv: Etcd) -> None:
    """What no lease holds is nobody's; what a lease held when it was looked at and no more when it is written, too."""
    duty = leader_of(kv)
    with leading(kv) as leadership:
        duty.begin(leadership)
        kv.commit({}, {keys.runnode(IP): "ok"})
        duty.answer(IP, leadership)
        assert value(kv, keys.runnode(IP)) == ""
        with kv.lease(10) as lease:
            kv.commit({}, {keys.runnode(IP): "waiting"}, lease=lease.id)
            leader_of(_Hurried(kv, lambda: kv._leases.end(lease))).answer(IP, leadership)
            assert value(kv, keys.runnode(IP)) == ""


def test_one_that_was_replaced_writes_nothing(kv: Etcd) -> None:
    """Its fence is gone: neither an answer nor a mode."""
    with kv.lease(10) as lease:
        kv.commit({}, {keys.runnode(IP): "waiting"}, lease=lease.id)
        with leading(kv) as old:
            leader_of(kv).begin(old)
        duty = leader_of(kv)
        for act in (lambda: duty.answer(IP, old), lambda: duty.begin(old)):
            with pytest.raises(LeadershipLost):
                act()
        assert value(kv, keys.runnode(IP)) == "waiting"


def test_the_leader_marks_the_tree_and_tells_of_a_foreign_one(kv: Etcd, tmp_path: Path) -> None:
    """Where there is no mark; one of another cluster is left, and told."""
    with running(leader_of(kv, tree=tmp_path), kv):
        wait_until(lambda: (tmp_path / "token").exists(), "the tree is marked")
        assert (tmp_path / "token").read_text() == value(kv, keys.TOKEN)
    (tmp_path / "token").write_text("1")
    with running(leader_of(kv, tree=tmp_path), kv):
        wait_until(lambda: any("not the tree" in i.value for i in kv.snapshot("events/").items.values()), "it is told")
    assert (tmp_path / "token").read_text() == "1"


def test_the_start_up_by_api(site: Site) -> None:
    """Shown to all, changed by administrators, with a version; nonsense is refused."""
    shown = site.api("GET", "/start-up", site.token("vic", "viewer"))
    assert shown.json() == {"leader": "", "mode": "recovery", "known": 0, "states": {}}
    admin = site.token()
    assert site.api("PUT", "/start-up", site.token("olga", "operator"), json={"mode": "new"}).status_code == 403
    assert site.api("PUT", "/start-up", admin, json={"mode": "wipe"}).status_code == 422
    done = site.api("PUT", "/start-up", admin, json={"mode": "new"})
    assert (done.status_code, done.json()["mode"]) == (200, "new")
    stale = site.api("PUT", "/start-up", admin, json={"mode": "recovery"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    told = [entry for entry in site.services.kv.snapshot("audit/").items.values() if '"mode"' in entry.value]
    assert len(told) == 3


def test_a_node_says_how_far_it_is_and_who_else_claims_to_be_it(site: Site) -> None:
    """State and address of the handshake; a rival is a condition that is bad."""
    site.node("n1")
    mine, kv = holder(), site.services.kv
    twin = Holder("n1", "10.0.0.2", "10.0.0.2:8090", "host2", "b2", 1, 8, 8, "r2", NOW)
    rival = encode(Rival(twin, "the name n1", mine, NOW))
    with kv.lease(10) as lease:
        claimed = {keys.agent("n1"): encode(mine), keys.runnode(IP): "init-recovery", keys.rival("n1", 5): rival}
        kv.commit({}, claimed, lease=lease.id)
        shown = site.api("GET", "/nodes/n1", site.token()).json()
        assert (shown["handshake"], shown["ip"], shown["healthy"]) == ("init-recovery", IP, False)
        assert shown["conditions"][-1] == {
            "name": "identity",
            "ok": False,
            "reason": "two agents claim the name n1: n1 at 10.0.0.1:8090 on host host1 (process 7) has it, "
            "n1 at 10.0.0.2:8090 on host host2 (process 8) asks for it",
            "since": NOW.isoformat(),
        }
        metrics = site.ask("GET", "/metrics").text
        assert 'moorage_node_handshakes{state="init-recovery"} 1.0' in metrics
        assert 'moorage_node_conditions_bad{condition="identity"} 1.0' in metrics
        assert "moorage_leader 0.0" in metrics
    shown = site.api("GET", "/nodes/n1", site.token()).json()
    assert (shown["handshake"], shown["ip"], shown["healthy"]) == ("", "", True)


def test_when_certificates_end_is_measured(site: Site) -> None:
    """The first end of each node's, as its agent saw it; nothing of a node that told none."""
    site.node("n1")
    site.node("n2")
    kv, where = site.services.kv, keys.node("n1")
    stored = read(kv, where, Node)
    assert stored
    kv.commit({}, {where: encode(replace(stored.record, certificates_end=NOW))})
    told = [
        line.split() for line in site.ask("GET", "/metrics").text.splitlines() if "certificates_end_seconds{" in line
    ]
    assert [name for name, _ in told] == ['moorage_node_certificates_end_seconds{node="n1"}']
    assert float(told[0][1]) == NOW.timestamp()


class _Hurried:
    """A store in which something happens just before the next write."""

    def __init__(self, kv: Etcd, act: Callable[[], None]) -> None:
        self._kv = kv
        self.act = act

    def commit(self, *args: object, **kwargs: object) -> int:
        act, self.act = self.act, lambda: None
        act()
        return self._kv.commit(*args, **kwargs)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._kv, name)
