"""The role `proxy` on a bare host of the lab: two real app servers behind one address, one of which is killed."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, Thread

import pytest
import requests

from appserver.cli import profile
from tests.lab.api import Api
from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab, Play, lab
from tests.lab.certs import Authority
from tests.lab.daemon import MOORAGE, ROOT, Daemon, environment, free_port
from tests.lab.etcd import Cluster
from tests.lab.processes import write_toml
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Harbour:
    """A host of the lab with the role, and app servers on this machine that it reaches."""

    lab: Lab
    folder: Path
    token: str
    behind: tuple[Daemon, ...]
    store: dict[str, object]

    @property
    def host(self) -> BootHost:
        return self.lab[0]

    @property
    def api(self) -> Api:
        """Through the proxy."""
        return Api(f"http://{self.host.address}", self.token)

    @property
    def backends(self) -> list[str]:
        """Where the host reaches the app servers: this machine, at the network's gateway."""
        gateway = f"{self.host.address.rpartition('.')[0]}.1"
        return [f"{gateway}:{daemon.health.rpartition(':')[2].partition('/')[0]}" for daemon in self.behind]

    def play(self, *flags: str, role: str = "proxy", **variables: object) -> Play:
        """One role, as in `site.yml`."""
        book = self.folder / f"{role}.yml"
        store = {"group/moorage.boot.store": self.store}
        facts = {"gather_facts": True, "gather_subset": ["!all", "!min", "distribution", "platform", "service_mgr"]}
        play = {"hosts": "all", "become": True, **facts, "module_defaults": store, "roles": [f"moorage.boot.{role}"]}
        book.write_text(json.dumps([play]))
        authority = str(self.lab.directory / "authority")
        given = {"proxy_backends": self.backends, "proxy_authority_dir": authority, "proxy_routes": False, **variables}
        return self.lab.play(str(book), "-e", json.dumps(given), *flags)


