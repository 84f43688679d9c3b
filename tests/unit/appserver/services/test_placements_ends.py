"""Loose ends: room that nobody came for is given back after its time, and a container without room is told of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core.placement.request import Claim, Reservation
from appserver.store import keys
from appserver.store.codec import encode
from tests.unit.appserver.services.berth import ANN, REDIS, Berth, asks

WEB = replace(REDIS, container_name="web")


@pytest.fixture
def berth() -> Berth:
    """One node, and one container that was promised room there."""
    found = Berth()
    found.node("n1")
    found.server()(ANN, asks(WEB, lease_s=100))
    return found


def test_room_that_nobody_came_for_is_given_back_after_its_time(berth: Berth) -> None:
    """Not before: its container may yet come."""
    ends = berth.ends()
    assert ends.tidy() == ()
    berth.desk.clock.pass_by(seconds=99)
    assert ends.tidy() == ()
    berth.desk.clock.pass_by(seconds=2)
    assert ends.tidy() == ("default/web",)
    assert (berth.held("n1"), berth.record("web")) == ({}, None)
    assert berth.told() == ["nothing came for what default/web holds of n1: its room is free again"]


def test_a_container_that_came_keeps_its_room(berth: Berth) -> None:
    """For as long as it is there, stopped too; when it is gone it has its time to come back."""
    ends = berth.ends()
    berth.runs("web", "n1")
    assert berth.listed() == {"default/web": "running"}
    for _ in range(3):
        berth.desk.clock.pass_by(seconds=1000)
        assert ends.tidy() == ()
    berth.runs("web", "n1", "exited")
    assert berth.listed() == {"default/web": "stopped"}
    berth.desk.clock.pass_by(seconds=1000)
    assert ends.tidy() == ()
    berth.gone("web")
    assert ends.tidy() == ()
    berth.desk.clock.pass_by(seconds=101)
    assert ends.tidy() == ("default/web",)


def test_the_time_is_counted_anew_by_who_takes_the_duty_over(berth: Berth) -> None:
    """No clock is compared with another's: room may be kept longer, and is never given back early."""
    first, second = berth.ends(), berth.ends()
    first.tidy()
    berth.desk.clock.pass_by(seconds=90)
    second.tidy()
    berth.desk.clock.pass_by(seconds=90)
    assert second.tidy() == ()
    berth.desk.clock.pass_by(seconds=11)
    assert second.tidy() == ("default/web",)


def test_no_time_passes_while_nobody_could_see_it_come(berth: Berth) -> None:
    """The agent is away: its containers may be there."""
    ends = berth.ends()
    berth.kv.commit({}, {}, [keys.alive("n1")])
    for _ in range(3):
        berth.desk.clock.pass_by(seconds=1000)
        assert ends.tidy() == ()
    berth.kv.commit({}, {keys.alive("n1"): "n1:8090"})
    assert ends.tidy() == ()
    berth.desk.clock.pass_by(seconds=101)
    assert ends.tidy() == ("default/web",)


def test_a_container_of_that_name_elsewhere_is_another(berth: Berth) -> None:
    """Room is where it was promised."""
    ends = berth.ends()
    berth.runs("web", "n2")
    assert berth.listed() == {"default/web": "promised"}
    ends.tidy()
    berth.desk.clock.pass_by(seconds=101)
    assert ends.tidy() == ("default/web",)


def test_what_goes_with_a_node_is_forgotten(berth: Berth) -> None:
    """A record whose claim is gone stands for nothing."""
    berth.kv.commit({}, {}, [keys.reservation("n1"), keys.node("n1"), keys.alive("n1")])
    assert berth.ends().tidy() == ("default/web",)
    assert berth.record("web") is None


def test_room_of_an_application_is_its_own_business(berth: Berth) -> None:
    """Its deployments hold and give it back; only what no application is left for goes."""
    held = {"default.shop": Claim(1), "default.gone": Claim(1)}
    berth.kv.commit({}, {keys.reservation("n2"): encode(Reservation(held)), "applications/default/shop": "{}"})
    ends = berth.ends()
    ends.tidy()
    berth.desk.clock.pass_by(seconds=10_000)
    assert "default.gone" in ends.tidy()
    assert set(berth.held("n2")) == {"default.shop"}


def test_a_container_without_a_reservation_is_told_of_once(berth: Berth) -> None:
    """After a while: what is being removed runs a little longer than its room is kept."""
    ends = berth.ends()
    berth.runs("web", "n1")
    berth.runs("stray", "n1")
    berth.runs("asleep", "n1", "exited")
    ends.tidy()
    assert berth.told() == []
    for _ in range(3):
        berth.desk.clock.pass_by(seconds=61)
        ends.tidy()
    assert berth.told() == ["a container runs on n1 without a reservation, and its room is not counted: stray"]
    berth.runs("other", "n1", application="default.shop")
    ends.tidy()
    berth.desk.clock.pass_by(seconds=61)
    ends.tidy()
    assert berth.told()[1:] == [
        "2 containers run on n1 without a reservation, and their room is not counted: other, stray"
    ]


def test_who_does_not_lead_any_more_changes_nothing(berth: Berth) -> None:
    """Every write is fenced."""
    ends = berth.ends()
    ends.tidy({"leader/placements/1": 7})
    berth.desk.clock.pass_by(seconds=101)
    assert ends.tidy({"leader/placements/1": 7}) == ()
    assert set(berth.held("n1")) == {"default/web"}
