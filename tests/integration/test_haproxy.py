"""The adapter of the proxy, over a real HAProxy."""

from __future__ import annotations

import http.server
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest

from appserver.adapters.haproxy import HAProxy
from appserver.core.proxying import Act, ProxyState, acts
from appserver.core.routes import Route, Upstream
from appserver.errors import ProxyError
from tests.lab.daemon import free_port
from tests.lab.front import haproxy_settings
from tests.lab.visitors import ask
from tests.lab.wait import wait_until


class Answers(http.server.BaseHTTPRequestHandler):
    """Says at which port it is, and what it was asked with."""

    def do_GET(self) -> None:
        text = f"{self.server.server_address[1]} {self.path} {self.headers['X-Forwarded-For']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """A test reads answers, no log."""


@contextmanager
def answering(number: int = 1) -> Iterator[Upstream]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Upstream(f"n{number}.{'a' * 12}.{server.server_address[1]}", "127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def behind() -> Iterator[Upstream]:
    """What everything goes to that nobody exposes."""
    with answering() as upstream:
        yield upstream


@pytest.fixture
def proxy(behind: Upstream) -> Iterator[tuple[HAProxy, int, subprocess.Popen[bytes]]]:
    """With room for two routes, and its port."""
    with TemporaryDirectory(prefix="moorage-haproxy-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        (folder / "state").mkdir()
        made = HAProxy(folder / "admin.sock", folder / "master.sock", folder / "state", 60, backends=2)
        assert (made.prepare(), made.prepare()) == (True, False)
        (folder / "proxy.cfg").write_text(haproxy_settings(folder, port, f"127.0.0.1:{behind.port}"))
        argv = ["haproxy", "-W", "-q", "-S", f"{folder / 'master.sock'}"]
        argv += ["-f", f"{folder / 'proxy.cfg'}", "-f", f"{folder / 'state/routes.cfg'}"]
        program = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: _says(folder / "admin.sock", "show version"), "HAProxy runs")
            # Its master listens, executes itself anew, and listens again: only an answer is of the one that stays.
            wait_until(lambda: "worker" in _says(folder / "master.sock", "show proc"), "HAProxy's master runs")
            yield made, port, program
        finally:
            program.terminate()
            program.wait(10)


def bring(proxy: HAProxy, *table: Route) -> ProxyState:
    """To this table; what it has then."""
    proxy.apply(acts(proxy.state(), table))
    state = proxy.state()
    proxy.keep(state)
    return state


def test_routes_come_and_go_while_it_runs(proxy: tuple[HAProxy, int, subprocess.Popen[bytes]]) -> None:
    """The longest path wins, at a slash; hosts are told apart whatever their case, port or last dot."""
    made, port, _ = proxy
    with answering(1) as one, answering(2) as two:
        state = bring(made, Route("a.example", "/", "x.a", (one,)), Route("a.example", "/api", "x.a", (two,)))
        assert state.prefixes == {"a.example/": "route0000", "a.example/api/": "route0001"}
        for host, path, to in [
            ("a.example", "/", one),
            ("A.Example:8080", "/x", one),
            ("a.example.", "/api", two),
            ("a.example", "/api/x?y=/", two),
            ("a.example", "/apis", one),
        ]:
            assert ask(port, host, path)[1].startswith(f"{to.port} {path} 127.0.0.1"), (host, path)
        assert not ask(port, "b.a.example")[1].startswith(f"{one.port}")
        left = bring(made)
        assert (left.prefixes, *left.backends.values()) == ({}, {}, {})
        assert not ask(port, "a.example")[1].startswith(f"{one.port}")


def test_its_own_names_are_nobodys(proxy: tuple[HAProxy, int, subprocess.Popen[bytes]], behind: Upstream) -> None:
    """Whatever stands in the table: this host's names lead to the app server."""
    made, port, _ = proxy
    with answering() as thief:
        bring(made, Route("this-host", "/", "x.a", (thief,)))
        wait_until(lambda: ask(port, "this-host")[0] in (200, 503), "it answers")
        assert not ask(port, "this-host")[1].startswith(f"{thief.port} ")


def test_what_does_not_answer_is_told(proxy: tuple[HAProxy, int, subprocess.Popen[bytes]]) -> None:
    made, _, _ = proxy
    with answering() as one:
        assert made.answers(one)
    assert not made.answers(one)
    with socket.create_server(("127.0.0.1", 0)) as relay:
        relayed = Upstream("n1.x.1", "127.0.0.1", relay.getsockname()[1])
        assert made.answers(relayed), "it is silent, as a server is that was asked nothing"
        Thread(target=lambda: [relay.accept()[0].close() for _ in range(2)], daemon=True).start()
        assert not made.answers(relayed), "an engine's relay that found nobody"


def test_it_begins_anew_with_what_it_had_and_with_more_room(
    proxy: tuple[HAProxy, int, subprocess.Popen[bytes]],
) -> None:
    made, port, _ = proxy
    with answering() as one:
        state = bring(made, Route("a.example", "/", "x.a", (one,)))
        made.grow(state, 3)
        wait_until(lambda: len(made.state().backends) == 5, "there is more room")
        assert ask(port, "a.example")[1].startswith(f"{one.port} ")
        bring(made, *(Route(f"{n}.example", "/", "x.a", (one,)) for n in "abcde"))
        assert ask(port, "e.example")[1].startswith(f"{one.port} ")


@pytest.mark.parametrize(
    "bad",
    [
        Act("point", "route0000", "a.example/; shutdown sessions server x"),
        Act("point", "route0000", "a.example/\nset server"),
        Act("unpoint", prefix="a.example/ x"),
        Act("add", "route0000", upstream=Upstream("n1.x.1 backup", "127.0.0.1", 1)),
        Act("add", "route0000", upstream=Upstream("n1.x.1", "127.0.0.1;disable frontend front", 1)),
        Act("add", "route0000; x", upstream=Upstream("n1.x.1", "127.0.0.1", 1)),
    ],
)
def test_nothing_but_names_becomes_part_of_a_command(
    proxy: tuple[HAProxy, int, subprocess.Popen[bytes]], bad: Act
) -> None:
    """Whatever another door let through."""
    made, _, _ = proxy
    before = made.state()
    with pytest.raises(ProxyError, match="cannot stand in the settings"):
        made.apply([bad])
    assert made.state() == before


def test_a_proxy_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match="does not answer"):
        HAProxy(tmp_path / "none.sock", tmp_path / "none.sock", tmp_path).state()


def _says(where: Path, command: str) -> str:
    """Empty while nobody listens, or who took the connection has executed itself anew since."""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(0.5)
        if door.connect_ex(str(where)) != 0:
            return ""
        door.sendall(f"{command}\n".encode())
        try:
            return door.recv(4096).decode()
        except (ConnectionResetError, TimeoutError):
            return ""
