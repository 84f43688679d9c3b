"""Boot servers in an update, each a worker with a thread of its own, over one real store; updaters that may be killed.

What a step does is told by the test: a playbook's name to whatever happens when it is run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Lock, Thread

from appserver.adapters.clock import SystemClock
from appserver.adapters.etcd import Etcd
from appserver.agent.rollout import Worker
from appserver.agent.rollout_step import Doing, Parts
from appserver.core.access import Caller
from appserver.core.fleet import Node
from appserver.core.plays import PlayNews
from appserver.core.release import Kept, Probe, Release, ReleaseStep
from appserver.core.rollout_record import Request, Run, Status
from appserver.core.site_config import Site
from appserver.ports import KV, Clock
from appserver.ports.steps import StepJob
from appserver.services.audit import Audit
from appserver.services.duties import Duties, FencedDuty
from appserver.services.events import Events
from appserver.services.rollout import Updater
from appserver.services.updates import Updates
from appserver.services.updates_view import UpdateList
from appserver.store import keys, releases, rollout
from appserver.store.codec import decode, encode
from tests.lab.etcd import Cluster
from tests.lab.wait import wait_until

ADMIN = Caller("root", "admin")
V1, V2, V3 = "2026.11.01-1", "2026.11.02-2", "2026.11.03-3"
Play = Callable[[StepJob, int, Callable[[], bool]], int]
"""What a playbook does on a server, until it is stopped: its exit code."""


@dataclass(slots=True)
class Ran:
    """Each run of a playbook: what, where, and in which order it began and ended."""

    entries: list[tuple[str, str, int]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def note(self, what: str, playbook: str, lrn: int) -> None:
        with self.lock:
            self.entries.append((what, playbook, lrn))

    def began(self, playbook: str) -> list[int]:
        return [lrn for what, name, lrn in self.entries if (what, name) == ("began", playbook)]

    def at(self, what: str, playbook: str) -> list[int]:
        """Places of its beginnings, or ends, in the order of everything."""
        return [place for place, (one, name, _) in enumerate(self.entries) if (one, name) == (what, playbook)]


class Played:
    """`ports.Steps` and `ports.Probes` of one server."""

    def __init__(
        self, lrn: int, ran: Ran, plays: Mapping[str, Play], ill: Mapping[str, str], loud: Callable[[], str]
    ) -> None:
        self._lrn = lrn
        self._loud = loud
        self._ran = ran
        self._plays = plays
        self._ill = ill

    def run(self, job: StepJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        self._ran.note("began", job.playbook, self._lrn)
        yield PlayNews("task", task="Does it")
        play = self._plays.get(job.playbook)
        rc = play(job, self._lrn, stopped) if play else 0
        if rc:
            yield PlayNews("failed", "localhost", "Does it", text=f"{self._loud()}\nfatal: it broke")
        self._ran.note("ended", job.playbook, self._lrn)
        yield PlayNews("end", rc=rc)

    def ask(self, probe: Probe, stopped: Callable[[], bool]) -> str:
        return self._ill.get(" ".join(probe.target), "")


class SkewedClock(SystemClock):
    """Of a host whose time of day is wrong by so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._off = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._off


def worker_of(kv: KV, lrn: int, played: Played, clock: Clock | None = None) -> Worker:
    parts = Parts(kv, clock or SystemClock(), played, played, lambda version: {}, f"n{lrn}")
    return Worker(kv, lrn, lambda run, step, request, before: Doing(parts, lrn, run, step, request, before))


