"""Updates in lock-step over a real etcd: how they go, step by step.

Each boot server is the agent's own worker in a thread, with a connection of its own; what a step does is the test's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appserver.core.release import Probe, ReleaseStep
from appserver.core.rollout_record import COMPLETED, Content, Progress, Run, Status
from appserver.ports.steps import StepJob
from appserver.store import rollout
from appserver.store.codec import encode
from tests.lab.etcd import Cluster
from tests.lab.rollout import (
    ADMIN,
    V1,
    V2,
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


def test_servers_go_step_by_step_and_the_next_release_follows(site: BootSite) -> None:
    """Neco: successful, then a new request. No step begins before all are through with the one before."""
    site.bring(V1)
    assert sorted(site.ran.began("first.yml")) == sorted(site.ran.began("second.yml")) == [0, 1, 2]
    assert max(site.ran.at("ended", "first.yml")) < min(site.ran.at("began", "second.yml"))
    assert site.statuses() == dict.fromkeys((0, 1, 2), Status(V1, 2, COMPLETED))
    site.keep(V2)
    site.bring(V2)
    assert site.told() == ["begin", "success", "begin", "success"]
    assert [run.version for run in site.list.history(ADMIN)] == [V2, V1]


def test_the_program_s_own_version_is_no_release(site: BootSite) -> None:
    """Playbooks put it down where a release will be: nothing is begun with it, and the first release follows it."""
    site.take("0.1.0")
    wait_until(lambda: site.list.plan(ADMIN).action.reason == "no release is known yet", "it waits")
    assert site.list.status(ADMIN).release == ""
    site.updates.request(ADMIN, V1)
    site.wait_for(V1, "completed")


def test_what_is_on_record_is_neco_s(site: BootSite) -> None:
    """Byte for byte but the time."""
    site.bring(V1)
    seen = site.kv.snapshot("status/").items
    request = seen["status/current"].value
    assert request.startswith(f'{{"version":"{V1}","servers":[0,1,2],"stop":false,"started_at":"20')
    assert seen["status/bootservers/1"].value == f'{{"version":"{V1}","step":2,"cond":3,"message":""}}'


def test_a_step_is_tried_again_as_often_as_it_says(site: BootSite) -> None:
    """Each try is on record."""
    site.keep(V1, ReleaseStep("first", "first.yml", retries=2))
    tries = {0: 0, 1: 0, 2: 0}

    def play(job: StepJob, lrn: int, stopped: Callable[[], bool]) -> int:
        tries[lrn] += 1
        return 0 if tries[lrn] == 3 or lrn else 2

    site.plays["first.yml"] = play
    site.bring(V1)
    assert tries == {0: 3, 1: 1, 2: 1}
    progress = site.list.show(ADMIN, 1)[1][0]
    assert [(one.attempt, one.phase) for one in progress.steps] == [(1, "failed"), (2, "failed"), (3, "done")]
    assert progress.steps[0].output == ("fatal: it broke",)


def test_who_joins_and_who_leaves_is_taken_in(site: BootSite) -> None:
    """Neco: reconfigure, in the order of numbers."""
    site.bring(V1)
    site.server(10)
    wait_until(lambda: (run := site.run()) and run.servers == (0, 1, 2, 10), "10 is in")
    site.wait_for(V1, "completed")
    site.end(1)
    site.leave(1)
    wait_until(lambda: (run := site.run()) and run.servers == (0, 2, 10), "1 is out")
    site.wait_for(V1, "completed")
    assert [run.cause for run in site.list.history(ADMIN)] == ["reconfigure", "reconfigure", "update"]


def test_who_joins_in_the_middle_waits_for_the_end(site: BootSite) -> None:
    """It is no member, and does nothing until the update is through."""
    go: list[int] = []
    site.plays["first.yml"] = slow(lambda: bool(go))
    site.take(V1)
    wait_until(lambda: len(site.ran.began("first.yml")) == 3, "all are at the first step")
    site.server(3)
    time.sleep(0.5)
    assert 3 not in site.ran.began("first.yml")
    go.append(1)
    wait_until(lambda: (run := site.run()) and run.servers == (0, 1, 2, 3), "3 is in", 30)
    site.wait_for(V1, "completed")


def test_one_at_a_time_goes_by_number_with_health_before_the_next(site: BootSite) -> None:
    """Neco's slots were by the clock."""
    site.server(10)
    site.keep(V1, ReleaseStep("etcd", "etcd.yml", "one", health=(Probe("command", ("well",), 20.0),)))
    site.ill["well"] = "not yet"
    site.take(V1)
    wait_until(lambda: site.ran.began("etcd.yml") == [0], "the first began")
    time.sleep(0.5)
    assert site.ran.began("etcd.yml") == [0]
    site.ill.clear()
    site.wait_for(V1, "completed", 60)
    assert site.ran.began("etcd.yml") == [0, 1, 2, 10]
    assert [what for what, _, _ in site.ran.entries] == ["began", "ended"] * 4


