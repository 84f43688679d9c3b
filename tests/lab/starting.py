"""App servers and agents as processes, started one by one in whatever order a test wants, over an etcd of their own."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from appserver.adapters.etcd import Etcd
from appserver.core.access import Caller
from appserver.core.events import Happening
from appserver.core.fleet import Condition
from appserver.errors import NotFound
from appserver.services.nodes import NodeList, NodeView
from appserver.store import keys
from appserver.store.records import below
from tests.lab.certs import Authority
from tests.lab.daemon import Daemon, free_port
from tests.lab.etcd import Cluster
from tests.lab.kv import closing
from tests.lab.processes import write_toml
from tests.lab.wait import wait_until

READER = Caller("test", "viewer", via="system")
PREFIX = "/starting/"


@dataclass(slots=True)
class Start:
    """What was started; all of it ends with the test."""

    folder: Path
    kv: Etcd
    authority: Authority
    common: Mapping[str, object]
    undo: ExitStack
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def serve(self, **settings: object) -> Daemon:
        """An app server, not waited for."""
        folder, port = self._folder("serve"), free_port()
        cert, key = self.authority.issue("serve")
        told = {
            **self.common, "listen": f"127.0.0.1:{port}", "state_dir": str(folder / "state"),
            "node_ca": str(self.authority.path), "node_cert": str(cert), "node_key": str(key), **settings,
        }  # fmt: skip
        return self._start("serve", folder, told, f"http://127.0.0.1:{port}/readyz")

    def agent(self, name: str, ip: str, **settings: object) -> Daemon:
        """An agent, not waited for. Its engine is this machine's; nothing is wanted of it."""
        folder, port = self._folder("agent"), free_port()
        cert, key = self.authority.issue(f"agent:{name}")
        told = {
            **self.common, "name": name, "listen": f"127.0.0.1:{port}", "address": f"{ip}:{port}",
            "state_dir": str(folder / "state"), "run_dir": str(folder / "run"),
            "ca": str(self.authority.path), "cert": str(cert), "key": str(key), **settings,
        }  # fmt: skip
        return self._start("agent", folder, told, f"127.0.0.1:{port}")

    def state(self, ip: str) -> str:
        where = keys.runnode(ip)
        item = self.kv.snapshot(where).items.get(where)
        return item.value if item else ""

    def until(self, ip: str, state: str, timeout_s: float = 30.0) -> None:
        wait_until(lambda: self.state(ip) == state, f"{ip} is {state or 'off'}, was {self.state(ip)!r}", timeout_s)

    def node(self, name: str) -> NodeView | None:
        try:
            return NodeList(kv=self.kv).show(READER, name)
        except NotFound:
            return None

    def condition(self, node: str, name: str) -> Condition | None:
        found = self.node(node)
        return next((one for one in found.conditions if one.name == name), None) if found else None

    def until_told(self, node: str, name: str, ok: bool, reason: str, timeout_s: float = 30.0) -> Condition:
        """Until the node's record has the condition, with that in its reason."""

        def is_told() -> bool:
            found = self.condition(node, name)
            return found is not None and found.ok == ok and reason in found.reason

        try:
            wait_until(is_told, f"{node} says {name}: {reason}", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self.node(node)}") from None
        found = self.condition(node, name)
        assert found
        return found

    def events(self, subject: str) -> list[tuple[str, str]]:
        """Action and message, oldest first."""
        listed = self.kv.snapshot("events/")
        told = (one.record for _, one in below(listed, "events/", Happening))
        return [(one.action, one.message) for one in told if one.subject == subject]

    def leader(self) -> str:
        item = self.kv.snapshot(keys.MASTER).items.get(keys.MASTER)
        return item.value if item else ""

    def _folder(self, verb: str) -> Path:
        folder = self.folder / f"{verb}-{next(self.numbers)}"
        folder.mkdir()
        return folder

    def _start(self, verb: str, folder: Path, settings: Mapping[str, object], health: str) -> Daemon:
        daemon = Daemon(verb, write_toml(folder / f"{verb}.toml", settings), folder, health)
        self.undo.callback(daemon.kill)
        daemon.launch()
        return daemon


@contextmanager
def starting(etcd: Cluster) -> Iterator[Start]:
    """Nothing runs yet."""
    with TemporaryDirectory(prefix="moorage-starting-") as name, ExitStack() as undo:
        folder = Path(name)
        seal = folder / "seal.key"
        seal.touch(mode=0o600)
        seal.write_text(base64.b64encode(bytes(32)).decode())
        common = {"etcd_endpoints": list(etcd.endpoints), "prefix": PREFIX, "seal_key": str(seal)}
        kv = undo.enter_context(closing(Etcd(etcd.endpoints, PREFIX)))
        yield Start(folder, kv, Authority(folder / "pki"), common, undo)