class BootSite:
    """One store, updaters and boot servers."""

    def __init__(self, another: Callable[[], KV]) -> None:
        self.kv = kv = another()
        self.another = another
        self.ran = Ran()
        self.plays: dict[str, Play] = {}
        self.ill: dict[str, str] = {}
        self.loud = ""
        """What a step says besides when it fails."""
        self.kept: dict[str, str] = {}
        self.servers: dict[int, tuple[Event, Thread]] = {}
        self.updaters: list[tuple[Event, tuple[Thread, ...]]] = []
        clock = SystemClock()
        events, audit = Events(kv=kv, clock=clock), Audit(kv=kv, clock=clock)
        self.updates = Updates(
            kv=kv,
            site=self.site,
            audit=audit,
            events=events,
            clock=clock,
            freeze=self.freeze,
        )
        self.list = UpdateList(kv=kv, site=self.site, freeze=self.freeze, clock=clock)

    def site(self) -> Site:
        return Site(0, {key: value for key, value in self.kept.items() if key.startswith("config/")})

    def freeze(self, *_: object) -> str:
        return self.kept.get("freeze", "")

    def keep(self, version: str, *steps: ReleaseStep) -> None:
        release = Release(version, steps or (ReleaseStep("first", "first.yml"), ReleaseStep("second", "second.yml")))
        self.kv.commit({}, {releases.release(version): encode(Kept(release, "here", f"release-{version}", "c" * 40))})

    def take(self, version: str) -> None:
        self.kv.commit({}, {rollout.RELEASE: version})

    def register(self, *lrns: int) -> None:
        for lrn in lrns:
            self.kv.commit({}, {f"{rollout.SERVERS}{lrn}": ""})

    def known(self, lrn: int) -> None:
        """Registered, with a node whose agent is there."""
        self.register(lrn)
        node = Node(f"n{lrn}", "198.51.100.1:8090", "default", lrn)
        self.kv.commit({}, {keys.node(node.name): encode(node), keys.alive(node.name): node.address})

    def leave(self, lrn: int) -> None:
        self.kv.commit({}, {}, [f"{rollout.SERVERS}{lrn}"])

    def server(self, lrn: int, clock: Clock | None = None) -> None:
        """Registered, and at work."""
        self.known(lrn)
        kv = self.another()
        played = Played(lrn, self.ran, self.plays, self.ill, lambda: self.loud)
        worker = worker_of(kv, lrn, played, clock)
        stop = Event()
        thread = Thread(target=worker.run, args=(stop,), name=f"server {lrn}", daemon=True)
        thread.start()
        self.servers[lrn] = stop, thread

    def end(self, lrn: int) -> None:
        stop, thread = self.servers.pop(lrn)
        self.kv.commit({}, {}, [keys.alive(f"n{lrn}")])
        stop.set()
        thread.join(20)
        assert not thread.is_alive()

    def updater(self, clock: Clock | None = None) -> None:
        kv, clock = self.another(), clock or SystemClock()
        updater = Updater(
            kv=kv,
            site=self.site,
            events=Events(kv=kv, clock=clock),
            clock=clock,
            freeze=self.freeze,
        )
        stop = Event()
        duties = Duties(kv=kv, value="here", duties=[FencedDuty("updater", updater.run)])
        self.updaters.append((stop, duties.start(stop)))

    def end_updater(self) -> None:
        stop, threads = self.updaters.pop(0)
        stop.set()
        for thread in threads:
            thread.join(20)

    def close(self) -> None:
        for stop, _ in self.servers.values():
            stop.set()
        for lrn in list(self.servers):
            self.end(lrn)
        while self.updaters:
            self.end_updater()

    def request(self) -> Request | None:
        stored = rollout.request_of(self.kv.snapshot(rollout.REQUEST))
        return stored.record if stored else None

    def run(self) -> Run | None:
        stored = rollout.run_of(self.kv.snapshot(rollout.RUN))
        return stored.record if stored else None

    def statuses(self) -> Mapping[int, Status]:
        return rollout.statuses_of(self.kv.snapshot(rollout.STATUSES))

    def outcome(self) -> tuple[str, str]:
        run = self.run()
        return (run.version, run.outcome) if run else ("", "")

    def wait_for(self, version: str, outcome: str, timeout_s: float = 30.0) -> None:
        wait_until(
            lambda: self.outcome() == (version, outcome),
            f"the update to {version} is {outcome}",
            timeout_s,
        )

    def bring(self, version: str) -> None:
        """All servers are at it."""
        self.take(version)
        self.wait_for(version, "completed")

    def told(self) -> list[str]:
        """Kinds of the notices that are on record, in the order in which they came."""
        items = self.kv.snapshot("notices/").items
        return [decode(items[key].value, dict)["kind"] for key in sorted(items, key=lambda one: items[one].created)]


def foreign_request(kv: KV, version: str, *servers: int) -> None:
    """As a program that knows of nothing but the seed's keys would write it."""
    kv.commit({}, {rollout.REQUEST: encode(Request(version, servers, False, datetime.now(UTC)))})


@contextmanager
def boot_site(another: Callable[[], KV], *lrns: int) -> Iterator[BootSite]:
    """`another` is one more connection to the store."""
    made = BootSite(another)
    try:
        made.updater()
        for lrn in lrns:
            made.server(lrn)
        yield made
    finally:
        made.close()


@contextmanager
def three_servers(etcd: Cluster) -> Iterator[BootSite]:
    """0, 1 and 2, with an updater, over a store of their own; the release V1 is kept."""
    prefix = f"/updates{next(_sites)}/"
    with boot_site(lambda: Etcd(etcd.endpoints, prefix), 0, 1, 2) as made:
        made.keep(V1)
        yield made


def slow(until: Callable[[], bool]) -> Play:
    """Runs until it is told to end, or stopped."""

    def play(job: StepJob, lrn: int, stopped: Callable[[], bool]) -> int:
        while not until() and not stopped():
            time.sleep(0.02)
        return 1 if stopped() else 0

    return play


def fails(*lrns: int) -> Play:
    return lambda job, lrn, stopped: 2 if lrn in lrns else 0


_sites = count()
