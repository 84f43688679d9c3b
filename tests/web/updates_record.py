"""Updates of boot servers as they leave their records: a real service over a store in memory, in every standing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace

from appserver.adapters.memory import MemoryKV
from appserver.core.fleet import Node
from appserver.core.notices import Notice
from appserver.core.release import Kept, Probe, Release, ReleaseStep
from appserver.core.rollout_record import (
    ABORTED,
    COMPLETED,
    RUNNING,
    Outcome,
    Phase,
    Progress,
    Request,
    Run,
    Status,
    StepTime,
)
from appserver.core.site_config import Site
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.releases_view import ReleaseView, SearchView
from appserver.services.updates import Updates
from appserver.services.updates_view import UpdateList
from appserver.store import keys, releases
from appserver.store import rollout as store
from appserver.store.codec import encode
from appserver.store.releases import Search
from tests.fakes import HandClock
from tests.web.values import EVIL, NOW, ago

V1, V2, V3, OLD = "2026.11.01-1", "2026.11.02-2", "2026.11.03-3", "2026.10.01-0"
SERVERS = (0, 1, 2)
WELL = (Probe("etcd"), Probe("tcp", ("127.0.0.1:2379",)))
LISTED = Probe("command", ("moorage", "node", "list"))
STEPS = (
    ReleaseStep("images", "images.yml", retries=1, timeout_s=1200),
    ReleaseStep("etcd", "etcd.yml", "one", guard=WELL[:1], health=WELL, rollback="etcd-back.yml"),
    ReleaseStep(f"agent {EVIL}"[:63], "agent.yml", waves=(1,), health=(LISTED,), rollback="agent-back.yml"),
    ReleaseStep("contents", "contents.yml", "once", "contents"),
)


@dataclass
class Record:
    """The store, and what a test may change in it."""

    kv: MemoryKV = field(default_factory=MemoryKV)
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))

    def __post_init__(self) -> None:
        for version in (OLD, V1, V2, V3):
            kept = Kept(Release(version, STEPS), "hosted", f"release-{version}", "c" * 40, signed_by=f"ann {EVIL}")
            self.put(releases.release(version), kept)
        for lrn in SERVERS:
            self.kv.commit({}, {f"{store.SERVERS}{lrn}": ""})
            node = Node(f"boot-{lrn}", f"198.51.100.{lrn + 1}:8090", "default", lrn)
            self.kv.commit({}, {keys.node(node.name): encode(node), keys.alive(node.name): node.address})
        self.kv.commit({}, {store.RELEASE: V1})

    @property
    def updates(self) -> Updates:
        return Updates(
            kv=self.kv,
            site=lambda: Site(0, {}),
            audit=Audit(kv=self.kv, clock=self.clock),
            events=Events(kv=self.kv, clock=self.clock),
            clock=self.clock,
            freeze=lambda site, now: "",
        )

    @property
    def update_list(self) -> UpdateList:
        return UpdateList(kv=self.kv, site=lambda: Site(0, {}), freeze=lambda site, now: "", clock=self.clock)

    @property
    def releases(self) -> SimpleNamespace:
        """As `ReleaseList` answers."""
        shown = [one.record for one in releases.kept_of(self.kv.snapshot(releases.RELEASES))]
        now = store.release_of(self.kv.snapshot(store.RELEASE))
        views = tuple(ReleaseView(one, one.release.version == now) for one in shown)
        search = SearchView("prod", "hosted", Search(error=f"cannot be reached {EVIL}"), "", None, None)
        return SimpleNamespace(list=lambda _: views, search=lambda _: search)

    def put(self, key: str, record: object) -> None:
        self.kv.commit({}, {key: encode(record)})

    def ended(self, number: int, version: str, outcome: Outcome, why: str = "", began: datetime = NOW) -> Run:
        """An update that is over, on record as its run and in the history."""
        run = Run(number, version, SERVERS, "update", STEPS, 3600, began, before=OLD, by="", why=why, outcome=outcome)
        run = replace(run, ended_at=began + timedelta(minutes=6))
        self.put(store.run(number), run)
        self.put(store.RUN, run)
        return run

    def did(self, lrn: int, number: int, *steps: StepTime) -> None:
        self.put(store.progress(lrn, number), Progress(number, steps))

    def say(self, *statuses: Status) -> None:
        for lrn, status in enumerate(statuses):
            self.put(store.status(lrn), status)


def record() -> Record:
    """Two updates that are over, and one under way: server 1 is in its second try, server 2 has no agent any more."""
    made = Record()
    first = made.ended(1, OLD, "completed", began=ago(days=2))
    for lrn in SERVERS:
        made.did(lrn, 1, *_whole(first.began_at))
    second = made.ended(2, V1, "aborted", f"server 1: step etcd on boot-1: task 'x': {EVIL}", ago(hours=3))
    made.did(0, 2, *_whole(second.began_at)[:2])
    made.did(1, 2, *_whole(second.began_at)[:1], _failed(second.began_at + timedelta(seconds=90)))
    made.did(2, 2, *_whole(second.began_at)[:1])
    run = Run(3, V1, SERVERS, "retry", STEPS, 3600, ago(minutes=4), by=f"ada {EVIL}", before=OLD)
    run = replace(run, images={"etcd": "quay.example/etcd:3.5"}, debs={"jq": "1.6-2.1"})
    made.put(store.RUN, run)
    made.put(store.REQUEST, Request(V1, SERVERS, False, run.began_at))
    made.kv.commit({}, {store.DEADLINE: "3", store.busy(1): "3/3"})
    made.say(Status(V1, 3, RUNNING), Status(V1, 3, RUNNING), Status(V1, 3, RUNNING))
    for lrn in SERVERS:
        made.did(lrn, 3, *_whole(run.began_at)[:2])
    made.did(1, 3, *_whole(run.began_at)[:2], _failed(ago(seconds=80), 3), _now(ago(seconds=30)))
    made.kv.commit({}, {}, [keys.alive("boot-2")])
    made.kv.commit({}, {"notices/00000003-begin": _notice(run)})
    return made


def aborted() -> Record:
    """Update 2 is stopped: what failed is on record, nothing runs."""
    made = Record()
    run = made.ended(2, V1, "aborted", "server 1: step etcd on boot-1: broke", ago(minutes=10))
    made.put(store.REQUEST, Request(V1, SERVERS, True, run.began_at))
    made.say(Status(V1, 3, RUNNING), Status(V1, 2, ABORTED, "step etcd on boot-1: broke"), Status(V1, 2, RUNNING))
    made.did(0, 2, *_whole(run.began_at)[:2])
    made.did(1, 2, *_whole(run.began_at)[:1], _failed(run.began_at + timedelta(seconds=90)))
    return made


def completed() -> Record:
    """All are at the first version, and nothing is asked for."""
    made = Record()
    run = made.ended(1, V1, "completed", began=ago(minutes=10))
    made.put(store.REQUEST, Request(V1, SERVERS, False, run.began_at))
    made.say(*(Status(V1, 4, COMPLETED) for _ in SERVERS))
    return made


def _whole(began: datetime) -> Sequence[StepTime]:
    """Every step, one after the other."""
    at = (0, 40, 80, 200, 300)
    return tuple(
        _one(step, name, began + timedelta(seconds=at[step - 1]), began + timedelta(seconds=at[step] - 5), "done")
        for step, name in enumerate((one.name for one in STEPS), 1)
    )


def _one(step: int, name: str, began: datetime, ended: datetime | None, phase: Phase) -> StepTime:
    return StepTime(step, name, 1, began, ended, phase, "", 12, 3)


def _failed(began: datetime, step: int = 2) -> StepTime:
    found = _one(step, STEPS[step - 1].name, began, began + timedelta(seconds=25), "failed")
    return replace(found, why=f"step on boot-1: task 'x': {EVIL}", output=(f"fatal: {EVIL}", "\x1b[31mmsg: no\x1b[0m"))


def _now(began: datetime) -> StepTime:
    return replace(_one(3, STEPS[2].name, began, None, "running"), attempt=2, task=f"The agent is there {EVIL}")


def _notice(run: Run) -> str:
    return encode(Notice(run.number, "begin", run.version, run.servers, run.began_at, "", run.began_at))
