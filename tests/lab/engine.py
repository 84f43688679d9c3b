"""Docker Engine for tests: the machine's own where one runs, else one of ours; and engines that a test may hurt."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appserver.adapters import compose_binary
from appserver.adapters.compose import DockerCompose
from appserver.adapters.engine import DockerEngine
from appserver.errors import EngineError
from tests.lab.processes import remove_project
from tests.lab.wait import wait_until

SOCKET = "/var/run/docker.sock"
START_S = 40.0


@dataclass(slots=True)
class Dockerd:
    """An engine with data of its own and no bridge; killed, frozen and started again as often as a test likes."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def socket(self) -> str:
        return str(self.folder / "docker.sock")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> None:
        argv = [
            # a network of its own: an engine without a bridge removes docker0, and with it that of the machine's engine
            *("unshare", "--net", "setpriv", "--pdeathsig=SIGTERM", "dockerd", f"--host=unix://{self.socket}"),
            f"--config-file={self.settings()}",
            *(f"--data-root={self.folder / 'data'}", f"--exec-root={self.folder / 'run'}"),
            *(f"--pidfile={self.folder / 'pid'}", "--bridge=none", "--iptables=false", "--ip6tables=false"),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, "dockerd serves", START_S)

    def stop(self) -> None:
        """As a supervisor stops it: running containers are stopped first."""
        self._end(signal.SIGTERM)

    def settings(self) -> Path:
        """None: what this machine's engine is told is not for this one."""
        path = self.folder / "daemon.json"
        path.write_text("{}")
        return path

    def kill(self) -> None:
        """kill -9 of the daemon; its containers run on until it is back.

        Its containerd dies with it. Where nobody reaps that, the next daemon would wait ten seconds for its end.
        """
        self._end(signal.SIGKILL)
        for left in ("pid", "run/containerd/containerd.pid"):
            (self.folder / left).unlink(missing_ok=True)

    def freeze(self) -> None:
        """Returns when none of its threads runs any more."""
        self._signal(signal.SIGSTOP)
        if self.process is not None:
            threads = Path(f"/proc/{self.process.pid}/task")
            wait_until(lambda: all(_is_stopped(one) for one in threads.iterdir()), "it is frozen")

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def run(self, *argv: str) -> str:
        """The `docker` program against this engine."""
        done = subprocess.run(
            ("docker", "-H", f"unix://{self.socket}", *argv), capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise RuntimeError(f"docker {argv[0]}: {done.stderr}")
        return done.stdout

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self._signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:  # one that was in a Swarm, and waits for the others
                self._signal(signal.SIGKILL)
                self.process.wait(10)
            self.process = None

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def _answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"dockerd ended: {self.log[-3000:]}")
        try:
            DockerEngine(self.socket, timeout_s=2.0).info()
        except EngineError:
            return False
        return True


def _is_stopped(thread: Path) -> bool:
    """A thread that has ended meanwhile runs no more either."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextmanager
def engine_folder() -> Iterator[Path]:
    """For an engine's files. What it leaves mounted there, as it does of a Swarm's networks, goes with them."""
    with TemporaryDirectory(prefix="moorage-dockerd-", ignore_cleanup_errors=True) as name:
        try:
            yield Path(name)
        finally:
            mounted = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
            for place in sorted((one for one in mounted if one.startswith(f"{name}/")), reverse=True):
                subprocess.run(("umount", "--lazy", place), capture_output=True, check=False)


@contextmanager
def own_dockerd() -> Iterator[Dockerd]:
    """An engine for one test alone, gone with everything in it at the end."""
    with engine_folder() as folder:
        daemon = Dockerd(folder)
        daemon.start()
        try:
            yield daemon
        finally:
            daemon.thaw()
            if daemon.process is None:
                daemon.start()
            for container in daemon.run("ps", "-aq").split():
                daemon.run("rm", "-f", "-v", container)
            daemon.stop()


@pytest.fixture(scope="session")
def engine_socket() -> Iterator[str]:
    """The engine of the whole run. Tests share it by names of their own and leave nothing behind."""
    if Path(SOCKET).exists():
        yield SOCKET
        return
    with own_dockerd() as daemon:
        yield daemon.socket


@pytest.fixture
def engine(engine_socket: str) -> DockerEngine:
    return DockerEngine(engine_socket)


@pytest.fixture(scope="session")
def compose_program() -> compose_binary.Binary:
    return compose_binary.find()


@pytest.fixture
def compose(compose_program: compose_binary.Binary, engine_socket: str, tmp_path: Path) -> DockerCompose:
    return DockerCompose(compose_program, engine_socket, tmp_path / "run")


@pytest.fixture
def project() -> Iterator[str]:
    """A compose project's name that nobody else has; whatever comes of it is removed."""
    name = f"d{os.getpid()}-{next(_numbers)}"
    yield name
    remove_project(name)


_numbers = count(1)
