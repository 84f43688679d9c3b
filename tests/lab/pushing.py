"""An app server's git door over a store in memory: real git, real HTTP, real Compose rendering, the real services.

Two things stand in: `Puppet` for the agent (it says what a test tells it to say of a rollout), and `HeldImages` for
the engine's list of images.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from flask import Flask
from werkzeug.serving import make_server

from appserver.adapters import compose_binary
from appserver.adapters.compose import DockerCompose
from appserver.adapters.git_repositories import GitRepositories
from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller, Role
from appserver.core.addresses import Outgoing
from appserver.core.containers import EngineInfo, ImageFacts
from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, Application, Cause, Desired, Observed, ProjectFiles, ServiceObserved
from appserver.core.fleet import Cluster, Node
from appserver.ports import Nodes
from appserver.services.bundle import Services
from appserver.services.deploy import Deploy
from appserver.services.finish import Finish
from appserver.services.keep_current import KeepCurrent
from appserver.services.observe import Observer
from appserver.services.operations import Operations
from appserver.services.push import Push
from appserver.services.reconfigure import Reconfigure
from appserver.services.source_records import SourceRecords
from appserver.services.source_trees import SourceTrees
from appserver.services.sources import Sources
from appserver.settings import ServeSettings
from appserver.store import keys
from appserver.store.codec import decode, encode
from appserver.store.records import read
from appserver.web import auth, errors, git, hooks
from appserver.web.context import Context, bind
from appserver.web.streams import Streams
from tests.fakes import Desk
from tests.lab.git import Copy, clone

NODE = "n1"
SHOP = """\
services:
  web: {image: "web:1.2"}
  db: {image: "db:1"}
