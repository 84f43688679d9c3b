"""An app server and nodes that have an engine each: what needs several nodes and no network between them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.lab.daemon import Daemon
from tests.lab.engine import Dockerd, own_dockerd
from tests.lab.etcd import Cluster
from tests.lab.images import busybox
from tests.lab.processes import Servers, app_server
from tests.lab.wait import wait_until

PROJECT = "label=com.docker.compose.project"
_OF_NODE = ("name", "on", "healthy", "handshake", "cordon", "lost_since", "conditions")


@dataclass(frozen=True, slots=True)
class Host:
    """One node: its agent and its engine."""

    name: str
    agent: Daemon
    engine: Dockerd

    def containers(self, project: str, *, running: bool = True) -> list[str]:
        """Ids of a project's containers here."""
        argv = ("ps", "-q", "--no-trunc", *(() if running else ("-a",)), "--filter", f"{PROJECT}={project}")
        return self.engine.run(*argv).split()

    def label(self, project: str, label: str) -> list[str]:
        """Its value, of each container of a project that runs here."""
        chosen = ("--filter", f"{PROJECT}={project}", "--format", f'{{{{.Label "{label}"}}}}')
        return self.engine.run("ps", *chosen).split()


@dataclass(slots=True)
class Fleet:
    servers: Servers
    hosts: dict[str, Host]

    def on(self, project: str) -> dict[str, str]:
        """Node to the id of its one container, where it runs one."""
        found = {name: host.containers(project) for name, host in self.hosts.items()}
        assert all(len(ids) < 2 for ids in found.values()), found
        return {name: ids[0] for name, ids in found.items() if ids}

    def app(self, name: str) -> dict[str, Any]:
        return self.servers.api.get(f"applications/default/{name}").json()

    def deploy(self, name: str, compose: str, wait: bool = True) -> dict[str, Any]:
        """The operation, at its end where it is waited for."""
        answer = self.servers.api.post("applications", {"cluster": "default", "name": name, "compose": compose})
        assert answer.status_code == 202, answer.text
        return self.servers.api.wait(answer.json()["id"]) if wait else answer.json()

    def until(self, name: str, condition: Callable[[], object], what: str, timeout_s: float) -> None:
        """As `wait_until`, of an application. A failure tells it, the nodes, and the app server's log."""
        try:
            wait_until(condition, what, timeout_s)
        except AssertionError as error:
            nodes = [{part: one[part] for part in _OF_NODE} for one in self.servers.api.get("nodes").json()["items"]]
            told = json.dumps({"application": self.app(name), "nodes": nodes}, indent=1)
            raise AssertionError(f"{error}; {told}\nthe app server's log:\n{self.servers.serve.log[-4000:]}") from None

    def clear(self) -> None:
        """No application is left, nor its volumes."""
        for app in self.servers.api.get("applications").json()["items"]:
            answer = self.servers.api.delete(f"applications/default/{app['name']}", volumes="true")
            self.servers.api.wait(answer.json()["id"])

    def all_well(self) -> bool:
        """On, and through with their start."""
        items = self.servers.api.get("nodes").json()["items"]
        return {one["name"] for one in items if one["on"] and one["healthy"] and one["engine"]} == {*self.hosts}


@contextmanager
def fleet(
    etcd: Cluster,
    prefix: str,
    count: int,
    engine: Callable[[], AbstractContextManager[Dockerd]] = own_dockerd,
    images: Sequence[str] = (),
    cluster: str = "default",
    prepare: Callable[[Sequence[Dockerd]], None] = lambda engines: None,
) -> Iterator[Fleet]:
    """Nodes n1, n2, …, each with the image of busybox, and `images`. Label `rack`: a for odd ones, b for the others."""
    names = [f"n{number}" for number in range(1, count + 1)]
    with ExitStack() as undo:
        engines = {name: undo.enter_context(engine()) for name in names}
        prepare([*engines.values()])
        saved = subprocess.run(("docker", "save", busybox(), *images), capture_output=True, check=True).stdout
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda engine: load(engine, saved), engines.values()))
        first = {"engine": engines["n1"].socket, "labels": {"rack": "a"}, "cluster": cluster}
        first |= _address(1, engines["n1"])
        servers = undo.enter_context(app_server(etcd, prefix, agent=first))
        hosts = {"n1": Host("n1", servers.agent, engines["n1"])}
        for number, name in enumerate(names[1:], 2):
            rack = "a" if number % 2 else "b"
            told = {"engine": engines[name].socket, "labels": {"rack": rack}, "cluster": cluster, "lrn": -1}
            told |= _address(number, engines[name])
            hosts[name] = Host(name, undo.enter_context(servers.another_agent(name, told)), engines[name])
        made = Fleet(servers, hosts)
        wait_until(made.all_well, "every node is on", 40)
        yield made


def load(engine: Dockerd, saved: bytes) -> None:
    argv = ("docker", "-H", f"unix://{engine.socket}", "load")
    subprocess.run(argv, input=saved, capture_output=True, check=True)


def _address(number: int, engine: Dockerd) -> dict[str, str]:
    return {"ip": getattr(engine, "address", f"127.0.9.{number}")}
