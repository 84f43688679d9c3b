"""`moorage serve` as a process: how it starts, stops, dies, and what it weighs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import requests

from appserver.cli import profile
from tests.lab import daemon as lab
from tests.lab.daemon import MOORAGE, ROOT, Daemon, environment, free_port
from tests.lab.etcd import Cluster, ClusterFactory
from tests.lab.processes import write_toml
from tests.lab.wait import wait_until

IDLE_MIB = 128
STOP_S = 3.0
_prefixes = count(1)


@contextmanager
def serving(etcd: Cluster, folder: Path, **more: object) -> Iterator[tuple[Daemon, str]]:
    """A process over an etcd prefix of its own, and its URL."""
    port = free_port()
    (folder / "seal.key").write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    settings = {
        "listen": f"127.0.0.1:{port}",
        "state_dir": str(folder / "state"),
        "etcd_endpoints": list(etcd.endpoints),
        "prefix": f"/serve-{os.getpid()}-{next(_prefixes)}/",
        "seal_key": str(folder / "seal.key"),
        **more,
    }
    url = f"http://127.0.0.1:{port}"
    daemon = Daemon("serve", write_toml(folder / "serve.toml", settings), folder, f"{url}/readyz")
    try:
        daemon.start()
        yield daemon, url
    finally:
        daemon.kill()


def _workers(daemon: Daemon) -> list[int]:
    assert daemon.process is not None
    children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def _pss_mib(pid: int) -> float:
    """Memory of a process, what it shares with others counted in parts."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def _get(url: str, **kwargs: object) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.get(url, timeout=10, **kwargs)  # type: ignore[arg-type]


def _token(daemon: Daemon, folder: Path) -> str:
    """Root's token, as `./up` makes it."""
    where = folder / "profile.toml"
    argv = (*MOORAGE, "setup", "profile", "--config", str(daemon.config), "--file", str(where))
    subprocess.run(argv, cwd=ROOT, env=environment(), check=True, capture_output=True)
    return profile.read(where).token


def test_an_idle_app_server_is_small(etcd_server: Cluster, tmp_path: Path):
    """Arbiter and worker together take at most 128 MiB, after every page was asked for."""
    with serving(etcd_server, tmp_path) as (daemon, url):
        headers = {"Authorization": f"Bearer {_token(daemon, tmp_path)}"}
        for path in ("/api/v1/applications", "/api/v1/openapi.json", "/swagger-ui.html", "/login", "/metrics"):
            assert _get(url + path, headers=headers if path.startswith("/api") else {}).status_code == 200
        assert daemon.process is not None
        sizes = [_pss_mib(pid) for pid in (daemon.process.pid, *_workers(daemon))]
        assert sum(sizes) <= IDLE_MIB, sizes


def test_it_stops_at_once_with_streams_open(etcd_server: Cluster, tmp_path: Path):
    """Told to stop, it ends the event streams of those who watch, and then itself, within 3 s."""
    with serving(etcd_server, tmp_path) as (daemon, url):
        headers = {"Authorization": f"Bearer {_token(daemon, tmp_path)}", "Accept": "text/event-stream"}
        streams = [_get(f"{url}/api/v1/events", headers=headers, stream=True) for _ in range(3)]
        assert [next(stream.iter_content(4)) for stream in streams] == [b":\n\n"] * 3
        assert daemon.process is not None
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(10) == 0
        assert time.monotonic() - began < STOP_S


def test_a_killed_worker_is_followed_by_another(etcd_server: Cluster, tmp_path: Path):
    """Nobody needs to look after it: the arbiter starts it anew, and the duties go on."""
    with serving(etcd_server, tmp_path) as (daemon, url):
        (first,) = _workers(daemon)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: _workers(daemon) not in ([], [first]), "another worker")
        wait_until(lambda: _get(f"{url}/readyz").status_code == 200, "it is ready again")
        wait_until(lambda: daemon.log.count("duty begins name=finisher") == 2, "its duties are taken up again", 20)


