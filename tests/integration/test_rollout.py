"""Updates in lock-step over a real etcd: Neco's cases, and what it could not do.

Each boot server is the agent's own worker in a thread, with a connection of its own; what a step does is the test's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from appserver.adapters.etcd import Etcd
from appserver.core.release import Probe, ReleaseStep
from appserver.core.rollout_record import ABORTED, COMPLETED, RUNNING, Content, Progress, Run, Status
from appserver.errors import Conflict, NotFound
from appserver.ports.steps import StepJob
from appserver.store import releases, rollout
from appserver.store.codec import encode
from tests.lab.etcd import FAST_CLUSTER, Cluster, ClusterFactory
from tests.lab.rollout import ADMIN, V1, V2, V3, BootSite, Play, SkewedClock, boot_site, foreign_request
from tests.lab.wait import wait_until

_sites = count()


@pytest.fixture
def site(etcd: Cluster) -> Iterator[BootSite]:
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


def test_servers_go_step_by_step_and_the_next_release_follows(site: BootSite) -> None:
    """Neco: successful, then a new request. No step begins before all are through with the one before."""
    site.take(V1)
    site.wait_for(V1, "completed")
    assert sorted(site.ran.began("first.yml")) == sorted(site.ran.began("second.yml")) == [0, 1, 2]
    assert max(site.ran.at("ended", "first.yml")) < min(site.ran.at("began", "second.yml"))
    assert site.statuses() == dict.fromkeys((0, 1, 2), Status(V1, 2, COMPLETED))
    site.keep(V2)
    site.take(V2)
    site.wait_for(V2, "completed")
    assert site.told() == ["begin", "success", "begin", "success"]
    assert [run.version for run in site.updates.history(ADMIN)] == [V2, V1]


def test_the_program_s_own_version_is_no_release(site: BootSite) -> None:
    """Playbooks put it down where a release will be: nothing is begun with it, and the first release follows it."""
    site.take("0.1.0")
    wait_until(lambda: site.updates.plan(ADMIN).action.reason == "no release is known yet", "it waits")
    assert site.updates.status(ADMIN).release == ""
    site.updates.request(ADMIN, V1)
    site.wait_for(V1, "completed")


def test_what_is_on_record_is_neco_s(site: BootSite) -> None:
    """Byte for byte but the time."""
    site.take(V1)
    site.wait_for(V1, "completed")
    seen = site.kv.snapshot("status/").items
    request = seen["status/current"].value
    assert request.startswith(f'{{"version":"{V1}","servers":[0,1,2],"stop":false,"started_at":"20')
    assert seen["status/bootservers/1"].value == f'{{"version":"{V1}","step":2,"cond":3,"message":""}}'


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


def test_a_step_is_tried_again_as_often_as_it_says(site: BootSite) -> None:
    """Each try is on record."""
    site.keep(V1, ReleaseStep("first", "first.yml", retries=2))
    tries = {0: 0, 1: 0, 2: 0}

    def play(job: StepJob, lrn: int, stopped: Callable[[], bool]) -> int:
        tries[lrn] += 1
        return 0 if tries[lrn] == 3 or lrn else 2

    site.plays["first.yml"] = play
    site.take(V1)
    site.wait_for(V1, "completed")
    assert tries == {0: 3, 1: 1, 2: 1}
    progress = site.updates.show(ADMIN, 1)[1][0]
    assert [(one.attempt, one.phase) for one in progress.steps] == [(1, "failed"), (2, "failed"), (3, "done")]
    assert progress.steps[0].output == ("fatal: it broke",)


def test_recover_needs_a_stop_and_a_request(site: BootSite) -> None:
    """With Neco's words."""
    with pytest.raises(NotFound, match="not found"):
        site.updates.recover(ADMIN)
    site.take(V1)
    site.wait_for(V1, "completed")
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


def test_an_update_that_takes_too_long_is_stopped_by_etcd_s_clock(site: BootSite) -> None:
    """Neco: timeout, which went by the wall clock of whoever led."""
    site.kept["config/worker-timeout-duration"] = str(2_000_000_000)
    site.plays["first.yml"] = slow(lambda: False)
    site.take(V1)
    site.wait_for(V1, "late")
    assert (run := site.run())
    assert run.why == "workers take too long for update: 2s"
    assert site.told() == ["begin", "failure"]


def test_a_change_of_the_configuration_is_for_the_next_update(site: BootSite) -> None:
    """Neco aborted on any."""
    go = []
    site.plays["first.yml"] = slow(lambda: bool(go))
    site.take(V1)
    wait_until(lambda: len(site.ran.began("first.yml")) == 3, "all are at the first step")
    site.kept["config/worker-timeout-duration"] = str(1_000_000_000)
    site.kv.commit({}, {"config/worker-timeout-duration": "1000000000"})
    time.sleep(1.5)
    go.append(1)
    site.wait_for(V1, "completed")


