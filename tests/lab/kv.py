"""Looking at a KV from a test: its changes as they come, calls that fail, how long they take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import Thread, Timer

import pytest

from appserver.adapters.etcd import TLS, Etcd
from appserver.adapters.memory import MemoryKV
from appserver.errors import StoreError
from appserver.ports import KV, Change, Watch
from tests.lab.etcd import Cluster
from tests.lab.wait import wait_until

BACKENDS = ("memory", "etcd")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> KV:
    """An empty store: one in memory, one of the shared etcd's prefixes."""
    if request.param == "memory":
        return MemoryKV()
    found: KV = request.getfixturevalue("kv")
    return found


class Follower:
    """A watch read by a thread of its own, as an agent reads it."""

    def __init__(self, kv: KV, prefix: str, after: int) -> None:
        self.changes: list[Change] = []
        self.error: StoreError | None = None
        self._watch = kv.watch(prefix, after)
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def values(self) -> list[str | None]:
        return [change.value for change in self.changes]

    def wait_for(self, wanted: Sequence[str], timeout_s: float = 10.0) -> None:
        wait_until(lambda: len(self.changes) >= len(wanted), f"the watch tells {wanted}", timeout_s)
        assert self.values() == list(wanted)

    def close(self) -> None:
        self._watch.close()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _read(self) -> None:
        try:
            for change in self._watch:
                self.changes.append(change)
        except StoreError as e:
            self.error = e


@contextmanager
def closing(kv: Etcd) -> Iterator[Etcd]:
    try:
        yield kv
    finally:
        kv.close()


@contextmanager
def client(
    cluster: Cluster,
    prefix: str = "/moorage/",
    tls: TLS | None = None,
    user: str | None = None,
    password: str | None = None,
    timeout_s: float = 5.0,
) -> Iterator[Etcd]:
    with closing(Etcd(cluster.endpoints, prefix, tls, user, password, timeout_s)) as kv:
        yield kv


@contextmanager
def following(kv: KV, prefix: str, after: int) -> Iterator[Follower]:
    follower = Follower(kv, prefix, after)
    try:
        yield follower
    finally:
        follower.close()


@contextmanager
def takes(least_s: float, most_s: float) -> Iterator[None]:
    """What happens inside takes between so long and so long."""
    before = time.monotonic()
    yield
    assert least_s <= time.monotonic() - before <= most_s


def raised(act: Callable[[], object]) -> StoreError | None:
    try:
        act()
    except StoreError as e:
        return e
    return None


def take(watch: Watch, wanted: int, timeout_s: float = 10.0) -> list[Change]:
    """The first changes of a watch, which is closed then, or when they do not come in time."""
    if not wanted:
        return []
    late = Timer(timeout_s, watch.close)
    late.start()
    try:
        return list(islice(watch, wanted))
    finally:
        late.cancel()
        watch.close()
