"""A real image registry (the Debian package docker-registry) on a port of this machine."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.agents import run_docker
from tests.lab.certs import Authority
from tests.lab.daemon import free_port
from tests.lab.wait import wait_until

USER, PASSWORD = "anna", "swordfish"
_LOGIN = f"{USER}:$2b$05$abcdefghijklmnopqrstuupWDwJQeCHYIBQy8WvkVB6ImhZ476YYy\n"
"""What `htpasswd -B` writes for them."""


@dataclass(slots=True)
class DockerRegistry:
    """Serves what lies in `store`. Several may serve one store, each in a manner of its own."""

    store: Path
    folder: Path
    authority: Authority | None = None
    login: bool = False
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    def start(self) -> None:
        config = self.folder / f"{self.port}.json"
        config.write_text(json.dumps(self._settings()))
        with (self.folder / f"{self.port}.log").open("ab") as log:
            argv = ("setpriv", "--pdeathsig=SIGKILL", "docker-registry", "serve", str(config))
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._listens, f"the registry listens; its log is {self.folder / f'{self.port}.log'}")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """It hangs: connections are taken and nothing answers."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def push(self, image: str, name: str) -> str:
        """An image of this machine's engine under this name, which the engine then forgets; its reference."""
        reference = f"{self.host}/{name}"
        run_docker("tag", image, reference)
        run_docker("push", "-q", reference)
        run_docker("rmi", reference)
        return reference

    def _settings(self) -> Mapping[str, Any]:
        http: dict[str, Any] = {"addr": self.host}
        if self.authority:
            certificate, key = self.authority.issue("registry", (self.address,))
            http["tls"] = {"certificate": str(certificate), "key": str(key)}
        auth: dict[str, Any] = {}
        if self.login:
            path = self.folder / "htpasswd"
            path.write_text(_LOGIN)
            auth = {"auth": {"htpasswd": {"realm": "test", "path": str(path)}}}
        storage = {"filesystem": {"rootdirectory": str(self.store)}}
        return {"version": "0.1", "log": {"level": "warn"}, "storage": storage, "http": http, **auth}

    def _listens(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError("the registry ended")
        try:
            socket.create_connection((self.address, self.port), 1).close()
        except OSError:
            return False
        return True


@contextmanager
def serving(
    store: Path, folder: Path, authority: Authority | None = None, login: bool = False, address: str = "127.0.0.1"
) -> Iterator[DockerRegistry]:
    """Arguments as `DockerRegistry`."""
    registry = DockerRegistry(store, folder, authority, login, address)
    registry.start()
    try:
        yield registry
    finally:
        registry.kill()
