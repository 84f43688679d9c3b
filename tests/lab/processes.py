"""A real app server and a real agent, as processes over the run's etcd and this machine's engine.

One pair for the whole run, since each test has application names of its own. A test may kill and restart either;
the next test gets them running again.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appserver.cli import profile
from tests.lab.api import Api
from tests.lab.certs import Authority
from tests.lab.daemon import MOORAGE, ROOT, START_S, Daemon, environment, free_port
from tests.lab.etcd import Cluster
from tests.lab.wait import wait_until

NODE = "n1"
LRN = 7
_UNCHANGED_S = 2.0
"""After its start an agent whose record is as before says nothing of it."""


@dataclass(slots=True)
class Servers:
    """An app server at `url` with one node. `token` is an administrator's."""

    folder: Path
    url: str
    token: str
    serve: Daemon
    agent: Daemon
    prefix: str
    settings: Mapping[str, object]
    agent_settings: Mapping[str, object]
    authority: Authority

    @property
    def api(self) -> Api:
        return Api(self.url, self.token)

    def kill_serve(self) -> None:
        self.serve.kill()

    def restart_serve(self) -> None:
        self.serve.stop()
        self.serve.start()

    def kill_agent(self) -> None:
        self.agent.kill()

    def restart_agent(self) -> None:
        self.agent.stop()
        self.agent.start()

    def ensure_up(self) -> None:
        """Both run, and the node is on."""
        for daemon in (self.serve, self.agent):
            daemon.start()
        try:
            wait_until(self._node_is_on, "the node is on and healthy", START_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; the agent's log:\n{self.agent.log[-4000:]}") from None

    def remove(self, app: str) -> None:
        """An application with its volumes, if it is there, and whatever else a test left of it."""
        self.ensure_up()
        answer = self.api.delete(f"applications/default/{app}", volumes="true")
        if answer.status_code == 202:
            self.api.wait(answer.json()["id"])
        remove_project(app)

    def moorage(
        self, *args: str, cwd: Path | None = None, text: str = "", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line as the administrator; never at a terminal."""
        told = {"MOORAGE_PROFILE": str(self.folder / "profile.toml"), "PYTHONPATH": str(ROOT), **(environ or {})}
        return subprocess.run(
            (*MOORAGE, *args), cwd=cwd or self.folder, env={**environment(), **told}, input=text,
            capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip

    @contextmanager
    def second_serve(self) -> Iterator[Api]:
        """One more app server over the same store, with files of its own."""
        folder = self.folder / f"serve-{secrets.token_hex(3)}"
        folder.mkdir()
        port = free_port()
        told = {**self.settings, "listen": f"127.0.0.1:{port}", "state_dir": str(folder / "state")}
        config = write_toml(folder / "serve.toml", told)
        daemon = Daemon("serve", config, folder, f"http://127.0.0.1:{port}/readyz")
        try:
            daemon.start()
            yield Api(f"http://127.0.0.1:{port}", self.token)
        finally:
            daemon.kill()

    @contextmanager
    def another_agent(self, name: str, settings: Mapping[str, object]) -> Iterator[Daemon]:
        """One more node, with files of its own."""
        folder, port = self.folder / name, free_port()
        folder.mkdir()
        told = {**self.agent_settings, **_node(name, port, folder, self.authority), **settings}
        daemon = Daemon("agent", write_toml(folder / "agent.toml", told), folder, f"127.0.0.1:{port}")
        try:
            daemon.start()
            yield daemon
        finally:
            daemon.kill()

    def _node_is_on(self) -> bool:
        """It is through with its start, and answers live reads."""
        found = self.api.get("nodes")
        on = found.status_code == 200 and any(
            node["on"] and node["healthy"] and node["handshake"] == "ok" for node in found.json()["items"]
        )
        return on and self._is_of_this_agent() and self.api.get(f"nodes/{NODE}/projects").status_code == 200

    def _is_of_this_agent(self) -> bool:
        """What is on record of the node: an agent before may have left it well, and this one is at its start."""
        told = [line for line in self.agent.said.splitlines() if "event=node_recorded" in line]
        return "handshake=ok" in told[-1] if told else time.monotonic() - self.agent.launched[0] > _UNCHANGED_S


@contextmanager
def app_server(
    etcd: Cluster, prefix: str, serve: Mapping[str, object] | None = None, agent: Mapping[str, object] | None = None
) -> Iterator[Servers]:
    """A pair of its own; `serve` and `agent` are settings besides those that make it run."""
    with TemporaryDirectory(prefix="moorage-servers-") as name, ExitStack() as undo:
        folder = Path(name)
        common = {"etcd_endpoints": list(etcd.endpoints), "prefix": prefix, "seal_key": str(_seal_key(folder))}
        port, node_port = free_port(), free_port()
        url = f"http://127.0.0.1:{port}"
        authority = Authority(folder / "pki")
        serve_settings = {
            **common,
            "listen": f"127.0.0.1:{port}",
            "public_url": url,
            "state_dir": str(folder / "serve"),
            **_pki(authority, "serve", "node_"),
            **(serve or {}),
        }
        agent_settings = {
            **common,
            **_node(NODE, node_port, folder, authority),
            "lrn": LRN,
            **(agent or {}),
        }
        first = Daemon("serve", write_toml(folder / "serve.toml", serve_settings), folder, f"{url}/readyz")
        second = Daemon("agent", write_toml(folder / "agent.toml", agent_settings), folder, f"127.0.0.1:{node_port}")
        for daemon in (first, second):
            undo.callback(daemon.kill)
            daemon.launch()
        first.wait_ready()
        token = _token(folder, url)
        servers = Servers(folder, url, token, first, second, prefix, serve_settings, agent_settings, authority)
        second.wait_ready()
        servers.ensure_up()
        yield servers


@pytest.fixture(scope="session")
def shared_servers(etcd_server: Cluster) -> Iterator[Servers]:
    """The run's app server and agent. Take `servers`, which sees to it that they are up."""
    with app_server(etcd_server, f"/servers-{os.getpid()}/") as started:
        yield started


@pytest.fixture
def servers(shared_servers: Servers) -> Servers:
    """A running app server with one node; what a test before this one killed is up again."""
    shared_servers.ensure_up()
    return shared_servers


@pytest.fixture
def app_name(servers: Servers) -> Iterator[str]:
    """An application's name that nobody else has; whatever a test makes of it is removed with its volumes."""
    name = f"t{os.getpid()}-{next(_numbers)}"
    yield name
    servers.remove(name)


def remove_project(project: str) -> None:
    """What is left of a compose project on this engine."""
    chosen = f"label=com.docker.compose.project={project}"
    for listing, removing in _LEFT:
        found = subprocess.run(
            ("docker", *listing, "-q", "--filter", chosen), capture_output=True, text=True, check=True
        )
        if found.stdout.split():
            subprocess.run(("docker", *removing, *found.stdout.split()), capture_output=True, check=True)


def write_toml(path: Path, settings: Mapping[str, object]) -> Path:
    """Settings as `moorage` reads them: texts, numbers, lists of texts, and tables of texts."""
    path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in settings.items()))
    return path


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{json.dumps(name)} = {_toml(one)}' for name, one in value.items())}}}"
    return json.dumps(value)


