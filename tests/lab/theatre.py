"""Hosts that playbooks reach over a real sshd of this machine, and an app server that runs playbooks on them."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.lab.api import Api
from tests.lab.etcd import Cluster
from tests.lab.forge import ssh_forge
from tests.lab.processes import Servers, app_server
from tests.lab.served import playbooks
from tests.lab.wait import wait_until

HOSTS = ("web1", "web2")


@contextmanager
def stage(folder: Path) -> Iterator[Mapping[str, object]]:
    """Settings by which an app server reaches the hosts web1 and web2; `gone` is a host that does not answer."""
    with ssh_forge(folder / "ssh") as forge:
        port = int(forge.url.rpartition(":")[2])
        (folder / "known_hosts").write_text(forge.known_hosts)
        reached = f"ansible_host: 127.0.0.1, ansible_port: {port}, ansible_python_interpreter: /usr/bin/python3"
        (folder / "inventory.yml").write_text(
            "all:\n  children:\n    web:\n      hosts:\n"
            + "".join(f"        {host}: {{{reached}}}\n" for host in HOSTS)
            + "    away:\n      hosts:\n        gone: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
        )
        yield {
            "playbooks_dir": str(playbooks(folder)),
            "inventory": str(folder / "inventory.yml"),
            "ssh_key": str(folder / "ssh" / "client"),
            "ssh_user": getpass.getuser(),
            "ssh_known_hosts": str(folder / "known_hosts"),
        }


@dataclass(slots=True)
class Theatre:
    """A running app server whose playbooks run on web1 and web2."""

    servers: Servers
    folder: Path

    @property
    def api(self) -> Api:
        return self.servers.api

    def play(self, playbook: str, **more: Any) -> dict[str, Any]:
        """Asked for; on both hosts where nothing else is said."""
        answer = self.api.post("plays", {"playbook": playbook, "limit": ["web"], **more})
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def show(self, number: int) -> dict[str, Any]:
        return dict(self.api.get(f"plays/{number}").json())

    def over(self, number: int, timeout_s: float = 60.0) -> dict[str, Any]:
        """The play at its end."""
        last: dict[str, Any] = {}

        def is_over() -> bool:
            last.update(self.show(number))
            return last["state"] not in ("queued", "running")

        wait_until(is_over, f"play {number} is over", timeout_s)
        return last

    def output(self, number: int) -> str:
        return self.api.get(f"plays/{number}/output").text

    @contextmanager
    def held(self, *hosts: str, **more: Any) -> Iterator[Held]:
        """A play that has begun on these hosts, and goes on when the block ends."""
        place = self.folder / f"held-{next(_numbers)}"
        place.mkdir()
        number = int(self.play("hold.yml", limit=list(hosts), extra_vars={"at": str(place)}, **more)["id"])
        held = Held(number, place)
        try:
            wait_until(lambda: all((place / host).exists() for host in hosts), f"play {number} has begun", 30)
            yield held
        finally:
            held.go()


@dataclass(frozen=True, slots=True)
class Held:
    number: int
    place: Path

    def go(self) -> None:
        (self.place / "go").touch()

    @property
    def left_running(self) -> list[int]:
        """Processes of it on the hosts, which are this machine."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.place) in path.read_text() and path.parent.name != str(os.getpid()):
                    found.append(int(path.parent.name))
            except OSError:
                continue  # it ended meanwhile
        return found


@pytest.fixture(scope="module")
def shared_theatre(etcd_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    folder = tmp_path_factory.mktemp("theatre")
    prefix = f"/theatre-{os.getpid()}-{time.monotonic_ns()}/"
    with stage(folder) as settings, app_server(etcd_server, prefix, serve=settings) as servers:
        yield Theatre(servers, folder)


@pytest.fixture
def theatre(shared_theatre: Theatre) -> Theatre:
    """An app server that is up, whatever the test before did to it."""
    shared_theatre.servers.ensure_up()
    return shared_theatre


_numbers = count(1)
