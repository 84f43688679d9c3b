"""Updates in lock-step over a real etcd: what is lost, late, replaced, foreign or wrong in the middle."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from appserver.adapters.etcd import Etcd
from appserver.core.release import ReleaseStep
from appserver.core.rollout_record import COMPLETED, RUNNING, Status
from appserver.store import rollout
from appserver.store.codec import encode
from tests.lab.etcd import FAST_CLUSTER, Cluster, ClusterFactory
from tests.lab.rollout import (
    ADMIN,
    V1,
    BootSite,
    SkewedClock,
    boot_site,
    fails,
    foreign_request,
    slow,
    three_servers,
)
from tests.lab.wait import wait_until


@pytest.fixture
def site(etcd: Cluster) -> Iterator[BootSite]:
    with three_servers(etcd) as made:
        yield made


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
    assert [one.attempt for one in site.list.show(ADMIN, 1)[1][1].of(2)] == [1, 2]


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
    assert "playbooks/retire.yml -e retire=n2`" in site.list.plan(ADMIN).action.reason


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
    assert "step 7" in run.why


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
    prefix = "/skewed/"
    with boot_site(lambda: Etcd(etcd.endpoints, prefix)) as site:
        site.end_updater()
        site.updater(SkewedClock(3600))
        for lrn, off in enumerate((-3600, 0, 3600)):
            site.server(lrn, SkewedClock(off))
        site.kept["config/worker-timeout-duration"] = str(20_000_000_000)
        site.keep(V1)
        site.bring(V1)


def test_a_step_that_says_a_lot_is_told_of_all_the_same(site: BootSite) -> None:
    """Its reason and its last lines are on record, within what etcd takes."""
    site.keep(V1, ReleaseStep("first", "first.yml", retries=1))
    site.loud = "x" * 3_000_000
    site.plays["first.yml"] = fails(1)
    site.take(V1)
    site.wait_for(V1, "aborted")
    tries = site.list.show(ADMIN, 1)[1][1].steps
    assert [one.phase for one in tries] == ["failed", "failed"]
    assert all(0 < max(map(len, one.output)) <= 500 for one in tries)


def test_a_request_of_another_program_for_what_is_in_force_is_done_again(site: BootSite) -> None:
    """What servers said before is not taken for what they say now."""
    site.bring(V1)
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
