"""Updates in lock-step over a real etcd: stopped, recovered, taken up again, taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from appserver.core.release import ReleaseStep
from appserver.core.rollout_record import ABORTED, Content
from appserver.errors import Conflict, NotFound
from appserver.ports.steps import StepJob
from appserver.store import releases, rollout
from appserver.store.codec import encode
from tests.lab.etcd import Cluster
from tests.lab.rollout import (
    ADMIN,
    V1,
    V2,
    V3,
    BootSite,
    fails,
    slow,
    three_servers,
)
from tests.lab.wait import wait_until


@pytest.fixture
def site(etcd: Cluster) -> Iterator[BootSite]:
    with three_servers(etcd) as made:
        yield made


def test_a_step_that_fails_stops_all_and_recover_begins_anew(site: BootSite) -> None:
    """Neco: fail at step 2, peer aborted, recover. The abort carries server, task and last output."""
    site.plays["second.yml"] = fails(1)
    site.take(V1)
    site.wait_for(V1, "aborted")
    run, request = site.run(), site.request()
    assert request and request.stop
    assert run
    assert "server 1: step second on n1: task 'Does it': fatal: it broke" in run.why
    wait_until(lambda: site.statuses()[1].cond == ABORTED, "server 1 says so")
    assert site.told() == ["begin", "failure"]
    site.plays.clear()
    wait_until(lambda: not rollout.busy_of(site.kv.snapshot(rollout.BUSY)), "no step runs")
    site.updates.recover(ADMIN)
    site.wait_for(V1, "completed")
    assert (run := site.run())
    assert run.number == 2


def test_recover_needs_a_stop_and_a_request(site: BootSite) -> None:
    """With Neco's words."""
    with pytest.raises(NotFound, match="not found"):
        site.updates.recover(ADMIN)
    site.bring(V1)
    with pytest.raises(Conflict, match="not stopped"):
        site.updates.recover(ADMIN)
    with pytest.raises(Conflict, match=f"the update to {V1} is through"):
        site.updates.stop(ADMIN)


def test_a_stop_ends_what_runs_within_seconds(site: BootSite) -> None:
    """Neco: cancel, which waited for the step's end. Recover waits until it has ended."""
    ended: list[float] = []

    def play(job: StepJob, lrn: int, stopped: Callable[[], bool]) -> int:
        while not stopped():
            time.sleep(0.02)
        ended.append(time.monotonic())
        return 1

    site.plays["first.yml"] = play
    site.take(V1)
    wait_until(lambda: len(site.ran.began("first.yml")) == 3, "all are at the first step")
    with pytest.raises(Conflict, match="not stopped"):
        site.updates.recover(ADMIN)
    asked = time.monotonic()
    site.updates.stop(ADMIN, "the wrong day")
    wait_until(lambda: len(ended) == 3, "all have ended")
    assert max(ended) - asked < 5
    assert site.outcome() == (V1, "stopped")
    site.plays.clear()
    wait_until(lambda: not rollout.busy_of(site.kv.snapshot(rollout.BUSY)), "no step runs")
    assert site.ran.began("second.yml") == []
    site.updates.recover(ADMIN)
    site.wait_for(V1, "completed")


def test_what_failed_once_fails_for_all_until_it_is_recovered(site: BootSite) -> None:
    """And recover forgets it."""
    site.keep(V1, ReleaseStep("base", "base.yml", "once", "basefs"))
    site.plays["base.yml"] = fails(0, 1, 2)
    site.take(V1)
    site.wait_for(V1, "aborted")
    assert site.kv.snapshot("contents/basefs").items["contents/basefs"].value == encode(Content(V1, False))
    site.plays.clear()
    wait_until(lambda: not rollout.busy_of(site.kv.snapshot(rollout.BUSY)), "no step runs")
    site.updates.recover(ADMIN)
    assert not site.kv.snapshot("contents/").items
    site.wait_for(V1, "completed")


def test_an_update_is_taken_up_at_the_step_that_failed(site: BootSite) -> None:
    """What all were through with is not done again."""
    site.plays["second.yml"] = fails(1)
    site.take(V1)
    site.wait_for(V1, "aborted")
    site.plays.clear()
    wait_until(lambda: not rollout.busy_of(site.kv.snapshot(rollout.BUSY)), "no step runs")
    run = site.updates.retry(ADMIN)
    assert (run.number, run.cause, run.first) == (2, "retry", 2)
    site.wait_for(V1, "completed")
    assert len(site.ran.began("first.yml")) == 3


def test_what_was_begun_is_taken_back(site: BootSite) -> None:
    """In the other order, by the playbooks that the steps name; the release is put aside."""
    site.bring(V1)
    steps = [ReleaseStep(name, f"{name}.yml", rollback=f"{name}-back.yml") for name in ("a", "b", "c")]
    site.keep(V2, *steps)
    site.plays["b.yml"] = fails(2)
    site.take(V2)
    site.wait_for(V2, "aborted")
    wait_until(lambda: not rollout.busy_of(site.kv.snapshot(rollout.BUSY)), "no step runs")
    site.updates.undo(ADMIN)
    site.wait_for(V1, "completed")
    assert max(site.ran.at("ended", "b-back.yml")) < min(site.ran.at("began", "a-back.yml"))
    assert site.ran.began("c-back.yml") == []
    assert (held := releases.kept(site.kv, V2))
    assert held.aside == "update 2 was taken back by root"
    assert site.list.plan(ADMIN).action.reason == f"all servers are at {V1}"


