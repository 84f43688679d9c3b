"""The engine dies or hangs under the agent, which waits for it and catches up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appserver.adapters.compose import DockerCompose
from appserver.adapters.compose_binary import Binary
from appserver.adapters.engine import DockerEngine
from appserver.adapters.etcd import Etcd
from appserver.core.entities import AppKey, Desired, Options
from appserver.core.fleet import Node
from appserver.store import keys
from appserver.store.records import read
from tests.lab.agents import NODE, Rig, rig, service
from tests.lab.engine import Dockerd, own_dockerd
from tests.lab.images import busybox
from tests.lab.records import revision
from tests.lab.wait import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def dockerd() -> Iterator[Dockerd]:
    with own_dockerd() as daemon:
        image = busybox()
        saved = subprocess.run(("docker", "save", image), capture_output=True, check=True).stdout
        argv = ("docker", "-H", f"unix://{daemon.socket}", "load")
        subprocess.run(argv, input=saved, capture_output=True, check=True)
        yield daemon


@pytest.fixture
def own_node(kv: Etcd, dockerd: Dockerd, compose_program: Binary, tmp_path: Path) -> Iterator[Rig]:
    """An agent over an engine that may be hurt."""
    engine = DockerEngine(dockerd.socket, timeout_s=3.0)
    compose = DockerCompose(compose_program, dockerd.socket, tmp_path / "run")
    with rig(kv, engine, compose, tmp_path / "state") as running:
        yield running


def condition(rig_: Rig, name: str) -> bool | None:
    found = read(rig_.kv, keys.node(NODE), Node)
    return next((c.ok for c in found.record.conditions if c.name == name), None) if found else None


def test_an_engine_that_was_away_is_caught_up_with(own_node: Rig, dockerd: Dockerd, key: AppKey, test_image: str):
    """Killed and started again: what is wanted meanwhile is brought about, and the node says how it fares."""
    options = Options(heal=True, settle_s=0.2, timeout_s=20)
    one = revision(key, 1, {"web": service(test_image)}, options)
    own_node.rest(key, own_node.want(key, Desired(1, 0), one))
    dockerd.kill()
    wait_until(lambda: condition(own_node, "engine") is False, "the node says that its engine is away", 20)
    two = revision(key, 2, {"web": service(test_image), "db": service(test_image)}, options)
    commit = own_node.want(key, Desired(2, 1), two)
    own_node.until(key, lambda o: o.phase == "backoff" and "engine" in o.step, timeout_s=20)
    dockerd.start()
    seen = own_node.rest(key, commit)
    assert (seen.phase, seen.revision) == ("done", 2)
    wait_until(lambda: condition(own_node, "engine") is True, "the node says that its engine is back", 20)
    own_node.until(key, lambda o: not o.drift and all(s.state == "running" for s in o.services), timeout_s=30)


def test_an_engine_that_hangs_is_waited_for(own_node: Rig, dockerd: Dockerd, key: AppKey, test_image: str):
    """SIGSTOP: every call ends in its time; a deployment waits, and ends well when the engine is back."""
    own_node.rest(key, own_node.want(key, Desired(1, 0), revision(key, 1, {"web": service(test_image)})))
    dockerd.freeze()
    commit = own_node.want(key, Desired(2, 1), revision(key, 2, {"web": service(test_image, mem_limit="67108864")}))
    own_node.until(key, lambda o: o.acted_on == commit and o.phase == "backoff", timeout_s=30)
    dockerd.thaw()
    assert own_node.rest(key, commit).phase == "done"