_numbers = count(1)
_LEFT: Sequence[tuple[Sequence[str], Sequence[str]]] = (
    (("ps", "-a"), ("rm", "-f", "-v")),
    (("network", "ls"), ("network", "rm")),
    (("volume", "ls"), ("volume", "rm", "-f")),
)


def _seal_key(folder: Path) -> Path:
    path = folder / "seal.key"
    path.touch(mode=0o600)
    path.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    return path


def _node(name: str, port: int, folder: Path, authority: Authority) -> dict[str, str]:
    """What an agent is told of itself, with files of its own."""
    here = f"127.0.0.1:{port}"
    folders = {"state_dir": str(folder / "agent"), "run_dir": str(folder / "run")}
    return {"name": name, "listen": here, "address": here, **folders, **_pki(authority, f"agent-{name}", "")}


def _pki(authority: Authority, name: str, begins: str) -> dict[str, str]:
    cert, key = authority.issue(name)
    return {f"{begins}ca": str(authority.path), f"{begins}cert": str(cert), f"{begins}key": str(key)}


def _token(folder: Path, url: str) -> str:
    """Root's token, as `./up` makes it."""
    where = folder / "profile.toml"
    argv = (*MOORAGE, "setup", "profile", "--config", str(folder / "serve.toml"), "--file", str(where), "--server", url)
    done = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"moorage setup profile: {done.stderr}")
    return profile.read(where).token
