"""A real agent over a real engine and etcd, with the test in the app server's place."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appserver.adapters.clock import SystemClock
from appserver.adapters.dpkg import Dpkg
from appserver.adapters.sealer import KeySealer
from appserver.agent.inventory import Identity
from appserver.agent.main import Agent
from appserver.core.entities import AppKey, Desired, Observed, Revision
from appserver.ports import KV, Compose, Engine
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.lab.wait import wait_until

NODE = "n1"
SEALER = KeySealer(bytes(range(32)))


@dataclass(slots=True)
class Rig:
    """One node. `want` writes what a deployment would write; `rest` waits until the agent is through with it."""

    kv: KV
    engine: Engine
    compose: Compose
    state_dir: Path
    started: list[tuple[threading.Event, threading.Thread]] = field(default_factory=list)

    def start(self) -> None:
        stop = threading.Event()
        agent = Agent(
            Identity(NODE, "127.0.0.1:1", "default"),
            self.state_dir,
            self.kv,
            self.engine,
            self.compose,
            SEALER,
            SystemClock(),
            Dpkg(),
        )
        thread = threading.Thread(target=agent.run, args=(stop,), name="agent")
        thread.start()
        self.started.append((stop, thread))

    def stop(self) -> None:
        for stop, thread in self.started:
            stop.set()
            thread.join(30)
            assert not thread.is_alive(), "the agent ends when told to"
        self.started.clear()

    def record(self, key: AppKey, revision: Revision) -> None:
        self.kv.commit({}, {keys.revision(key, revision.number): encode(revision)})

    def want(self, key: AppKey, desired: Desired, *revisions: Revision) -> int:
        """The store revision of the desired record."""
        for revision in revisions:
            self.record(key, revision)
        return self.kv.commit({}, {keys.desired(NODE, key): encode(desired)})

    def ids(self, key: AppKey) -> dict[str, str]:
        """Container name to id, of the application's project."""
        return {c.name: c.id for c in self.engine.containers(key.name)}

    def observed(self, key: AppKey) -> Observed | None:
        found = read(self.kv, keys.observed(NODE, key), Observed)
        return found.record if found else None

    def rest(self, key: AppKey, commit: int, timeout_s: float = 60.0) -> Observed:
        """What the agent says when it is through with the desired record of this commit."""
        return self.until(
            key, lambda o: o.acted_on == commit and o.phase in ("done", "failed", "stopped", "removed"), timeout_s
        )

    def until(self, key: AppKey, true: Callable[[Observed], bool], timeout_s: float = 60.0) -> Observed:
        found: list[Observed] = []

        def look() -> bool:
            seen = self.observed(key)
            if seen is not None:
                found[:] = [seen]
            return seen is not None and true(seen)

        try:
            wait_until(look, f"{key} is observed as it should be", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; last seen: {found}") from None
        return found[0]


@contextmanager
def rig(kv: KV, engine: Engine, compose: Compose, state_dir: Path) -> Iterator[Rig]:
    """A running agent; stopped at the end, whatever the test did."""
    logging.getLogger("appserver").setLevel(logging.INFO)
    made = Rig(kv, engine, compose, state_dir)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def node(kv: KV, engine: Engine, compose: Compose, project: str, tmp_path: Path) -> Iterator[Rig]:
    """A running agent over the run's engine and etcd. It ends before the project is removed: it would put it back."""
    assert project
    with rig(kv, engine, compose, tmp_path / "state") as running:
        yield running


@pytest.fixture
def key(project: str) -> AppKey:
    """An application that nobody else has."""
    return AppKey("default", project)


def run_docker(*argv: str) -> str:
    """As a person at the node does."""
    return subprocess.run(("docker", *argv), capture_output=True, text=True, check=True).stdout


def service(image: str, **more: Any) -> Mapping[str, Any]:
    """A service that ends at once when told to, with what else the test wants of it."""
    return {"image": image, "stop_grace_period": "1s", "labels": {"moorage.test": "service"}, **more}


def probe(command: str) -> Mapping[str, Any]:
    """A healthcheck by a shell command, twice a second."""
    return {
        "test": ["CMD", "/bin/busybox", "sh", "-c", command],
        "interval": "500ms",
        "timeout": "2s",
        "retries": 2,
    }
