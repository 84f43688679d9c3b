"""The health gate: waiting, up, or failed with its cause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from appserver.core.entities import AppKey, Options, ServiceObserved
from appserver.core.health import given_up, services_seen, verdict
from appserver.core.plan import Step
from tests.lab.records import AT, container, revision

KEY = AppKey("default", "shop")
ONE = revision(KEY, 1, {"web": {"image": "img"}}, Options(settle_s=2.0, timeout_s=60.0))
LATER = AT + timedelta(seconds=10)
LIMIT = AT + timedelta(seconds=60)


def judged(now_s: float = 10.0, **fields: Any) -> tuple[str, str]:
    found = verdict(ONE, ("web",), (container(ONE, "web", **fields),), AT + timedelta(seconds=now_s), LIMIT)
    return found.state, "; ".join([*(f.why for f in found.failures), *found.waits_for])


@pytest.mark.parametrize(
    ("fields", "state", "why"),
    [
        ({}, "up", ""),
        ({"health": "healthy"}, "up", ""),
        ({"health": "starting"}, "waiting", "web: health is starting"),
        ({"health": "unhealthy"}, "failed", "its healthcheck fails"),
        ({"state": "created"}, "waiting", "web: created"),
        ({"state": "created", "error": "port 80 is taken"}, "failed", "port 80 is taken"),
        ({"state": "restarting", "restart_count": 1}, "waiting", "web: restarting"),
        ({"state": "restarting", "restart_count": 3, "exit_code": 1}, "failed", "restarts again and again: 3 times"),
        ({"state": "exited", "exit_code": 7}, "failed", "exited with code 7"),
        (
            {"state": "exited", "exit_code": 137},
            "failed",
            "exited with code 137 (killed, perhaps as its memory ran out)",
        ),
        (
            {"state": "restarting", "restart_count": 3, "exit_code": 137},
            "failed",
            "restarts again and again: 3 times, last exit code 137 (killed, perhaps as its memory ran out)",
        ),
        ({"state": "exited", "exit_code": 0}, "up", ""),
        ({"state": "exited", "exit_code": 0, "restart": "always"}, "failed", "exited with code 0"),
    ],
)
def test_a_container_is_judged_by_what_the_engine_says(fields: dict[str, Any], state: str, why: str):
    """Healthy, or running long enough; an end in failure, a failing probe and a restart loop are failures."""
    found, told = judged(**fields)
    assert found == state
    assert told.startswith(why)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": "restarting", "restart_count": 1}, "restarts: 1 times so far"),
        ({"health": "starting", "restart_count": 2}, "restarts: 2 times so far"),
        ({"health": "starting"}, "health is starting"),
        ({"state": "exited", "exit_code": 7}, "exited with code 7"),
        ({}, "was not up in time"),
    ],
)
def test_what_compose_gave_up_is_explained_however_it_is_by_now(fields: dict[str, Any], why: str):
    """One that is to be started again, or is, has failed all the same for whoever waited for it."""
    back = container(ONE, "web", **fields)
    found = given_up(ONE, ("web",), (back,), LATER, f"container {back.name} is unhealthy")
    assert [(f.service, f.why, f.container) for f in found] == [("web", why, back)]


def test_what_is_up_or_waits_itself_is_not_blamed_for_what_compose_gave_up():
    """Neither one that restarted once and is healthy, nor one that was never begun."""
    for fields in ({"health": "healthy", "restart_count": 1}, {"state": "created"}):
        assert given_up(ONE, ("web",), (container(ONE, "web", **fields),), LATER, "container other exited (1)") == ()


def test_a_probe_that_could_not_be_run_is_no_verdict_on_a_new_container():
    """The engine can fail to enter a container that it has only just started; one that stays so is a failure."""
    soon = verdict(
        ONE, ("web",), (container(ONE, "web", health="unhealthy", probe_ran=False),), AT + timedelta(seconds=9.5), LIMIT
    )
    assert (soon.state, soon.waits_for) == ("waiting", ("web: its healthcheck could not be run",))
    assert soon.again_s == pytest.approx(0.5)
    assert judged(10.0, health="unhealthy", probe_ran=False) == ("failed", "its healthcheck fails")
    assert judged(1.0, health="unhealthy") == ("failed", "its healthcheck fails")


def test_without_a_healthcheck_it_must_run_for_the_settle_time():
    """And the verdict says how soon it can be up."""
    found = verdict(ONE, ("web",), (container(ONE, "web"),), AT + timedelta(seconds=1.5), LIMIT)
    assert (found.state, found.again_s) == ("waiting", 0.5)
    assert judged(2.0) == ("up", "")


def test_what_is_not_up_in_time_has_failed():
    """With what it was waiting for."""
    assert judged(60.0, health="starting") == ("failed", "not up within 60 s: health is starting")


def test_every_replica_counts():
    """A service is up when all of its containers are."""
    two = revision(KEY, 1, {"web": {"image": "img", "scale": 2}})
    assert verdict(two, ("web",), (container(two, "web"),), LATER, LIMIT).waits_for == ("web: 1 of 2 containers",)


def test_a_neighbour_that_was_ill_before_fails_nobody():
    """Only what was acted on is judged."""
    both = revision(KEY, 1, {"web": {"image": "img"}, "db": {"image": "img"}})
    ill = (container(both, "web"), container(both, "db", health="unhealthy"))
    assert verdict(both, ("web",), ill, LATER, LIMIT).state == "up"


def test_a_service_is_told_by_its_worst_container():
    """One word for the state, one for the health, and the last act with its cause."""
    two = revision(KEY, 1, {"web": {"image": "img", "scale": 2}})
    seen = (container(two, "web"), container(two, "web", number=2, state="exited", exit_code=1, health="unhealthy"))
    told = services_seen(two, seen, {}, (Step("create", "web", "new"),))
    assert told == (
        ServiceObserved("web", "exited", "unhealthy", "create", "new", ("shop-web-1", "shop-web-2"), "sha256:1"),
    )
    assert services_seen(two, (), {"web": told[0]})[0].cause == "new"


def test_ended_well_is_finished_unless_somebody_stopped_it():
    """The word matters: a finished service is not started again."""
    ended = (container(ONE, "web", state="exited", exit_code=0),)
    assert services_seen(ONE, ended, {})[0].state == "finished"
    assert services_seen(ONE, ended, {}, stopped=("web",))[0].state == "exited"