@pytest.fixture(scope="module")
def bare(etcd_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    folder = tmp_path_factory.mktemp("proxy")
    store = {"endpoints": list(etcd_server.endpoints), "prefix": f"/proxy-{os.getpid()}/"}
    with ExitStack() as undo:
        behind = tuple(undo.enter_context(_serving(folder, number, store)) for number in range(2))
        made = undo.enter_context(lab(1, folder / "lab"))
        yield Harbour(made, folder, _token(folder, behind[0]), behind, store)


@pytest.fixture(scope="module")
def harbour(bare: Harbour) -> Harbour:
    """With the role, which was checked before, and run twice."""
    bare.play(role="base").good()
    checked = bare.play("--check", "--diff").good()
    assert checked.changed["boot-0"] > 0
    assert "No such file" in bare.host.sh("ls /usr/sbin/haproxy", check=False)
    bare.play().good()
    again = bare.play("--diff").good()
    assert again.changed["boot-0"] == 0, again.text
    return bare


@pytest.fixture
def whole(harbour: Harbour) -> Harbour:
    """Both app servers are up, and the proxy knows it."""
    for daemon in harbour.behind:
        daemon.start()
    wait_until(lambda: _up(harbour, "app") == 2, "both app servers get requests", 20)
    return harbour


def test_requests_go_on_while_an_app_server_is_killed(whole: Harbour) -> None:
    """Not one of them fails, whichever of the two it is, and when it is back it is asked again."""
    for daemon in whole.behind:
        with _asking(whole) as answers:
            wait_until(lambda: len(answers) > 20, "requests are answered")
            daemon.kill()
            wait_until(lambda: _up(whole, "app") == 1, "its end is noticed", 20)
            before = len(answers)
            wait_until(lambda seen=before: len(answers) > seen + 20, "requests go on")
        assert set(answers) == {200}
        daemon.start()
        wait_until(lambda: _up(whole, "app") == 2, "it is asked again", 20)


def test_an_app_server_that_hangs_is_left_out(whole: Harbour) -> None:
    """Its connections are open and nothing answers: after two seconds it gets no more requests."""
    whole.behind[0].freeze()
    try:
        wait_until(lambda: _up(whole, "app") == 1, "it is noticed", 20)
        assert {whole.api.get("me").status_code for _ in range(10)} == {200}
    finally:
        whole.behind[0].thaw()


def test_where_a_request_came_from_is_not_what_it_says_of_itself(whole: Harbour) -> None:
    """The app server records the address that the proxy saw."""
    url = f"http://{whole.host.address}/api/v1/users"
    headers = {
        "Authorization": f"Bearer {whole.token}",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
    }
    with requests.Session() as session:
        session.trust_env = False
        assert session.post(url, json={"name": "eve", "role": "viewer"}, headers=headers, timeout=20).status_code == 201
    found = next(one for one in whole.api.get("audit").json()["items"] if one["subject"] == "user:eve")
    assert found["address"] == f"{whole.host.address.rpartition('.')[0]}.1"


def test_an_open_stream_lives_over_a_reload(whole: Harbour) -> None:
    """Settings are changed by another run of the role; what was open goes on, and gets what happens later."""
    with whole.api.stream("events") as lines:
        wait_until(lambda: _sessions(whole) > 0, "the stream is open")
        ran = whole.play(proxy_maxconn=5000).good()
        assert ran.changed["boot-0"] == 2, ran.text
        assert "maxconn 5000" in whole.host.sh("cat /etc/moorage/proxy.cfg")
        put = whole.api.call("PUT", "clusters/reloaded", json={"title": "made after it"})
        assert put.status_code == 200, put.text
        assert any("reloaded" in line for line in islice(lines, 50))
    whole.play().good()


def test_pushes_go_to_one_app_server(whole: Harbour) -> None:
    """Repositories are on its disk; while it is away the next is asked."""
    for _ in range(6):
        whole.api.call("GET", "/git/config.git/info/refs?service=git-upload-pack")
    assert _asked(whole, "git")[1] == 0
    whole.behind[0].kill()
    wait_until(lambda: _up(whole, "git") == 1, "its end is noticed", 20)
    whole.api.call("GET", "/git/config.git/info/refs?service=git-upload-pack")
    assert _asked(whole, "git")[1] == 1


def test_https_with_the_sites_certificate(whole: Harbour) -> None:
    """Plain HTTP only leads there; the certificate is the site's, and good for the address."""
    address = whole.host.address
    given = {"proxy_tls_listen": "0.0.0.0:443", "proxy_tls_names": [address]}
    whole.play(**given).good()
    assert whole.play(**given).good().changed["boot-0"] == 0
    with requests.Session() as session:
        session.trust_env = False
        led = session.get(f"http://{address}/login?next=/nodes", timeout=20, allow_redirects=False)
        assert (led.status_code, led.headers["Location"]) == (308, f"https://{address}/login?next=/nodes")
        authority = str(whole.lab.directory / "authority/ca.crt")
        assert session.get(f"https://{address}/readyz", timeout=20, verify=authority).json() == {"ready": True}
    assert whole.play().good().changed["boot-0"] > 0
    assert whole.api.get("me").status_code == 200


def test_what_listens_already_stays_and_the_role_stops(whole: Harbour) -> None:
    """Somebody's own server is not taken for ours."""
    whole.lab.reset(0)
    whole.host.sh("setsid python3 -m http.server 80 > /dev/null 2>&1 < /dev/null &")
    with closing(socket.socket()) as probe:
        wait_until(lambda: _connects(probe, whole.host.address), "it listens")
    ran = whole.play()
    assert ran.code == 2
    assert "Something else listens at port 80" in " ".join(ran.text.split())
    assert "No such file" in whole.host.sh("ls /etc/moorage/proxy.cfg /usr/sbin/haproxy", check=False)


@contextmanager
def _serving(folder: Path, number: int, store: Mapping[str, object]) -> Iterator[Daemon]:
    """An app server of this machine that other hosts reach, behind a proxy that it trusts."""
    home = folder / f"serve{number}"
    home.mkdir()
    key = folder / "seal.key"
    key.write_text(base64.b64encode(b"k" * 32).decode())
    cert, private = Authority(home / "pki").issue("serve")
    port = free_port()
    settings = {
        "etcd_endpoints": store["endpoints"], "prefix": store["prefix"], "seal_key": str(key),
        "node_ca": str(home / "pki/ca.crt"), "node_cert": str(cert), "node_key": str(private),
        "listen": f"0.0.0.0:{port}", "state_dir": str(home / "state"), "trusted_proxies": 1,
    }  # fmt: skip
    daemon = Daemon("serve", write_toml(home / "serve.toml", settings), home, f"http://127.0.0.1:{port}/readyz")
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.kill()


def _token(folder: Path, server: Daemon) -> str:
    """Root's, as `./up` makes it."""
    where = folder / "profile.toml"
    url = server.health.removesuffix("/readyz")
    argv = (*MOORAGE, "setup", "profile", "--config", str(server.config), "--file", str(where), "--server", url)
    subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, check=True)
    return profile.read(where).token


@contextmanager
def _asking(harbour: Harbour) -> Iterator[list[int]]:
    """Statuses of one request after another through the proxy; 0 where there was no answer."""
    over, answers = Event(), []

    def ask() -> None:
        while not over.is_set():
            try:
                answers.append(harbour.api.get("me").status_code)
            except requests.RequestException:
                answers.append(0)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join(30)


def _stats(harbour: Harbour, backend: str) -> list[dict[str, str]]:
    """HAProxy's own account of the servers of a backend."""
    script = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/moorage-proxy/admin.sock');"
        "s.sendall(b'show stat\\n'); print(s.makefile().read())"
    )
    head, *rows = harbour.host.run("python3", "-c", script).strip().splitlines()
    names = head.removeprefix("# ").split(",")
    found = [dict(zip(names, row.split(","), strict=True)) for row in rows]
    return [one for one in found if one["pxname"] == backend and one["svname"].startswith("app")]


def _up(harbour: Harbour, backend: str) -> int:
    with suppress(AssertionError):
        return sum(one["status"] == "UP" for one in _stats(harbour, backend))
    return 0


def _asked(harbour: Harbour, backend: str) -> list[int]:
    """How many requests each server got since the last reload."""
    return [int(one["stot"]) for one in _stats(harbour, backend)]


def _sessions(harbour: Harbour) -> int:
    return sum(int(one["scur"]) for one in _stats(harbour, "app"))


def _connects(probe: socket.socket, address: str) -> bool:
    return probe.connect_ex((address, 80)) == 0
