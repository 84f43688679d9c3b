"""Engines in one network of their own, as hosts behind one switch: what a Swarm needs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from tests.lab.bridged import Bridged, bridged_dockerd

PREFIX = "198.19.254"
PORT = 2377


@dataclass(slots=True)
class Switch:
    """A network namespace with a bridge, which filters nothing. Addresses are given in turn."""

    holder: int
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    members: dict[str, str] = field(default_factory=dict)
    """Socket of an engine to its address here."""

    def plug(self, engine: Bridged) -> str:
        """The engine's address on it."""
        assert engine.process is not None
        number, pid = next(self.numbers), engine.process.pid
        port, address = f"port{number}", f"{PREFIX}.{number}"
        within(self.holder, "ip", "link", "add", port, "type", "veth", "peer", "name", "lan", "netns", str(pid))
        within(self.holder, "ip", "link", "set", port, "master", "switch", "up")
        within(pid, "ip", "addr", "add", f"{address}/24", "dev", "lan")
        within(pid, "ip", "link", "set", "lan", "up")
        self.members[engine.socket] = address
        return address

    @contextmanager
    def dockerd(self) -> Iterator[Bridged]:
        """An engine that this machine reaches, and the others of the switch."""
        with bridged_dockerd() as engine:
            self.plug(engine)
            yield engine
            _leave(engine)

    def cut(self, engine: Bridged) -> None:
        self._set(engine, "down")

    def heal(self, engine: Bridged) -> None:
        self._set(engine, "up")

    def _set(self, engine: Bridged, state: str) -> None:
        number = self.members[engine.socket].rpartition(".")[2]
        within(self.holder, "ip", "link", "set", f"port{number}", state)

    def swarm(self, engines: list[Bridged], managers: int) -> None:
        """Of all of them, the first of which are its managers."""
        first, *others = engines
        first.run("swarm", "init", "--advertise-addr", self.members[first.socket])
        tokens = {role: first.run("swarm", "join-token", "-q", role).strip() for role in ("manager", "worker")}
        for number, one in enumerate(others, 2):
            token = tokens["manager" if number <= managers else "worker"]
            address = ("--advertise-addr", self.members[one.socket])
            one.run("swarm", "join", *address, "--token", token, f"{self.members[first.socket]}:{PORT}")


def _leave(engine: Bridged) -> None:
    """Else it waits for its managers before it stops."""
    if engine.run("info", "--format", "{{.Swarm.LocalNodeState}}").strip() != "inactive":
        try:
            engine.run("swarm", "leave", "--force")
        except RuntimeError as error:
            if "deadline exceeded" not in str(error):  # the last manager may go on leaving for a while
                raise


def within(pid: int, *argv: str) -> None:
    subprocess.run(("nsenter", "--target", str(pid), "--net", *argv), capture_output=True, check=True)


@contextmanager
def switch() -> Iterator[Switch]:
    """Gone with its process."""
    argv = ("unshare", "--net", "setpriv", "--pdeathsig=SIGKILL", "sh", "-c", "echo ready; exec sleep infinity")
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            holder.stdout.readline()
            within(holder.pid, "ip", "link", "add", "switch", "type", "bridge")
            within(holder.pid, "ip", "link", "set", "switch", "up")
            yield Switch(holder.pid)
        finally:
            holder.kill()