def test_who_joins_and_who_leaves_is_taken_in(site: BootSite) -> None:
    """Neco: reconfigure, in the order of numbers."""
    site.take(V1)
    site.wait_for(V1, "completed")
    site.server(10)
    wait_until(lambda: (run := site.run()) and run.servers == (0, 1, 2, 10), "10 is in")
    site.wait_for(V1, "completed")
    site.end(1)
    site.leave(1)
    wait_until(lambda: (run := site.run()) and run.servers == (0, 2, 10), "1 is out")
    site.wait_for(V1, "completed")
    assert [run.cause for run in site.updates.history(ADMIN)] == ["reconfigure", "reconfigure", "update"]


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


def test_what_is_done_once_is_done_by_one_and_on_record(site: BootSite) -> None:
    """`contents/<target>`; of the same version it is not done again."""
    site.keep(V1, ReleaseStep("base", "base.yml", "once", "basefs"), ReleaseStep("second", "second.yml"))
    site.take(V1)
    site.wait_for(V1, "completed")
    assert len(site.ran.began("base.yml")) == 1
    assert site.kv.snapshot("contents/basefs").items["contents/basefs"].value == encode(Content(V1, True))


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
    site.take(V1)
    site.wait_for(V1, "completed")
    wait_until(lambda: [one.number for one in site.updates.history(ADMIN)] == [102, 3], "two are forgotten")
    assert list(site.kv.snapshot(f"{rollout.STEPS}0/").items) == [rollout.progress(0, number) for number in (3, 102)]


def test_a_canary_comes_first(site: BootSite) -> None:
    """When it fails, nobody else begins."""
    site.keep(V1, ReleaseStep("agent", "agent.yml", waves=(1,)))
    site.plays["agent.yml"] = fails(0)
    site.take(V1)
    site.wait_for(V1, "aborted")
    assert site.ran.began("agent.yml") == [0]


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
    site.take(V1)
    site.wait_for(V1, "completed")
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
    assert site.updates.plan(ADMIN).action.reason == f"all servers are at {V1}"


def test_an_older_release_is_gone_back_to_only_by_somebody_s_word(site: BootSite) -> None:
    """And only to one that is kept."""
    for version in (V1, V2):
        site.keep(version)
        site.take(version)
        site.wait_for(version, "completed")
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
        site.take(version)
        site.wait_for(version, "completed")
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


def test_a_frozen_site_begins_nothing(site: BootSite) -> None:
    """The plan says why."""
    site.kept["freeze"] = "frozen until Monday"
    site.take(V1)
    time.sleep(0.7)
    assert site.run() is None
    assert site.updates.plan(ADMIN).action.reason == f"{V1} waits: frozen until Monday"


def test_an_updater_that_ends_in_the_middle_is_followed_by_another(site: BootSite) -> None:
    """Neco lost the notice of success (#385). Each is told once."""
    site.updater()
    go: list[int] = []
    site.plays["second.yml"] = slow(lambda: bool(go))
    site.take(V1)
    wait_until(lambda: len(site.ran.began("second.yml")) == 3, "all are at the second step", 30)
    site.end_updater()
    go.append(1)
    wait_until(lambda: all(one.cond == COMPLETED for one in site.statuses().values()), "all are through", 30)
    site.wait_for(V1, "completed", 40)
    assert site.told() == ["begin", "success"]


def test_an_agent_that_is_replaced_goes_on(site: BootSite) -> None:
    """Neco aborted. The step that ran is done again, and those before it are not."""
    go: list[int] = []
    site.plays["second.yml"] = slow(lambda: bool(go))
    site.take(V1)
    wait_until(lambda: len(site.ran.began("second.yml")) == 3, "all are at the second step", 30)
    site.end(1)
    site.server(1)
    wait_until(lambda: site.ran.began("second.yml").count(1) == 2, "it is at it again", 30)
    go.append(1)
    site.wait_for(V1, "completed")
    assert site.ran.began("first.yml").count(1) == 1
    assert [one.attempt for one in site.updates.show(ADMIN, 1)[1][1].of(2)] == [1, 2]


def test_a_step_that_ends_its_agent_again_and_again_is_given_up(site: BootSite) -> None:
    """Else it would do so for ever."""
    site.plays["first.yml"] = slow(lambda: False)
    site.take(V1)
    for tries in range(1, 5):
        wait_until(lambda tries=tries: site.ran.began("first.yml").count(1) == tries, f"try {tries}", 30)
        site.end(1)
        site.server(1)
    site.wait_for(V1, "aborted")
    assert (run := site.run())
    assert "was interrupted or failed 4 times" in run.why


def test_a_server_that_is_gone_is_told_at_once(site: BootSite) -> None:
    """Once, with what takes it out."""
    site.end(2)
    site.take(V1)
    wait_until(lambda: site.told().count("warning") >= 1, "somebody is told", 10)
    assert "playbooks/retire.yml -e retire=n2`" in site.updates.plan(ADMIN).action.reason


def test_a_request_of_another_program_is_followed(site: BootSite) -> None:
    """Who knows of nothing but the seed's keys may ask."""
    site.kv.commit({}, {rollout.RELEASE: V1})
    foreign_request(site.kv, V1, 0, 1, 2)
    site.wait_for(V1, "completed")


