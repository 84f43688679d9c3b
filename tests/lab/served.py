"""An app server over the test's own etcd, on a real port, with nodes that the test speaks for."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from appserver.adapters import compose_binary
from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.clock import SystemClock
from appserver.adapters.compose import DockerCompose
from appserver.adapters.git_repositories import GitRepositories
from appserver.adapters.mails import SmtpMails
from appserver.adapters.playbooks import AnsiblePlaybooks
from appserver.adapters.posts import HttpPosts
from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller, Role
from appserver.core.addresses import outgoing
from appserver.core.containers import EngineInfo, ImageFacts, StrayProject
from appserver.core.fleet import Condition, Node
from appserver.errors import NodeError
from appserver.ports import KV, Registry
from appserver.services.bundle import Services
from appserver.settings import ServeSettings
from appserver.store import keys
from appserver.store.codec import encode
from appserver.web.app import create_app
from appserver.wiring import ansible
from appserver.wiring import services as wiring
from appserver.wiring.world import World
from tests.fakes import CHEAP, PASSWORD

API = "/api/v1"
ROOT = Caller("root", "admin", via="system")
PLAYBOOKS = Path(__file__).resolve().parents[1] / "data/playbooks"


@dataclass(slots=True)
class SpokenNodes:
    """Live reads as the test says them: every image is there that is not `absent`, logs are what `said` holds."""

    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    absent: Callable[[str], bool] = lambda reference: False
    said: list[str] = field(default_factory=list)
    strays: tuple[StrayProject, ...] = ()
    away: bool = False
    """Whether their agents are away when logs are asked for."""

    def images(self, node: str, references: Sequence[str]) -> Mapping[str, ImageFacts | None]:
        return {one: None if self.absent(one) else self._facts(one) for one in references}

    def logs(
        self, node: str, container_id: str, tail: int, follow: bool = False, since: datetime | None = None
    ) -> Iterator[str]:
        if self.away:
            raise NodeError(f"node {node}: its agent is away")
        yield from self.said[-tail:]

    def stats(self, node: str, project: str) -> Sequence[Mapping[str, object]]:
        return ()

    def stray_projects(self, node: str) -> tuple[StrayProject, ...]:
        return self.strays

    def metrics(self, node: str, query: Mapping[str, str]) -> Mapping[str, object]:
        """Every number of the node is 1, whenever it was."""
        if self.away:
            raise NodeError(f"node {node}: its agent is away")
        begin, end, step = (int(query[part]) for part in ("from", "to", "step"))
        ones = [1.0] * len(range(begin, end, step))
        subject = {"kind": "container", "name": "shop-web-1", "application": "default.shop", "service": "web"}
        line = {**subject, "field": "cpu", "unit": "cores", "mean": ones, "peak": ones}
        return {"from": begin, "to": end, "step": step, "lines": [line]}

    def _facts(self, reference: str) -> ImageFacts:
        digest = f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
        return ImageFacts(reference, digest, digest, self.labels.get(reference, {}))


class NoRegistry:
    """No registry holds anything."""

    def image(self, reference: str) -> ImageFacts | None:
        return None


@dataclass(slots=True)
class Site:
    """A running app server, and what a test needs to be somebody there."""

    url: str
    services: Services
    settings: ServeSettings
    nodes: SpokenNodes
    closing: Event

    def token(self, name: str = "ann", role: Role = "admin", scope: Role | None = None) -> str:
        """A token of a person with this role, who is made where nobody has the name."""
        self.person(name, role)
        return self.services.access.tokens.create(Caller(name, role), "test", scope)[1]

    def person(self, name: str, role: Role = "admin") -> None:
        """Somebody whose password is `tests.fakes.PASSWORD`."""
        users = self.services.access.users
        if name not in [user.name for user in users.list(ROOT)]:
            users.accept(users.invite(ROOT, name, role), name, PASSWORD)

    def node(self, name: str = "n1", cluster: str = "default") -> None:
        """A healthy node that is on, with four cores and 8 GiB."""
        now = self.services.clock.now()
        engine = EngineInfo("26.1.5", 4.0, 8 << 30, "2.26.1")
        record = Node(name, f"{name}:8090", cluster, engine=engine, conditions=(Condition("engine", True, "", now),))
        kv = self.services.kv
        assert kv.commit({}, {keys.node(name): encode(record), keys.alive(name): record.address})

    def api(self, method: str, path: str, token: str = "", **kwargs: Any) -> requests.Response:
        """One request to the API. `json`, `headers` and the rest are those of requests."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **kwargs.pop("headers", {})}
        return self.ask(method, f"{API}{path}", headers=headers, **kwargs)

    def ask(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, timeout=30, **{"allow_redirects": False, **kwargs})


@contextmanager
def serving(
    kv: KV,
    folder: Path,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    registry: Registry | None = None,
) -> Iterator[Site]:
    """Serve until the block ends. `change` may alter the settings before they are read."""
    given: dict[str, Any] = {"state_dir": str(folder / "state"), "public_url": "http://127.0.0.1"}
    given |= {"playbooks_dir": str(playbooks(folder)), "inventory": str(_inventory(folder))}
    change(given)
    settings = ServeSettings(**given)
    clock, nodes, closing = SystemClock(), SpokenNodes(), Event()
    world = World(
        kv=kv,
        clock=clock,
        passwords=CHEAP,
        sealer=KeySealer(bytes(32)),
        compose=_compose(),
        nodes=nodes,
        registry=registry or NoRegistry(),
        repositories=GitRepositories(folder / "git", outgoing(()), lambda: clock.now().timestamp()),
        playbooks=AnsiblePlaybooks(ansible.site(settings), 600.0),
        boards=HardwareBoards(),
        posts=HttpPosts(outgoing(settings.networks)),
        mails=SmtpMails(outgoing(settings.networks), clock.now),
    )
    services = wiring.assemble(world, settings)
    services.clusters.ensure("default")
    services.sources.ensure()
    app = create_app(services, settings, b"k" * 32, closing)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.server_port}", services, settings, nodes, closing)
    finally:
        closing.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


def playbooks(folder: Path) -> Path:
    """The playbooks of the test data, and one that no linter would let lie there."""
    found = Path(shutil.copytree(PLAYBOOKS, folder / "playbooks"))
    (found / "broken.yml").write_text("- name: Broken\n  hosts: [all\n")
    return found


def _inventory(folder: Path) -> Path:
    """Two hosts that nothing is run on: no test here starts the plays."""
    path = folder / "inventory.yml"
    path.write_text("all: {children: {web: {hosts: {web1: {}, web2: {}}}}}\n")
    return path


@cache
def _compose() -> DockerCompose:
    """The program is looked for once: finding it starts processes."""
    return DockerCompose(compose_binary.find())


@pytest.fixture
def site(kv: KV, tmp_path: Path) -> Iterator[Site]:
    """An app server for this test alone."""
    with serving(kv, tmp_path) as served:
        yield served
