"""Live reads: the app server's client against an agent's server, both with certificates, over a real engine."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from appserver.adapters import node_client
from appserver.adapters.engine import DockerEngine
from appserver.adapters.memory import MemoryKV
from appserver.adapters.node_client import NodeClient, NodeTls
from appserver.agent.http import BEAT_S, MOST_REFERENCES, Files, Reads, serve
from appserver.agent.wishes import Wish, Wishes
from appserver.core.entities import AppKey, Desired
from appserver.errors import NodeError
from tests.lab.certs import Authority
from tests.lab.containers import shell, start
from tests.lab.daemon import free_port
from tests.lab.wait import wait_until


@dataclass(frozen=True, slots=True)
class Node:
    """An agent's live reads, and the certificates of the installation they belong to."""

    address: str
    authority: Authority
    wishes: Wishes

    def client(self, name: str = "serve", timeout_s: float = 10.0, by: Authority | None = None) -> NodeClient:
        """An app server whose certificate is of this name, and of another authority if one is given."""
        cert, key = (by or self.authority).issue(name)
        tls = NodeTls(str(self.authority.path), str(cert), str(key))
        return NodeClient({"n1": self.address}.get, tls, timeout_s)


@contextmanager
def node_over(engine: DockerEngine, folder: Path, beat_s: float = BEAT_S) -> Iterator[Node]:
    authority, port, stop = Authority(folder / "pki"), free_port(), Event()
    cert, key = authority.issue("agent")
    files, wishes = Files(str(authority.path), str(cert), str(key)), Wishes(MemoryKV())
    thread = Thread(target=serve, args=(("127.0.0.1", port), files, Reads(engine, wishes), stop, beat_s))
    thread.start()
    try:
        wait_until(lambda: accepts(port), "live reads are served")
        yield Node(f"127.0.0.1:{port}", authority, wishes)
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def node(engine_socket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with node_over(DockerEngine(engine_socket), tmp_path_factory.mktemp("node")) as running:
        yield running


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("address", ["127.0.0.1:0x50", "a b:80", "root@127.0.0.1:80", "127.0.0.1/x:80", "-x:80", ":80"])
def test_what_is_no_address_is_not_asked(address: str, tmp_path: Path):
    """An agent writes it itself."""
    client = NodeClient({"n1": address}.get, NodeTls("", "", ""))
    with pytest.raises(NodeError, match=r"node n1: its agent at .* does not answer: address: .* is not host:port"):
        client.images("n1", [])


def test_a_container_is_asked_for_by_no_path(node: Node):
    """What is on record of one was written by an agent, and another may be asked for it."""
    for id_ in ("../images/x", "x/../../info", "-x", "x?y"):
        with pytest.raises(NodeError, match=r"not understood: .* is no container"):
            list(node.client().logs("n1", id_, 1))


def test_images_are_told_as_the_engine_has_them(node: Node, engine: DockerEngine, test_image: str):
    """Many with one question; None for what it does not hold."""
    found = node.client().images("n1", [test_image, "nobody:1"])
    assert found == {test_image: engine.image(test_image), "nobody:1": None}


def test_logs_come_line_by_line(node: Node, project: str, test_image: str):
    """The last of them, since a moment, and what is said while one listens."""
    client = node.client()
    id_ = start(project, "web", test_image, shell("for n in 1 2 3; do echo l$n; done; sleep 1; echo more; sleep 1000"))
    wait_until(lambda: list(client.logs("n1", id_, 2)) == ["l2", "l3"], "all is said")
    assert list(client.logs("n1", id_, 9, since=datetime.now(UTC) + timedelta(hours=1))) == []
    lines = client.logs("n1", id_, 1, follow=True)
    assert [next(lines), next(lines)] == ["l3", "more"]


def test_a_log_nobody_listens_to_any_more_is_let_go(node: Node, project: str, test_image: str):
    """The agent's threads for it end when the caller closes, though the container says nothing."""
    id_ = start(project, "web", test_image, shell("echo one; sleep 1000"))
    before = threading.active_count()
    lines = node.client().logs("n1", id_, 5, follow=True)
    assert next(lines) == "one"
    assert threading.active_count() > before
    lines.close()  # type: ignore[attr-defined]
    wait_until(lambda: threading.active_count() <= before, "the agent has let go", 15)


def test_a_silent_log_beats_so_that_nobody_waits_for_ever(
    engine_socket: str, project: str, test_image: str, tmp_path: Path
):
    """Before its first line and after: whoever passes it on sees by that whether anybody still listens."""
    id_ = start(project, "web", test_image, shell("sleep 2; echo late; sleep 1000"))
    with node_over(DockerEngine(engine_socket), tmp_path, beat_s=0.2) as node:
        lines = node.client().logs("n1", id_, 5, follow=True)
        assert next(lines) is None
        assert next(line for line in lines if line is not None) == "late"
        assert next(lines) is None
        lines.close()  # type: ignore[attr-defined]


def test_an_agent_that_falls_silent_ends_its_logs(
    engine_socket: str, project: str, test_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A host that lost its power closes no connection: without a beat it is taken for gone."""
    monkeypatch.setattr(node_client, "_SILENT_S", 0.5)
    id_ = start(project, "web", test_image, shell("echo one; sleep 1000"))
    with node_over(DockerEngine(engine_socket), tmp_path, beat_s=60.0) as node:
        lines = node.client().logs("n1", id_, 5, follow=True)
        assert next(lines) == "one"
        with pytest.raises(NodeError):
            next(lines)


def test_statistics_and_strange_projects(node: Node, project: str, test_image: str):
    """Projects that this node is asked to run are no strangers."""
    start(project, "web", test_image)
    client = node.client()
    assert [one["service"] for one in client.stats("n1", project)] == ["web"]
    (stray,) = [one for one in client.stray_projects("n1") if one.name == project]
    assert (stray.services, stray.config_files, stray.files) == (("web",), (), {})
    node.wishes.set(AppKey("default", project), Wish(Desired(1, 0), 1))
    assert project not in {one.name for one in client.stray_projects("n1")}


def test_what_the_agent_refuses_is_told_in_its_words(node: Node):
    """With the node's name."""
    client = node.client()
    with pytest.raises(NodeError, match=r"node n1: there is no container f+"):
        list(client.logs("n1", "f" * 64, 5))
    with pytest.raises(NodeError, match="node n1: not understood: references is a list"):
        client.images("n1", ["x:1"] * (MOST_REFERENCES + 1))


def test_an_engine_that_is_away_is_told(tmp_path: Path):
    """The agent answers; what it stands on does not."""
    with (
        node_over(DockerEngine("/nonexistent/docker.sock"), tmp_path) as node,
        pytest.raises(NodeError, match=r"node n1: .*/nonexistent/docker\.sock does not answer"),
    ):
        node.client().images("n1", ["x:1"])


def test_only_the_app_server_of_this_installation_is_answered(node: Node, tmp_path: Path):
    """A certificate of another name or authority, or none, or an old protocol: the connection ends before a request."""
    stranger = Authority(tmp_path / "other")
    for client in (node.client("agent"), node.client("serve", by=stranger)):
        with pytest.raises(NodeError, match="does not answer"):
            client.images("n1", [])
    bare = ssl.create_default_context(cafile=str(node.authority.path))
    assert not answered(node, bare)
    old = ssl.create_default_context(cafile=str(node.authority.path))
    old.load_cert_chain(*map(str, node.authority.issue("serve")))
    assert answered(node, old)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert not answered(node, old)


def answered(node: Node, context: ssl.SSLContext) -> bool:
    host, _, port = node.address.partition(":")
    try:
        with (
            socket.create_connection((host, int(port)), 5) as raw,
            context.wrap_socket(raw, server_hostname=host) as connection,
        ):
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.0 200")
    except (ssl.SSLError, ConnectionError):
        return False


def test_an_agent_of_another_installation_is_not_believed(node: Node, tmp_path: Path):
    """Nor one whose certificate is for another address."""
    stranger = Authority(tmp_path / "other")
    cert, key = node.authority.issue("serve")
    client = NodeClient({"n1": node.address}.get, NodeTls(str(stranger.path), str(cert), str(key)))
    with pytest.raises(NodeError, match="certificate verify failed"):
        client.images("n1", [])
    port = node.address.rpartition(":")[2]
    elsewhere = NodeClient({"n1": f"127.0.0.2:{port}"}.get, NodeTls(str(node.authority.path), str(cert), str(key)))
    with pytest.raises(NodeError, match="does not answer"):
        elsewhere.images("n1", [])


def test_an_agent_that_is_away_is_told_at_once(node: Node):
    """One without an address, one that is unknown, one that nobody listens for; a certificate that is not there."""
    tls = NodeTls(str(node.authority.path), *map(str, node.authority.issue("serve")))
    with pytest.raises(NodeError, match="node n2: its agent is away"):
        node.client().images("n2", [])
    for address in (f"127.0.0.1:{free_port()}", "no-port", "[::1]:x"):
        with pytest.raises(NodeError, match=r"node n1: its agent at .* does not answer"):
            NodeClient({"n1": address}.get, tls).images("n1", [])
    missing = NodeTls(str(node.authority.path), "/nonexistent/serve.crt", tls.key)
    with pytest.raises(NodeError, match="node n1"):
        NodeClient({"n1": node.address}.get, missing).images("n1", [])


def test_callers_that_say_nothing_do_not_keep_others_waiting(node: Node):
    """A handshake that never comes takes a thread for a while, and nothing else."""
    host, _, port = node.address.partition(":")
    began = time.monotonic()
    silent = [socket.create_connection((host, int(port)), 5) for _ in range(50)]
    try:
        assert node.client().images("n1", []) == {}
        assert time.monotonic() - began < 3
    finally:
        for one in silent:
            one.close()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"", "does not answer: .*timed out"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{no}", "its answer cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "does not answer: .*timed out"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", "answered 500"),
        (b"SSH-2.0-x\r\n", "does not answer"),
    ],
)
def test_an_agent_that_is_slow_or_talks_nonsense_is_an_error(tmp_path: Path, reply: bytes, why: str):
    """In the client's time, whatever comes."""
    authority = Authority(tmp_path / "pki")
    with replying(authority, reply) as address:
        tls = NodeTls(str(authority.path), *map(str, authority.issue("serve")))
        client = NodeClient({"n1": address}.get, tls, timeout_s=0.5)
        began = time.monotonic()
        with pytest.raises(NodeError, match=why):
            client.images("n1", [])
        assert time.monotonic() - began < 3


@contextmanager
def replying(authority: Authority, reply: bytes) -> Iterator[str]:
    """One connection is taken, answered so, and left open."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*map(str, authority.issue("agent")))
    over = Event()

    def take(listener: socket.socket) -> None:
        raw, _ = listener.accept()
        with raw, context.wrap_socket(raw, server_side=True) as connection:
            connection.recv(1 << 16)
            connection.sendall(reply)
            over.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=take, args=(listener,))
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join(10)
