"""What deployments reserve on a node while it is open which revision stays, and once it is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pytest

from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.containers import EngineInfo, ImageFacts
from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, Desired, Observed, Outcome, Phase, ProjectFiles
from appserver.core.fleet import Cluster, Node
from appserver.core.placement.request import Reservation
from appserver.errors import NoPlacement
from appserver.ports import Compose, Nodes
from appserver.services.deploy import Deploy
from appserver.services.finish import Finish
from appserver.services.observe import Observer
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from image_config import Repository
from tests.fakes import Desk

SHOP, BLOG = AppKey("default", "shop"), AppKey("default", "blog")


class OneService:
    """`Compose`, of which only renderings are asked, and `Nodes` and `Registry`, which hold every image."""

    def render(self, files: ProjectFiles) -> Mapping[str, object]:
        """The text names the host port."""
        ports = [{"target": 80, "published": files.files["compose.yaml"], "protocol": "tcp", "mode": "ingress"}]
        return {"name": files.name, "services": {"web": {"image": "web:1", "ports": ports}}}

    def images(self, node: str, references: Sequence[str]) -> Mapping[str, ImageFacts | None]:
        return {name: self.image(name) for name in references}

    def image(self, reference: str) -> ImageFacts:
        return ImageFacts(reference, "sha256:aa", f"{reference}@sha256:aa")


@dataclass(frozen=True, slots=True)
class NoLayers:
    """A configuration source that says nothing."""

    commit: str = ""
    repository: Repository | None = None

    def current(self, name: str) -> NoLayers:
        return self


class Yard:
    """One app server and nodes whose agents say what a test has them say."""

    def __init__(self, *nodes: str) -> None:
        self.desk = Desk()
        self.kv = self.desk.kv
        world = OneService()
        observer = Observer(
            self.kv, cast(Compose, world), cast(Nodes, world), world, KeySealer(b"k" * 32), NoLayers(), self.desk.clock
        )
        self.deploy = Deploy(self.kv, observer, self.desk.access, self.desk.audit, self.desk.events, self.desk.clock)
        self.finish = Finish(self.kv, self.desk.events, self.desk.clock)
        self.root = Caller("root", "admin")
        self.kv.commit({}, {keys.cluster("default"): encode(Cluster("default"))})
        for name in nodes:
            self.add(name)

    def add(self, name: str) -> None:
        """One more node that is alive."""
        node = Node(name, f"{name}:8090", "default", engine=EngineInfo("26", 8, 8 << 30))
        self.kv.commit({}, {keys.node(name): encode(node), keys.alive(name): name})

    def roll_out(self, key: AppKey, port: str, expected_on: str = "n1") -> None:
        """Begun, and not settled yet."""
        done = self.deploy(self.root, DeployRequest(key, ProjectFiles(key.name, {"compose.yaml": port})))
        assert done.plan.node == expected_on

    def end(self, key: AppKey, phase: Phase, node: str = "n1") -> None:
        """The agent says so, and it is settled."""
        wanted = read(self.kv, keys.desired(node, key), Desired)
        assert wanted is not None
        revision = wanted.record.revision if phase == "done" else wanted.record.previous
        told = Observed(wanted.revision, revision, phase, self.desk.clock.now(), failed=wanted.record.revision)
        self.kv.commit({}, {keys.observed(node, key): encode(told)})
        assert self.finish.settle(key)

    def reserved(self, key: AppKey, node: str = "n1") -> list[str]:
        held = read(self.kv, keys.reservation(node), Reservation)
        assert held is not None
        return [port for _, port, _ in held.record.holders[str(key)].ports]


@pytest.fixture
def yard() -> Yard:
    """`shop` is in force on n1, at port 8080."""
    made = Yard("n1")
    made.roll_out(SHOP, "8080")
    made.end(SHOP, "done")
    return made


def test_a_port_stays_reserved_until_it_is_settled_who_needs_it(yard: Yard) -> None:
    """Neither the port that a put-back needs nor the one that a success needs can be had by another."""
    yard.roll_out(SHOP, "9090")
    for port in ("8080", "9090"):
        with pytest.raises(NoPlacement, match=f"port {port}/tcp is taken by default.shop"):
            yard.roll_out(BLOG, port)


@pytest.mark.parametrize(("phase", "kept", "free"), [("done", "9090", "8080"), ("failed", "8080", "9090")])
def test_what_is_settled_reserves_what_stays_and_no_more(yard: Yard, phase: Phase, kept: str, free: str) -> None:
    """The other revision's claim is free for everybody."""
    yard.roll_out(SHOP, "9090")
    yard.end(SHOP, phase)
    assert yard.reserved(SHOP) == [kept]
    yard.roll_out(BLOG, free)


def test_a_roll_out_overtaken_by_another_keeps_what_was_in_force(yard: Yard) -> None:
    """Whichever of three it comes down to."""
    yard.roll_out(SHOP, "9090")
    yard.roll_out(SHOP, "7070")
    assert yard.reserved(SHOP) == ["7070", "8080", "9090"]
    yard.end(SHOP, "failed")
    assert yard.reserved(SHOP) == ["8080"]


def test_a_first_revision_that_failed_keeps_its_claim() -> None:
    """It is wanted still, and may be started once what it stood on is mended."""
    yard = Yard("n1")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "failed")
    assert yard.reserved(SHOP) == ["8080"]


def test_after_a_move_the_new_node_reserves_what_a_failure_puts_there() -> None:
    """The revision before comes back on the node that was moved to."""
    yard = Yard("n1", "n2")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    yard.kv.commit({}, {}, [keys.alive("n1")])
    yard.roll_out(SHOP, "9090", "n2")
    assert yard.reserved(SHOP, "n2") == ["8080", "9090"]
    yard.end(SHOP, "failed", "n2")
    assert yard.reserved(SHOP, "n2") == ["8080"]


def test_after_a_move_no_neighbour_loses_the_port_it_has() -> None:
    """Where the revision before has no room, only the new one is promised; the neighbour deploys as ever."""
    yard = Yard("n2")
    yard.roll_out(BLOG, "8080", "n2")
    yard.end(BLOG, "done", "n2")
    yard.add("n1")
    yard.roll_out(SHOP, "8080")
    yard.end(SHOP, "done")
    yard.kv.commit({}, {}, [keys.alive("n1")])
    yard.roll_out(SHOP, "9090", "n2")
    assert yard.reserved(SHOP, "n2") == ["9090"]


def test_settling_leaves_what_another_reserved_meanwhile(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers of one node's reservations: the later decides again on what the earlier wrote."""
    yard.roll_out(SHOP, "9090")
    commit = yard.kv.commit

    def overtaken(expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = ()) -> int:
        if keys.outcome(SHOP, 2) in puts:
            monkeypatch.setattr(yard.kv, "commit", commit)
            yard.roll_out(BLOG, "7070")
        return commit(expect, puts, deletes)

    monkeypatch.setattr(yard.kv, "commit", overtaken)
    yard.end(SHOP, "done")
    assert (yard.reserved(SHOP), yard.reserved(BLOG)) == (["9090"], ["7070"])
    assert read(yard.kv, keys.outcome(SHOP, 2), Outcome) is not None