def test_what_cannot_have_been_said_aborts(site: BootSite) -> None:
    """Neco: unexpected step."""
    go: list[int] = []
    site.plays["first.yml"] = slow(lambda: bool(go))
    site.take(V1)
    wait_until(lambda: len(site.ran.began("first.yml")) == 3, "all are at the first step")
    site.kv.commit({}, {rollout.status(2): encode(Status(V1, 7, RUNNING))})
    site.wait_for(V1, "aborted")
    assert (run := site.run())
    assert "server 2 says step 7" in run.why


def test_twelve_servers_go_by_number(site: BootSite) -> None:
    """LRN 0 to 11: 10 and 11 come last, one at a time."""
    for lrn in range(3, 12):
        site.server(lrn)
    site.keep(V1, ReleaseStep("all", "all.yml"), ReleaseStep("etcd", "etcd.yml", "one"))
    site.take(V1)
    site.wait_for(V1, "completed", 90)
    assert site.ran.began("etcd.yml") == list(range(12))
    assert len(site.ran.began("all.yml")) == 12


def test_a_compaction_in_the_middle_is_survived(site: BootSite, etcd: Cluster) -> None:
    """Whoever watched looks again."""
    go: list[int] = []
    site.plays["first.yml"] = slow(lambda: bool(go))
    site.take(V1)
    wait_until(lambda: len(site.ran.began("first.yml")) == 3, "all are at the first step")
    for _ in range(20):
        site.kv.commit({}, {"info/ssh-pubkey": "x"})
    etcd.etcdctl("compact", str(site.kv.snapshot("info/").revision))
    go.append(1)
    site.wait_for(V1, "completed")


def test_a_leader_of_etcd_is_killed_in_the_middle(etcd_cluster: ClusterFactory) -> None:
    """Of three members: the others go on, and so does the update."""
    members = etcd_cluster(size=3, flags=FAST_CLUSTER)
    go: list[int] = []
    with boot_site(lambda: Etcd(members.endpoints, "/killed/"), 0, 1, 2) as site:
        site.keep(V1)
        site.plays["first.yml"] = slow(lambda: bool(go))
        site.take(V1)
        wait_until(lambda: len(site.ran.began("first.yml")) == 3, "all are at the first step", 30)
        leader = next(one for one in members.members if one.is_leader())
        leader.kill()
        go.append(1)
        site.wait_for(V1, "completed", 60)
        assert site.told() == ["begin", "success"]


def test_clocks_that_are_an_hour_apart_decide_nothing(etcd: Cluster) -> None:
    """Neco compared the time of the request with the clock of whoever led."""
    prefix = f"/updates{next(_sites)}/"
    with boot_site(lambda: Etcd(etcd.endpoints, prefix)) as site:
        site.end_updater()
        site.updater(SkewedClock(3600))
        for lrn, off in enumerate((-3600, 0, 3600)):
            site.server(lrn, SkewedClock(off))
        site.kept["config/worker-timeout-duration"] = str(20_000_000_000)
        site.keep(V1)
        site.take(V1)
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


def test_what_earlier_tries_had_begun_is_taken_back_too(site: BootSite) -> None:
    """A recovered update fails earlier than the one before it: what that one had begun is not forgotten."""
    site.take(V1)
    site.wait_for(V1, "completed")
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
    site.take(V1)
    site.wait_for(V1, "completed")
    site.keep(V2, once, ReleaseStep("b", "b.yml"))
    failing(site, V2, "b.yml")
    site.updates.undo(ADMIN)
    site.wait_for(V1, "completed")
    assert len(site.ran.began("schema-back.yml")) == 1


def test_a_step_that_says_a_lot_is_told_of_all_the_same(site: BootSite) -> None:
    """Its reason and its last lines are on record, within what etcd takes."""
    site.keep(V1, ReleaseStep("first", "first.yml", retries=1))
    site.loud = "x" * 3_000_000
    site.plays["first.yml"] = fails(1)
    site.take(V1)
    site.wait_for(V1, "aborted")
    tries = site.updates.show(ADMIN, 1)[1][1].steps
    assert [one.phase for one in tries] == ["failed", "failed"]
    assert all(0 < max(map(len, one.output)) <= 500 for one in tries)


def test_a_request_of_another_program_for_what_is_in_force_is_done_again(site: BootSite) -> None:
    """What servers said before is not taken for what they say now."""
    site.take(V1)
    site.wait_for(V1, "completed")
    foreign_request(site.kv, V1, 0, 1, 2)
    wait_until(lambda: (run := site.run()) and run.number == 2, "it is taken for an update")
    site.wait_for(V1, "completed")
    assert len(site.ran.began("first.yml")) == 6


def test_a_request_that_cannot_be_read_ends_nobody(site: BootSite) -> None:
    """Once it is gone, the update is begun."""
    site.kv.commit({}, {rollout.REQUEST: "{"})
    site.take(V1)
    time.sleep(1)
    site.kv.commit({}, {}, [rollout.REQUEST])
    site.wait_for(V1, "completed")
