"""Real etcd for tests: one shared server per run with a prefix per test, and members a test may hurt.

A member dies with the run even when the run is killed: `setpriv` ties its life to ours.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appserver.adapters.etcd import TLS, Etcd
from tests.lab.certs import Authority
from tests.lab.wait import wait_until

FAST = ("--heartbeat-interval=10", "--election-timeout=50", "--unsafe-no-fsync", "--max-txn-ops=4096")
"""For one member: it starts in 0.1 s and has nobody to lose an election to."""

FAST_CLUSTER = ("--heartbeat-interval=20", "--election-timeout=300", "--unsafe-no-fsync", "--max-txn-ops=4096")
"""For three on a busy machine: a member that waits for a CPU is not taken for dead."""


@dataclass(slots=True)
class Member:
    """One etcd process with its own data; `kill`, `pause` and `start` it as often as a test likes."""

    name: str
    folder: Path
    client_port: int
    peer_port: int
    cluster: str
    flags: tuple[str, ...]
    tls: TLS | None = None
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.client_port}"

    def launch(self) -> None:
        """Start it, from the main thread, whose end would end it; `wait_ready` tells when it serves."""
        peer = f"http://127.0.0.1:{self.peer_port}"
        argv = [
            "setpriv",
            "--pdeathsig=SIGKILL",
            "etcd",
            f"--name={self.name}",
            f"--data-dir={self.folder / 'data'}",
            f"--listen-client-urls={self.endpoint}",
            f"--advertise-client-urls={self.endpoint}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={self.cluster}",
            f"--listen-metrics-urls=http://127.0.0.1:{self.peer_port + 1}",
            *self.flags,
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_leader(self) -> bool:
        """By what it says of itself to whoever measures."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.peer_port + 1}/metrics", timeout=5) as answer:
            return b"\netcd_server_is_leader 1\n" in answer.read()

    def wait_ready(self) -> None:
        """Until it has a leader and answers linearizable reads."""
        wait_until(self._is_healthy, f"etcd {self.name} serves; its log is {self.folder / 'log'}")

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """The member hangs: its sockets stay open and nothing answers. Returns when it does."""
        pid = self._signal(signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> int:
        if self.process is None:
            raise RuntimeError(f"etcd {self.name} does not run")
        os.kill(self.process.pid, number)
        return self.process.pid

    def _is_healthy(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"etcd {self.name} ended: {(self.folder / 'log').read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.peer_port + 1}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Cluster:
    """Members that know each other. `etcdctl` speaks to them as an operator would."""

    members: tuple[Member, ...]
    etcdctl_flags: tuple[str, ...] = ()

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(member.endpoint for member in self.members)

    def etcdctl(self, *args: str, stdin: str = "") -> str:
        argv = ["etcdctl", f"--endpoints={','.join(self.endpoints)}", *self.etcdctl_flags, *args]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            raise RuntimeError(f"etcdctl {args[0]}: {done.stderr}")
        return done.stdout


ClusterFactory = Callable[..., Cluster]


@contextmanager
def etcd_members(size: int = 1, flags: Sequence[str] = (), tls: Authority | None = None) -> Iterator[Cluster]:
    """A running cluster of `size` members with data of its own. With `tls`, it asks clients for a certificate."""
    with TemporaryDirectory(prefix="moorage-etcd-") as folder, ExitStack() as undo:
        base = FAST if size == 1 else FAST_CLUSTER
        ports = _free_ports(size)
        cluster = ",".join(f"m{n}=http://127.0.0.1:{peer}" for n, (_, peer) in enumerate(ports))
        files, tls_flags, ctl_flags = _tls_setup(tls)
        members = []
        for n, (client, peer) in enumerate(ports):
            home = Path(folder) / f"m{n}"
            home.mkdir()
            member = Member(f"m{n}", home, client, peer, cluster, (*base, *tls_flags, *flags), files)
            undo.callback(member.kill)
            member.launch()
            members.append(member)
        for member in members:
            member.wait_ready()
        yield Cluster(tuple(members), ctl_flags)


@pytest.fixture(scope="session")
def etcd_server() -> Iterator[Cluster]:
    """One etcd for the whole run. Not to be stopped, compacted or filled: `etcd` and `etcd_cluster` are for that."""
    with etcd_members() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def etcd() -> Iterator[Cluster]:
    """One member for the tests of this file alone, which may kill it."""
    with etcd_members() as cluster:
        yield cluster


@pytest.fixture
def kv(etcd_server: Cluster) -> Iterator[Etcd]:
    """A client of the shared etcd that sees only its own test's keys."""
    client = Etcd(etcd_server.endpoints, prefix=f"/test-{os.getpid()}-{next(_test_numbers)}/")
    yield client
    client.close()


@pytest.fixture
def etcd_cluster() -> Iterator[ClusterFactory]:
    """`etcd_cluster(size=3)` makes members for this test alone; arguments as `etcd_members`."""
    with ExitStack() as undo:
        yield lambda *args, **kwargs: undo.enter_context(etcd_members(*args, **kwargs))


_test_numbers = count(1)


def _tls_setup(authority: Authority | None) -> tuple[TLS | None, tuple[str, ...], tuple[str, ...]]:
    """What a client needs, the members' flags, and etcdctl's."""
    if authority is None:
        return None, (), ()
    server_cert, server_key = authority.issue("etcd")
    cert, key = authority.issue("client")
    served = (
        f"--cert-file={server_cert}",
        f"--key-file={server_key}",
        f"--trusted-ca-file={authority.path}",
        "--client-cert-auth",
    )
    return TLS(authority.path, cert, key), served, (f"--cacert={authority.path}", f"--cert={cert}", f"--key={key}")


def _free_ports(size: int) -> list[tuple[int, int]]:
    """Per member a client port and a peer port; the port after the peer port is free too, for its health.

    Below the range from which the kernel gives ports to outgoing connections: while a member is
    down, a client that tries to reach it could be given the member's own port.
    """
    found: list[tuple[int, int]] = []
    with ExitStack() as held:
        while len(found) < size:
            first = random.randrange(10_000, 32_000, 3)
            try:
                for port in range(first, first + 3):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            found.append((first, first + 1))
    return found