"""


class HeldImages:
    """`ports.Nodes`, of which only images are asked: every image is there, with no labels."""

    def images(self, node: str, references: Sequence[str]) -> Mapping[str, ImageFacts | None]:
        return {ref: ImageFacts(ref, f"sha256:{ref:0>64}", f"{ref}@sha256:{'0' * 64}") for ref in references}


class NoRegistry:
    """`ports.Registry` without a registry."""

    def image(self, reference: str) -> ImageFacts | None:
        return None


class Puppet:
    """The agent of one node, as far as the record shows it: it takes each desired state and says how it went.

    Applications in `failing` fail and keep what they had; while `held` is set it says nothing.
    """

    def __init__(self, house: House) -> None:
        self.failing: set[str] = set()
        self.held = threading.Event()
        self._house = house
        self._kv = house.desk.kv
        self._watch = self._kv.watch(f"desired/{NODE}/", self._kv.snapshot("nodes/").revision)
        self._ended: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        threading.Thread(target=self._act, name="puppet", daemon=True).start()

    def close(self) -> None:
        self._watch.close()

    def _act(self) -> None:
        for change in self._watch:
            self._newest[change.key] = change.revision
            if change.value is not None:
                threading.Thread(
                    target=self._answer, args=(change.key, change.revision, change.value), daemon=True
                ).start()

    def _answer(self, key: str, at: int, text: str) -> None:
        name = key.rpartition("/")[2]
        wanted = decode(text, Desired)
        while self.held.is_set():
            if self._house.closed.wait(0.01):
                return
        if at < self._newest[key]:
            return
        before = self._ended.get(name, 0)
        now = self._house.desk.clock.now()
        observed = f"observed/{NODE}/{name}"
        self._kv.commit({}, {observed: encode(Observed(at, before, "acting", now, "recreating web"))})
        services = (ServiceObserved("web", "running", containers=(f"{name}-web-1",)),)
        if wanted.run != "running":
            phase = "stopped" if wanted.run == "stopped" else "removed"
            end = Observed(at, wanted.revision, phase, now, phase)  # type: ignore[arg-type]
        elif name in self.failing:
            causes = (Cause("web", "exited within its settle time", 1, "", ("boot", "no such \x1b[31mtable")),)
            end = Observed(at, wanted.previous, "failed", now, "put back", services, wanted.revision, causes)
        else:
            self._ended[name] = wanted.revision
            end = Observed(at, wanted.revision, "done", now, "up", services)
        self._kv.commit({}, {observed: encode(end)})


@dataclass(slots=True)
class House:
    """One app server. `rule` is what its outgoing connections may reach."""

    state: Path
    rule: Outgoing = field(default_factory=Outgoing)
    ca_file: str = ""
    desk: Desk = field(default_factory=Desk)
    closed: threading.Event = field(default_factory=threading.Event)
    url: str = field(init=False)
    repositories: GitRepositories = field(init=False)
    records: SourceRecords = field(init=False)
    sources: Sources = field(init=False)
    trees: SourceTrees = field(init=False)
    deploy: Deploy = field(init=False)
    operations: Operations = field(init=False)
    push: Push = field(init=False)
    keep: KeepCurrent = field(init=False)
    puppet: Puppet = field(init=False)
    root: Caller = field(init=False)
    _undo: list[Callable[[], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        desk, kv, clock = self.desk, self.desk.kv, self.desk.clock
        app = Flask("git door")
        server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{server.server_port}"
        sealer = KeySealer(b"k" * 32)
        self.repositories = GitRepositories(
            self.state / "git", self.rule, lambda: clock.now().timestamp(), self.ca_file
        )
        self.records = SourceRecords(kv)
        common = {"audit": desk.audit, "events": desk.events}
        self.sources = Sources(
            **common,
            kv=kv,
            records=self.records,
            repositories=self.repositories,
            sealer=sealer,
            clock=clock,
            rule=self.rule,
            url=self.url,
        )
        compose = DockerCompose(compose_binary.find())
        nodes, registry = cast(Nodes, HeldImages()), NoRegistry()
        self.trees = SourceTrees(kv=kv, records=self.records, repositories=self.repositories, sealer=sealer)
        observer = Observer(kv, compose, nodes, registry, sealer, self.trees, clock)
        self.deploy = Deploy(kv, observer, desk.access, desk.audit, desk.events, clock)
        finish = Finish(kv, desk.events, clock)
        self.operations = Operations(kv, desk.access, finish)
        reconfigure = Reconfigure(
            kv=kv, records=self.records, trees=self.trees, deploy=self.deploy, sealer=sealer, clock=clock
        )
        self.push = Push(
            **common,
            repositories=self.repositories,
            records=self.records,
            reconfigure=reconfigure,
            operations=self.operations,
        )
        self.keep = KeepCurrent(
            **common,
            kv=kv,
            records=self.records,
            sources=self.sources,
            repositories=self.repositories,
            reconfigure=reconfigure,
            clock=clock,
            jitter=lambda: 0.0,
        )
        reached = {"access": desk.access, "audit": desk.audit, "sources": self.sources, "push": self.push}
        services = cast(Services, SimpleNamespace(**reached))
        app.config.update(SECRET_KEY="of this test", WTF_CSRF_CHECK_DEFAULT=False)
        bind(app.extensions, Context(services, ServeSettings(), self.closed, Streams(16, 256)))
        auth.init(app)
        app.register_blueprint(git.blueprint(services))
        app.register_blueprint(hooks.blueprint(services))
        errors.register(app)
        threading.Thread(target=finish.run, args=(self.closed,), name="finish", daemon=True).start()
        threading.Thread(target=server.serve_forever, args=(0.05,), name="git door", daemon=True).start()
        self.root = desk.person("root")
        node = Node(NODE, "127.0.0.1:8090", "default", engine=EngineInfo("26", 8, 8 << 30))
        kv.commit(
            {},
            {
                keys.cluster("default"): encode(Cluster("default")),
                keys.node(NODE): encode(node),
                keys.alive(NODE): "127.0.0.1",
            },
        )
        self.puppet = Puppet(self)
        self._undo = [self.closed.set, self.puppet.close, server.shutdown, server.server_close]

    def close(self) -> None:
        for undo in self._undo:
            undo()

    def token(self, name: str = "root", role: Role = "admin") -> str:
        """A token of somebody's; the account is made where there is none."""
        if not self.desk.kv.snapshot(f"users/{name}").items:
            self.desk.person(name, role)
        return self.desk.access.tokens.create(Caller(name, role), "test", role)[1]

    def app(self, name: str, compose: str = SHOP, source: str = "config", key: AppKey | None = None) -> AppKey:
        """A deployed application, settled."""
        found = key or AppKey("default", name)
        files = ProjectFiles(name, {"compose.yaml": compose})
        done = self.deploy(self.root, DeployRequest(found, files, source=source))
        self.settled(done.operation)
        return found

    def settled(self, operation: str) -> str:
        """The state an operation ends in."""
        return [one.state for one in self.operations.follow(self.root, operation) if one][-1]

    def revision(self, key: AppKey) -> int:
        """The one in force."""
        held = read(self.desk.kv, keys.application(key), Application)
        return held.record.revision if held else 0

    def hosted(self, name: str = "config") -> str:
        """Make the default source, as every start of the app server does. Its URL."""
        self.sources.ensure(name)
        self.keep.attend(name)
        return f"{self.url}/git/{name}.git"

    def copy(self, path: Path, name: str = "config", user: str = "root") -> Copy:
        """A clone, by a token of `user`."""
        return clone(path, f"{self.url}/git/{name}.git", user, self.token(user))

    def audited(self, action: str) -> list[tuple[str, str]]:
        """Who did it, and how it ended."""
        return [(user, result) for user, did, _, result in self.desk.entries() if did == action]


@contextmanager
def hosting(state: Path) -> Iterator[House]:
    """A house with the repository that every installation has."""
    found = House(state)
    try:
        found.hosted()
        yield found
    finally:
        found.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / "state")
    try:
        yield found
    finally:
        found.close()
