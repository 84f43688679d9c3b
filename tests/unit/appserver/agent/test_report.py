"""What a node says is written behind the work's back, in parts a store takes, the moment itself last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread

from appserver.adapters.memory import MemoryKV
from appserver.agent.guarded import guarded
from appserver.agent.report import Reports
from appserver.core.entities import AppKey, Cause, ContainerRecord, Desired, Observed
from appserver.ports import KV
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.lab.kv import take
from tests.lab.wait import wait_until
from tests.unit.appserver.agent.reporting import writing

KEY = AppKey("default", "shop")
WHERE = keys.observed("n1", KEY)
SEEN = Observed(5, 1, "done", datetime(2026, 11, 21, tzinfo=UTC), "150 of 150 services are up")
FEW = 128
"""What an etcd takes in one transaction whose operator never heard of us."""


def containers(count: int, node: str = "n1") -> Mapping[str, ContainerRecord]:
    record = ContainerRecord("id", "img", "sha256:1", "running", node, str(KEY))
    return {f"shop-s{n:03}-1": record for n in range(count)}


def test_more_containers_than_a_transaction_takes_are_written_and_the_moment_last():
    """Who reads that 150 services are up finds 150 containers on record."""
    kv = MemoryKV(max_txn_ops=FEW)
    with writing(kv) as reports:
        reports.say(KEY, SEEN, containers(150))
        changes = take(kv.watch("", 0), 151)
    assert [change.key for change in changes][-1] == WHERE
    assert {change.key for change in changes} == {WHERE, *(keys.container("default", name) for name in containers(150))}
    assert len({change.revision for change in changes}) == 2


def test_few_containers_and_the_moment_are_one_transaction():
    """The usual case costs one commit."""
    kv = MemoryKV()
    with writing(kv) as reports:
        reports.say(KEY, SEEN, containers(3))
        changes = take(kv.watch("", 0), 4)
    assert len({change.revision for change in changes}) == 1


def test_records_of_containers_that_are_gone_go_with_them():
    """All of 150, but for one that another node has by now."""
    kv = MemoryKV(max_txn_ops=FEW)
    with writing(kv) as reports:
        reports.say(KEY, SEEN, containers(150))
        wait_until(lambda: reports_written(kv, SEEN), "it is written")
        theirs = keys.container("default", "shop-s007-1")
        kv.commit({}, {theirs: encode(containers(8, "n2")["shop-s007-1"])})
        gone = replace(SEEN, step="removed")
        reports.say(KEY, gone, {})
        wait_until(lambda: reports_written(kv, gone), "it is written")
    assert list(kv.snapshot("containers/").items) == [theirs]


def test_an_agent_started_anew_knows_what_it_wrote_and_forgets_it_on_demand():
    """An application that is not wanted here any more leaves no record of a container, however many there were."""
    kv = MemoryKV(max_txn_ops=FEW)
    with writing(kv) as reports:
        reports.say(KEY, SEEN, containers(150))
        wait_until(lambda: reports_written(kv, SEEN), "it is written")
    with writing(kv) as reports:
        assert (reports.last(KEY), reports.applications()) == (SEEN, (KEY,))
        reports.forget(KEY)
    assert list(kv.snapshot("").items) == [WHERE]


def test_an_application_that_was_deleted_gets_no_record_back():
    """A report that was on its way is dropped; while the application is wanted, it is written over what is there."""
    kv = MemoryKV(max_txn_ops=FEW)
    with writing(kv) as reports:
        reports.say(KEY, SEEN, containers(1))
        wait_until(lambda: reports_written(kv, SEEN), "it is written")
        kv.commit({}, {}, [WHERE])
        reports.say(KEY, replace(SEEN, step="late"), containers(150))
        other = AppKey("default", "other")
        reports.say(other, SEEN, {})
        wait_until(lambda: keys.observed("n1", other) in kv.snapshot("").items, "later reports are written")
        assert WHERE not in kv.snapshot("").items
        assert len(kv.snapshot("containers/").items) == 1
        kv.commit({}, {keys.desired("n1", KEY): encode(Desired(1, 0))})
        again = replace(SEEN, step="wanted again")
        reports.say(KEY, again, containers(150))
        wait_until(lambda: reports_written(kv, again), "it is written again")


def test_a_report_too_long_for_the_store_is_written_without_its_logs():
    """Forty services that fail with long last lines silence neither their own application nor the others."""
    kv = MemoryKV()
    causes = tuple(Cause(f"s{n}", "exited with code 1", 1, "", ("x" * 1000,) * 50) for n in range(40))
    with writing(kv) as reports:
        reports.say(KEY, replace(SEEN, phase="failed", causes=causes), {})
        short = replace(SEEN, phase="failed", causes=tuple(replace(cause, logs=()) for cause in causes))
        wait_until(lambda: reports_written(kv, short), "it is written, shorter")
        assert reports.last(KEY) == short


def reports_written(kv: KV, wanted: Observed) -> bool:
    found = read(kv, WHERE, Observed)
    return found is not None and found.record == wanted


def test_records_that_cannot_be_read_hinder_no_start_and_no_report():
    """What this node says takes the place of what it cannot read of itself; a foreign container's record stays."""
    kv = MemoryKV()
    odd, foreign = "observed/n1/NO-NAME", keys.container("default", "shop-s000-1")
    kv.commit({}, {WHERE: "{", odd: encode(SEEN)})
    kv.commit({}, {keys.desired("n1", KEY): encode(Desired(1, 0))})
    with writing(kv) as reports:
        assert reports.applications() == ()
        reports.say(KEY, SEEN, containers(1))
        wait_until(lambda: kv.snapshot(WHERE).items[WHERE].value == encode(SEEN), "what was said")
        kv.commit({}, {foreign: "{"})
        later = replace(SEEN, step="nothing is left")
        reports.say(KEY, later, {})
        wait_until(lambda: kv.snapshot(WHERE).items[WHERE].value == encode(later), "what was said later")
    assert kv.snapshot(foreign).items[foreign].value == "{"


def test_what_was_due_when_the_writer_broke_is_written_when_it_runs_again():
    class Breaks(MemoryKV):
        broken = True

        def commit(self, *args: object, **more: object) -> int:
            if self.broken:
                self.broken = False
                raise KeyError("a fault of ours")
            return super().commit(*args, **more)  # type: ignore[arg-type]

    kv, stop = Breaks(), Event()
    reports = Reports(kv, "n1", "default")
    reports.say(KEY, SEEN, {})
    thread = Thread(target=guarded("reports", lambda: reports.run(stop), stop, pause_s=0.0))
    thread.start()
    wait_until(lambda: WHERE in kv.snapshot(WHERE).items, "the report")
    stop.set()
    reports.wake()
    thread.join(10)
    assert not thread.is_alive()
