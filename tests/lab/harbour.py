"""A cluster that is a Swarm, of engines behind a switch: an app server, and an agent on every node.

No routing mesh here: this kernel cannot do it. Services are found by their networks, as `dnsrr` has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from tests.lab.bridged import Bridged
from tests.lab.engine import Dockerd
from tests.lab.etcd import Cluster
from tests.lab.fleet import Fleet, fleet
from tests.lab.images import busybox
from tests.lab.switch import Switch, switch
from tests.lab.wait import wait_until

CLUSTER = "harbour"
NODES = 3


@dataclass(slots=True)
class Harbour:
    """Nodes n1, n2, …, of which the first manage the Swarm."""

    fleet: Fleet
    lan: Switch
    etcd: Cluster
    prefix: str

    def docker(self, node: str, *argv: str) -> str:
        return self.fleet.hosts[node].engine.run(*argv)

    def engine(self, node: str) -> Bridged:
        return cast(Bridged, self.fleet.hosts[node].engine)

    def ask(self, name: str, compose: str, **more: object) -> dict[str, Any]:
        """Have it deployed; the operation, which is under way."""
        told = {"cluster": CLUSTER, "name": name, "compose": compose, **more}
        answer = self.fleet.servers.api.post("applications", told)
        assert answer.status_code == 202, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    def deploy(self, name: str, compose: str, **more: object) -> dict[str, Any]:
        """The operation, at its end."""
        return self.fleet.servers.api.wait(self.ask(name, compose, **more)["id"])

    def service(self, name: str, node: str = "n1") -> dict[str, Any]:
        told: list[dict[str, Any]] = json.loads(self.docker(node, "service", "inspect", name))
        return told[0]

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """Those that Swarm wants to run; none where there is no such service."""
        if not self.docker("n1", "service", "ls", "-q", "--filter", f"name={name}"):
            return []
        form = ("--filter", "desired-state=running", "--format", "{{json .}}", "--no-trunc")
        return [json.loads(line) for line in self.docker("n1", "service", "ps", *form, name).splitlines()]

    def shown(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.fleet.servers.api.get(f"applications/{CLUSTER}/{name}").json()
        return told

    def cli(self, *argv: str) -> str:
        done = self.fleet.servers.moorage(*argv)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def member(self, node: str) -> dict[str, Any]:
        """What Swarm was told of a node: its labels and availability."""
        ident = self.docker(node, "info", "--format", "{{.Swarm.NodeID}}").strip()
        told: list[dict[str, Any]] = json.loads(self.docker("n1", "node", "inspect", ident))
        return cast(dict[str, Any], told[0]["Spec"])

    def where(self, name: str) -> set[str]:
        """Nodes that have a container of it, as it is on record."""
        told = self.etcd.etcdctl("get", "--prefix", "--print-value-only", f"{self.prefix}containers/{CLUSTER}/")
        records = [json.loads(line) for line in told.splitlines() if line]
        return {one["node"] for one in records if one["application"] == f"{CLUSTER}.{name}"}


@contextmanager
def harbour(etcd: Cluster, prefix: str, managers: int, nodes: int = NODES) -> Iterator[Harbour]:
    with switch() as lan:

        @contextmanager
        def engine() -> Iterator[Bridged]:
            with lan.dockerd() as made:
                yield made

        def form(engines: Sequence[Dockerd]) -> None:
            lan.swarm([cast(Bridged, one) for one in engines], managers)

        with fleet(etcd, prefix, nodes, engine, cluster=CLUSTER, prepare=form) as ships:
            made = Harbour(ships, lan, etcd, prefix)
            made.cli("cluster", "put", CLUSTER, "--kind", "swarm")
            wait_until(lambda: _managers(ships) == managers, "the managers are known", 90)
            yield made


def _managers(ships: Fleet) -> int:
    items = ships.servers.api.get("nodes").json()["items"]
    return sum(one["engine"]["swarm"] == "manager" for one in items if one["engine"])


def project(command: str = "exec sleep 1000", more: str = "", service: str = "") -> str:
    """
    Args:
        more: options of `x-moorage`, each after a comma.
        service: one more, as a line of YAML.
    """
    return f"""
services:
  web:
    image: {busybox()}
    command: [sh, -c, "{command}"]
    stop_grace_period: 0s
    deploy: {{endpoint_mode: dnsrr}}
{service}
x-moorage: {{replicas: 3, settle: 0s{more or ", timeout: 40s"}}}
"""