def test_a_killed_arbiter_leaves_the_port_to_the_next(etcd_server: Cluster, tmp_path: Path):
    """After kill -9 of the arbiter alone, the worker ends by itself, and a new start serves."""
    with serving(etcd_server, tmp_path) as (daemon, url):
        (worker,) = _workers(daemon)
        assert daemon.process is not None
        daemon.process.kill()
        daemon.process.wait()
        daemon.process = None
        daemon.start()
        wait_until(lambda: not Path(f"/proc/{worker}").exists(), "the orphan is gone", 15)
        assert _get(f"{url}/readyz").status_code == 200


def test_it_waits_for_an_etcd_that_is_away(etcd_cluster: ClusterFactory, tmp_path: Path):
    """Without etcd it says that it is not ready, 502 to whoever asks for more, and recovers by itself."""
    cluster = etcd_cluster()
    with serving(cluster, tmp_path) as (daemon, url):
        headers = {"Authorization": f"Bearer {_token(daemon, tmp_path)}"}
        assert _get(f"{url}/api/v1/me", headers=headers).status_code == 200
        cluster.members[0].kill()
        assert _get(f"{url}/readyz").status_code == 503
        assert _get(f"{url}/healthz").status_code == 200
        failed = _get(f"{url}/api/v1/me", headers=headers)
        assert failed.status_code == 502
        assert failed.headers["Content-Type"] == "application/problem+json"
        cluster.members[0].start()
        wait_until(lambda: _get(f"{url}/readyz").status_code == 200, "ready again", 20)
        assert _get(f"{url}/api/v1/me", headers=headers).status_code == 200


def test_readiness_is_told_to_the_supervisor(etcd_server: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With NOTIFY_SOCKET it says READY=1, as `Type=notify` waits for."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(20)
        before = lab.environment()
        monkeypatch.setattr(lab, "environment", lambda: {**before, "NOTIFY_SOCKET": str(tmp_path / "notify")})
        with serving(etcd_server, tmp_path):
            assert b"READY=1" in told.recv(200)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"seal_key": "/nonexistent"}, "/nonexistent"),
        ({"prefx": "/x/"}, "did you mean prefix?"),
        ({"listen": "nowhere"}, "is not host:port"),
    ],
)
def test_a_bad_setting_is_said_and_not_served(tmp_path: Path, settings: dict[str, object], why: str):
    """It ends with exit code 2 and one line that names the setting, never a traceback."""
    config = write_toml(tmp_path / "serve.toml", {"listen": f"127.0.0.1:{free_port()}", **settings})
    done = subprocess.run(
        (*MOORAGE, "serve", "--config", str(config)),
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_a_set_up_link_is_printed_only_while_there_is_no_administrator(etcd_server: Cluster, tmp_path: Path) -> None:
    """What stands on standard output is a link, for whoever shows it on; that there is none is said beside."""
    with serving(etcd_server, tmp_path) as (_, url):
        argv = (*MOORAGE, "setup", "link", "--config", str(tmp_path / "serve.toml"))

        def asked() -> subprocess.CompletedProcess[str]:
            return subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)

        link = asked().stdout.strip()
        assert link.startswith(f"{url}/setup/")
        with requests.Session() as page:
            page.trust_env = False
            form = re.search(r'name="csrf_token" value="([^"]+)"', page.get(link, timeout=10).text)
            assert form
            given = {"csrf_token": form[1], "name": "ada", "password": "correct horse 1", "again": "correct horse 1"}
            assert page.post(link, data=given, timeout=10).ok
        done = asked()
        assert (done.stdout, done.stderr) == ("", f"there is an administrator, who logs in at {url}/\n")


def test_the_doctor_does_not_send_anybody_to_log_in_again_when_the_store_is_away(
    etcd_cluster: ClusterFactory, tmp_path: Path
) -> None:
    """It is the store that is told, and whoever is known stays known."""
    cluster = etcd_cluster()
    with serving(cluster, tmp_path):
        told = {"MOORAGE_PROFILE": str(tmp_path / "profile.toml")}
        config = ("--config", str(tmp_path / "serve.toml"))
        subprocess.run(
            (*MOORAGE, "setup", "profile", *config), cwd=ROOT, env=environment() | told, check=True, capture_output=True
        )
        cluster.members[0].kill()
        done = subprocess.run(
            (*MOORAGE, "doctor"), cwd=ROOT, env=environment() | told, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "BAD  store: " in done.stdout and "more than half of its hosts" in done.stdout
        assert "moorage login" not in done.stdout, done.stdout
