"""A container's way from the question where it is to run to the end of its room: API, etcd, agent, engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from appserver.adapters.etcd import Etcd
from appserver.core.entities import ContainerRecord
from appserver.core.fleet import Node
from appserver.core.placement.request import Reservation
from appserver.ports import KV, Compose, Engine
from appserver.store import keys
from appserver.store.records import read
from appserver.wiring.services import duties
from tests.lab.agents import NODE, Rig, rig, run_docker
from tests.lab.served import Site, serving
from tests.lab.wait import wait_until

NAME = f"placed-{os.getpid()}"
TEST = "moorage.test=placement"


@pytest.fixture
def node(kv: Etcd, engine: Engine, compose: Compose, tmp_path: Path) -> Iterator[Rig]:
    """A running agent over the run's engine; what this test starts there goes with it."""
    with rig(kv, engine, compose, tmp_path / "agent") as running:
        yield running
    run_docker("rm", "--force", NAME)


@pytest.fixture
def site(kv: Etcd, node: Rig, tmp_path: Path) -> Iterator[Site]:
    """An app server with its duties."""
    with serving(kv, tmp_path / "serve") as served:
        stop = Event()
        threads = duties(served.services, served.settings).start(stop)
        wait_until(lambda: is_ready(kv), "the node is on, has told what engine it has, and is taken in")
        yield served
        stop.set()
        for thread in threads:
            thread.join(10)


def is_ready(kv: KV) -> bool:
    found = read(kv, keys.node(NODE), Node)
    on = bool(kv.snapshot(keys.alive(NODE)).items)
    return on and bool(found and found.record.engine and not any(c.speaks_against for c in found.record.conditions))


def state(site: Site, token: str) -> str:
    answer = site.api("GET", f"/placements/default/{NAME}", token)
    return str(answer.json()["state"]) if answer.ok else "released"


def test_a_place_is_kept_while_its_container_runs(site: Site, node: Rig, kv: KV, test_image: str) -> None:
    """Asked for, started by whoever asked, seen by the agent, gone again, and free after its time."""
    token = site.token("olga", "operator")
    body = {"image": test_image, "cpus": "0.1", "memory": 16, "container_name": NAME, "lease_s": 4}
    answer = site.api("POST", "/placements", token, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["resource"]["id"] == NODE
    assert state(site, token) == "promised"
    run_docker("run", "--detach", "--name", NAME, "--label", TEST, test_image, "/bin/busybox", "sleep", "1000")
    wait_until(lambda: state(site, token) == "running", "the agent tells that it came")
    found = read(kv, keys.container("default", NAME), ContainerRecord)
    assert found and (found.record.node, found.record.application) == (NODE, "")
    run_docker("rm", "--force", NAME)
    wait_until(lambda: state(site, token) == "promised", "the agent tells that it is gone")
    wait_until(lambda: state(site, token) == "released", "its room is given back", 40)
    held = read(kv, keys.reservation(NODE), Reservation)
    assert held and not held.record.holders
    assert kv.snapshot(f"containers/default/{NAME}").items == {}