def test_an_older_release_is_gone_back_to_only_by_somebody_s_word(site: BootSite) -> None:
    """And only to one that is kept."""
    for version in (V1, V2):
        site.keep(version)
        site.bring(version)
    with pytest.raises(Conflict, match=f"{V1} is not newer than {V2}"):
        site.updates.request(ADMIN, V1)
    with pytest.raises(NotFound, match=f"release {V3} is not kept here"):
        site.updates.request(ADMIN, V3)
    site.updates.request(ADMIN, V1, older=True)
    site.wait_for(V1, "completed")
    assert (run := site.run())
    assert run.cause == "rollback"
    assert (held := releases.kept(site.kv, V2))
    assert (held.aside, held.back) == (f"root went back to {V1}", True)


def test_a_stopped_update_is_gone_back_from(site: BootSite) -> None:
    """The older release is asked for first, and begun with by the recovery."""
    for version in (V1, V2):
        site.keep(version)
        site.bring(version)
    site.keep(V3)
    site.plays["first.yml"] = slow(lambda: False)
    site.take(V3)
    wait_until(lambda: len(site.ran.began("first.yml")) == 9, "all are at it")
    with pytest.raises(Conflict, match=f"an update to {V3} is under way"):
        site.updates.request(ADMIN, V1, older=True)
    site.updates.stop(ADMIN)
    site.updates.request(ADMIN, V1, older=True)
    site.plays.clear()
    wait_until(lambda: not rollout.busy_of(site.kv.snapshot(rollout.BUSY)), "no step runs")
    site.updates.recover(ADMIN)
    site.wait_for(V1, "completed")


def failing(site: BootSite, version: str, *books: str) -> None:
    """An update that is aborted, since these playbooks fail; no step of it runs any more."""
    site.plays.clear()
    site.plays.update(dict.fromkeys(books, fails(0, 1, 2)))
    before = site.run()
    if before and before.version == version:
        site.updates.recover(ADMIN)
    else:
        site.take(version)
    wait_until(lambda: site.run() != before, "an update begins", 30)
    wait_until(lambda: site.outcome() == (version, "aborted"), f"{version} is aborted", 30)
    wait_until(lambda: not rollout.busy_of(site.kv.snapshot(rollout.BUSY)), "no step runs")


def test_going_back_does_not_go_forward(site: BootSite) -> None:
    """Who means a newer release asks for it."""
    for version in (V1, V2):
        site.keep(version)
    site.bring(V1)
    with pytest.raises(Conflict, match=f"{V2} is newer than {V1}, which is in force"):
        site.updates.request(ADMIN, V2, older=True)


def test_a_freeze_holds_for_what_people_begin_too(site: BootSite) -> None:
    """Neither taken up again nor taken back while it lasts; what was found is left as it is."""
    site.bring(V1)
    steps = [ReleaseStep(name, f"{name}.yml", rollback=f"{name}-back.yml") for name in ("a", "b")]
    site.keep(V2, *steps)
    failing(site, V2, "b.yml")
    site.kept["freeze"] = "frozen until Monday"
    before = site.kv.snapshot(*rollout.STANDING).items
    for begin in (site.updates.retry, site.updates.undo):
        with pytest.raises(Conflict, match="frozen until Monday; a line of config/release-freeze"):
            begin(ADMIN)
    assert site.kv.snapshot(*rollout.STANDING).items == before
    site.kept["freeze"] = ""
    site.plays.clear()
    site.updates.retry(ADMIN)
    site.wait_for(V2, "completed")


def test_what_earlier_tries_had_begun_is_taken_back_too(site: BootSite) -> None:
    """A recovered update fails earlier than the one before it: what that one had begun is not forgotten."""
    site.bring(V1)
    steps = [ReleaseStep(name, f"{name}.yml", rollback=f"{name}-back.yml") for name in ("a", "b", "c")]
    site.keep(V2, *steps)
    failing(site, V2, "c.yml")
    failing(site, V2, "a.yml")
    undo = site.updates.undo(ADMIN)
    assert [step.name for step in undo.steps] == ["undo c", "undo b", "undo a"]
    site.wait_for(V1, "completed")


def test_what_was_done_once_is_taken_back_once(site: BootSite) -> None:
    """Though the version that is gone back to once did it too."""
    once = ReleaseStep("schema", "schema.yml", "once", "schema", rollback="schema-back.yml")
    site.keep(V1, once)
    site.bring(V1)
    site.keep(V2, once, ReleaseStep("b", "b.yml"))
    failing(site, V2, "b.yml")
    site.updates.undo(ADMIN)
    site.wait_for(V1, "completed")
    assert len(site.ran.began("schema-back.yml")) == 1
