"""A proxy of this machine as the role sets it up, with the program that keeps its routes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2

from tests.lab.daemon import MOORAGE, ROOT, Daemon, environment, free_port
from tests.lab.processes import Servers, write_toml
from tests.lab.wait import wait_until

ROLE = ROOT / "collections/ansible_collections/moorage/boot/roles/proxy"


@dataclass(slots=True)
class Front:
    """Listens at `port` of 127.0.0.1. `routing` is `moorage proxy`, `program` HAProxy's first process."""

    folder: Path
    port: int
    routing: Daemon
    program: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.folder / "haproxy.log").read_text(errors="replace")

    def keeps(self, host: str) -> bool:
        """Whether HAProxy, begun anew, has this host with a container behind it."""
        table = (line.split() for line in (self.folder / "state/routes.map").read_text().splitlines())
        backend = next((name for prefix, name in table if prefix.startswith(f"{host}/")), None)
        config = (self.folder / "state/routes.cfg").read_text()
        return bool(backend) and "\n  server " in config.partition(f"backend {backend} ")[2].partition("\nbackend ")[0]


@contextmanager
def front(servers: Servers, folder: Path, **settings: object) -> Iterator[Front]:
    """
    Args:
        folder: that user `haproxy` may read.
        settings: of `moorage proxy`.
    """
    port, state = free_port(), folder / "state"
    state.mkdir(parents=True)
    told = {
        "etcd_endpoints": servers.settings["etcd_endpoints"],
        "prefix": servers.prefix,
        "name": "front",
        "admin_socket": str(folder / "admin.sock"),
        "master_socket": str(folder / "master.sock"),
        "state_dir": str(state),
        **settings,
    }
    config = write_toml(folder / "proxy.toml", told)
    prepared = (*MOORAGE, "proxy", "--config", str(config), "--prepare")
    subprocess.run(prepared, cwd=ROOT, env=environment(), capture_output=True, check=True)
    (folder / "proxy.cfg").write_text(haproxy_settings(folder, port, servers.url.partition("://")[2]))
    with (folder / "haproxy.log").open("ab") as log:
        argv = ["setpriv", "--pdeathsig=SIGTERM", "haproxy", "-W", "-S", str(folder / "master.sock")]
        argv += ["-f", str(folder / "proxy.cfg"), "-f", str(state / "routes.cfg")]
        program = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    routing = Daemon("proxy", config, folder, f"127.0.0.1:{port}")
    try:
        wait_until((folder / "admin.sock").exists, "HAProxy runs")
        routing.start()
        yield Front(folder, port, routing, program)
    finally:
        routing.kill()
        program.terminate()
        program.wait(20)


@contextmanager
def front_of(servers: Servers) -> Iterator[Front]:
    """With files of its own, gone at the end."""
    with TemporaryDirectory(prefix="moorage-front-") as name:
        Path(name).chmod(0o755)
        with front(servers, Path(name)) as made:
            yield made


def haproxy_settings(folder: Path, port: int, behind: str) -> str:
    """The role's template, for this machine."""
    text = (ROLE / "templates/proxy.cfg.j2").read_text()
    plain = jinja2.Environment(trim_blocks=True, autoescape=False)  # noqa: S701  # no page: settings of HAProxy
    return plain.from_string(text).render(
        ansible_managed="a test",
        proxy_listen=f"127.0.0.1:{port}",
        proxy_maxconn=1000,
        proxy_idle_s=600,
        proxy_routes=True,
        _proxy_backends=[behind],
        proxy_tls_dir="",
        _proxy_user="root",
        _proxy_own=["localhost", "this-host"],
        _proxy_run=str(folder),
        _proxy_state=str(folder / "state"),
        _proxy_tls=False,
    )  # fmt: skip