def test_what_is_not_well_after_a_step_fails_it(site: BootSite) -> None:
    """The reason says what was asked, and for how long."""
    site.keep(V1, ReleaseStep("web", "web.yml", health=(Probe("http", ("http://x",), 0.2),)))
    site.ill["http://x"] = "http://x answers 503"
    site.take(V1)
    site.wait_for(V1, "aborted")
    assert (run := site.run())
    assert "not well after 0 s: http://x answers 503" in run.why


def test_a_guard_keeps_a_step_from_beginning(site: BootSite) -> None:
    """Etcd that has lost a member is not touched."""
    guard = (Probe("etcd", (), 0.2),)
    site.keep(V1, ReleaseStep("etcd", "etcd.yml", "one", guard=guard))
    site.ill[""] = "etcd is not healthy: b: refused"
    site.take(V1)
    site.wait_for(V1, "aborted")
    assert site.ran.began("etcd.yml") == []


def test_who_waits_for_a_guard_says_so(site: BootSite) -> None:
    """Else it looks as if the step ran; when it is well, it does."""
    site.keep(V1, ReleaseStep("etcd", "etcd.yml", "one", guard=(Probe("etcd", (), 30.0),)))
    site.ill[""] = "etcd is not healthy: b: refused"
    site.take(V1)

    def tasks() -> set[str]:
        tries = [one for progress in site.list.status(ADMIN).progress.values() for one in progress.steps]
        return {one.task for one in tries}

    wait_until(lambda: tasks() == {"guard: etcd is not healthy: b: refused"}, "it is said", 10)
    del site.ill[""]
    site.wait_for(V1, "completed")
    assert tasks() == {""}


def test_what_is_done_once_is_done_by_one_and_on_record(site: BootSite) -> None:
    """`contents/<target>`; of the same version it is not done again."""
    site.keep(V1, ReleaseStep("base", "base.yml", "once", "basefs"), ReleaseStep("second", "second.yml"))
    site.bring(V1)
    assert len(site.ran.began("base.yml")) == 1
    assert site.kv.snapshot("contents/basefs").items["contents/basefs"].value == encode(Content(V1, True))


def test_updates_of_long_ago_are_forgotten(site: BootSite) -> None:
    """With what each server did in them; the newest hundred stay."""
    run = Run(1, V1, (0,), "update", (), 1.0, datetime.now(UTC))
    for number in (1, 2, 3):
        old = {
            rollout.run(number): encode(replace(run, number=number)),
            rollout.progress(0, number): encode(Progress(number)),
        }
        site.kv.commit({}, old)
    site.kv.commit({}, {rollout.RUN: encode(replace(run, number=101))})
    site.bring(V1)
    wait_until(lambda: [one.number for one in site.list.history(ADMIN)] == [102, 3], "two are forgotten")
    assert list(site.kv.snapshot(f"{rollout.STEPS}0/").items) == [rollout.progress(0, number) for number in (3, 102)]


def test_a_canary_comes_first(site: BootSite) -> None:
    """When it fails, nobody else begins."""
    site.keep(V1, ReleaseStep("agent", "agent.yml", waves=(1,)))
    site.plays["agent.yml"] = fails(0)
    site.take(V1)
    site.wait_for(V1, "aborted")
    assert site.ran.began("agent.yml") == [0]


def test_a_frozen_site_begins_nothing(site: BootSite) -> None:
    """The plan says why."""
    site.kept["freeze"] = "frozen until Monday"
    site.take(V1)
    time.sleep(0.7)
    assert site.run() is None
    assert site.list.plan(ADMIN).action.reason == f"{V1} waits: frozen until Monday"


def test_twelve_servers_go_by_number(site: BootSite) -> None:
    """LRN 0 to 11: 10 and 11 come last, one at a time."""
    for lrn in range(3, 12):
        site.server(lrn)
    site.keep(V1, ReleaseStep("all", "all.yml"), ReleaseStep("etcd", "etcd.yml", "one"))
    site.take(V1)
    site.wait_for(V1, "completed", 90)
    assert site.ran.began("etcd.yml") == list(range(12))
    assert len(site.ran.began("all.yml")) == 12
