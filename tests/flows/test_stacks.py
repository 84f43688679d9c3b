"""A cluster that is a Swarm: projects become stacks, which Swarm mode places, updates and keeps up.

No routing mesh here: this kernel cannot do it. Services are found by their networks, as `dnsrr` has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from tests.lab.bridged import Bridged
from tests.lab.engine import Dockerd
from tests.lab.etcd import Cluster
from tests.lab.fleet import Fleet, fleet
from tests.lab.images import busybox
from tests.lab.switch import Switch, switch
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow]

CLUSTER = "harbour"
NODES = 3


@pytest.fixture(scope="module")
def lan() -> Iterator[Switch]:
    with switch() as made:
        yield made


@pytest.fixture(scope="module")
def harbour(etcd: Cluster, lan: Switch) -> Iterator[Fleet]:
    """Three managers."""

    @contextmanager
    def engine() -> Iterator[Bridged]:
        with lan.dockerd() as made:
            yield made

    def form(engines: Sequence[Dockerd]) -> None:
        lan.swarm([cast(Bridged, one) for one in engines], managers=NODES)

    with fleet(etcd, "/stacks/", NODES, engine, cluster=CLUSTER, prepare=form) as made:
        said = made.servers.moorage("cluster", "put", CLUSTER, "--kind", "swarm")
        assert said.returncode == 0, said.stderr
        wait_until(lambda: _managers(made) == NODES, "every node is known for a manager", 90)
        yield made


def _managers(made: Fleet) -> int:
    items = made.servers.api.get("nodes").json()["items"]
    return sum(one["engine"]["swarm"] == "manager" for one in items if one["engine"])


def project(command: str = "exec sleep 1000", more: str = "", service: str = "") -> str:
    return f"""
services:
  web:
    image: {busybox()}
    command: [sh, -c, "{command}"]
    stop_grace_period: 0s
    deploy: {{endpoint_mode: dnsrr}}
{service}
x-moorage: {{replicas: 3, settle: 0s, timeout: 40s{more}}}
"""


def deploy(made: Fleet, name: str, compose: str) -> dict[str, Any]:
    """The operation, at its end."""
    answer = made.servers.api.post("applications", {"cluster": CLUSTER, "name": name, "compose": compose})
    assert answer.status_code == 202, answer.text
    return made.servers.api.wait(answer.json()["id"])


def service(made: Fleet, name: str, node: str = "n1") -> dict[str, Any]:
    told: list[dict[str, Any]] = json.loads(made.hosts[node].engine.run("service", "inspect", name))
    return told[0]


def test_a_project_becomes_a_stack(harbour: Fleet) -> None:
    """Its copies are Swarm's, on the nodes that Swarm chose; the application's page says where each is."""
    done = deploy(harbour, "fleet", project())
    assert done["state"] == "done", done
    assert service(harbour, "fleet_web")["Spec"]["Mode"] == {"Replicated": {"Replicas": 3}}
    app = harbour.servers.api.get(f"applications/{CLUSTER}/fleet").json()
    print(json.dumps(app, indent=1)[:3000])
    assert app["state"] == "running"
