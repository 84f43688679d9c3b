"""Engines with a network each, whose published ports this machine reaches: nodes that take requests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.lab.engine import START_S, Dockerd, engine_folder
from tests.lab.wait import wait_until

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_links = count(1 + 512 * _WORKER)
"""Each worker of a run has networks of its own."""


@dataclass(slots=True)
class Bridged(Dockerd):
    """In a network namespace of its own, with a link to this machine's."""

    number: int = 0

    @property
    def address(self) -> str:
        """Where its published ports are."""
        return f"198.19.{200 + self.number // 64}.{self.number % 64 * 4 + 2}"

    @property
    def gateway(self) -> str:
        """This machine's end of the link."""
        return f"{self.address.rpartition('.')[0]}.{self.number % 64 * 4 + 1}"

    def start(self) -> None:
        argv = [
            *("unshare", "--net", "setpriv", "--pdeathsig=SIGTERM", "dockerd", f"--host=unix://{self.socket}"),
            f"--config-file={self.settings()}",
            *(f"--data-root={self.folder / 'data'}", f"--exec-root={self.folder / 'run'}"),
            *(f"--pidfile={self.folder / 'pid'}", "--bip=172.31.255.1/24", "--default-address-pool"),
            "base=172.30.0.0/16,size=24",
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._is_apart, "it has a network of its own", START_S)
        self._link(self.process.pid)
        wait_until(self._answers, "dockerd serves", START_S)

    def cut(self) -> None:
        """Nothing comes in by its link any more, and nobody is told so: as of a host whose power failed."""
        self._drop("-I")

    def heal(self) -> None:
        self._drop("-D")

    def _drop(self, how: str) -> None:
        assert self.process is not None
        inside = ("nsenter", "--target", str(self.process.pid), "--net")
        rule = ("iptables", "-w", "-t", "mangle", how, "PREROUTING", "-i", f"up{self.number}", "-j", "DROP")
        subprocess.run((*inside, *rule), capture_output=True, check=True)

    def _is_apart(self) -> bool:
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    def _link(self, pid: int) -> None:
        """Gone with the namespace."""
        here, there = f"mrg{os.getpid() % 100_000}.{self.number}", f"up{self.number}"
        inside = ("nsenter", "--target", str(pid), "--net")
        for argv in (
            ("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", str(pid)),
            ("ip", "addr", "add", f"{self.gateway}/30", "dev", here),
            ("ip", "link", "set", here, "up"),
            (*inside, "ip", "link", "set", "lo", "up"),
            (*inside, "ip", "addr", "add", f"{self.address}/30", "dev", there),
            (*inside, "ip", "link", "set", there, "up"),
        ):
            subprocess.run(argv, capture_output=True, check=True)


def _free() -> int:
    """The next number whose network this machine has not got: another run may have."""
    while True:
        made = Bridged(Path(), number=next(_links))
        listed = subprocess.run(("ip", "-o", "-4", "addr", "show", "to", f"{made.gateway}/32"), capture_output=True)
        if not listed.stdout:
            return made.number


@contextmanager
def bridged_dockerd() -> Iterator[Bridged]:
    """Gone with everything in it at the end."""
    with engine_folder() as folder:
        daemon = Bridged(folder, number=_free())
        daemon.start()
        try:
            yield daemon
        finally:
            for container in daemon.run("ps", "-aq").split():
                daemon.run("rm", "-f", "-v", container)
            daemon.stop()
