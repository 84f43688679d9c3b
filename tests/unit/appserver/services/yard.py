"""One app server over a store in memory, and nodes whose agents say what a test has them say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.containers import EngineInfo, ImageFacts
from appserver.core.deployment import DeployPlan, DeployRequest
from appserver.core.entities import AppKey, Desired, Observed, Phase, ProjectFiles
from appserver.core.fleet import Cluster, Cordon, Node
from appserver.core.placement.request import Reservation
from appserver.core.updates import Rollout
from appserver.ports import Compose, Nodes
from appserver.services.deploy import Deploy
from appserver.services.finish import Finish
from appserver.services.lifecycle import Lifecycle
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
        """The text names the host port; a file `x-moorage` says how it is run, as JSON."""
        ports = [{"target": 80, "published": files.files["compose.yaml"], "protocol": "tcp", "mode": "ingress"}]
        run = {"x-moorage": json.loads(files.files["x-moorage"])} if "x-moorage" in files.files else {}
        return {"name": files.name, "services": {"web": {"image": "web:1", "ports": ports}}, **run}

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
        self.observer = Observer(
            self.kv, cast(Compose, world), cast(Nodes, world), world, KeySealer(b"k" * 32), NoLayers(), self.desk.clock
        )
        self.deploy = Deploy(
            self.kv, self.observer, self.desk.access, self.desk.audit, self.desk.events, self.desk.clock
        )
        self.lifecycle = Lifecycle(self.kv, self.deploy, self.desk.access, self.desk.audit, self.desk.clock)
        self.finish = Finish(self.kv, self.desk.events, self.desk.clock, self.desk.clock.seconds)
        self.root = Caller("root", "admin")
        self.kv.commit({}, {keys.cluster("default"): encode(Cluster("default"))})
        for name in nodes:
            self.add(name)

    def add(self, name: str) -> None:
        """One more node that is alive."""
        node = Node(name, f"{name}:8090", "default", engine=EngineInfo("26", 8, 8 << 30))
        self.kv.commit({}, {keys.node(name): encode(node), keys.alive(name): name})

    def drain(self, name: str) -> None:
        """Its agent is gone for good, as somebody says who knows."""
        gone = Cordon("ann", self.desk.clock.now(), "burnt down", drain=True)
        self.kv.commit({}, {keys.cordon(name): encode(gone)}, [keys.alive(name)])

    def roll_out(self, key: AppKey, port: str, expected_on: str = "n1") -> None:
        """Begun, and not settled yet."""
        done = self.deploy(self.root, DeployRequest(key, ProjectFiles(key.name, {"compose.yaml": port})))
        assert done.plan.node == expected_on

    def spread(self, key: AppKey, port: str, **run: object) -> DeployPlan:
        """Begun over as many nodes as `x-moorage` says."""
        files = {"compose.yaml": port, "x-moorage": json.dumps(run)}
        return self.deploy(self.root, DeployRequest(key, ProjectFiles(key.name, files))).plan

    def wanted(self, key: AppKey, *nodes: str) -> list[int]:
        """The revision that is wanted on each; 0 where it is to be removed, or not there."""
        found = [read(self.kv, keys.desired(node, key), Desired) for node in nodes]
        return [one.record.revision if one and one.record.run != "removed" else 0 for one in found]

    def rollout(self, key: AppKey) -> Rollout | None:
        stored = read(self.kv, keys.rollout(key), Rollout)
        return stored.record if stored else None

    def end(self, key: AppKey, phase: Phase, node: str = "n1") -> None:
        """The agent says so, and it is settled."""
        self.tell(key, phase, node)
        assert self.finish.settle(key)

    def tell(self, key: AppKey, phase: Phase, node: str = "n1") -> None:
        """The agent says so."""
        wanted = read(self.kv, keys.desired(node, key), Desired)
        assert wanted is not None
        revision = wanted.record.revision if phase == "done" else wanted.record.previous
        told = Observed(wanted.revision, revision, phase, self.desk.clock.now(), failed=wanted.record.revision)
        self.kv.commit({}, {keys.observed(node, key): encode(told)})

    def runs(self, key: AppKey, *nodes: str) -> list[str]:
        """What is wanted on each."""
        found = [read(self.kv, keys.desired(node, key), Desired) for node in nodes]
        return [one.record.run if one else "" for one in found]

    def reserved(self, key: AppKey, node: str = "n1") -> list[str]:
        held = read(self.kv, keys.reservation(node), Reservation)
        assert held is not None
        return [port for _, port, _ in held.record.holders[str(key)].ports]
