"""What comes next of an application on its way to another cluster: the old one goes only once the new one is up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appserver.core.entities import AppKey, Application, Cause, Desired, Outcome, Run
from appserver.core.transfer import Side, Transfer, TransferPhase, decide

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SHOP = AppKey("default", "shop")
CAUSE = Cause("web", "exited", 3)


def side(revision: int = 0, run: Run = "running", outcome: str = "", latest: int = 1, rests: bool = False) -> Side:
    states: Mapping[str, Outcome] = {
        "deployed": Outcome("deployed", NOW),
        "failed": Outcome("failed", NOW, (CAUSE,)),
    }
    application = Application("shop", "default", "compose.yaml", NOW, revision, latest, nodes=("n1",))
    return Side(application, {"n1": Desired(latest, 0, run)}, rests, states.get(outcome))


OLD, UP = side(1, outcome="deployed"), side(1, outcome="deployed")
BEGUN = Transfer("harbour", "ann", NOW, OLD.left, NOW, NOW, 1)


def after(now: Transfer, old: Side, new: Side, *unserved: str, unread: bool = False) -> Transfer:
    return decide(now, SHOP, old, new, unserved, unread, NOW)


def test_the_old_one_stays_while_the_new_one_comes_up() -> None:
    assert after(BEGUN, OLD, side()) == BEGUN


def test_it_leaves_once_the_new_one_is_up_and_is_through_when_it_is_gone() -> None:
    passing = after(BEGUN, OLD, UP)
    assert passing.phase == "passing"
    leaving = after(passing, OLD, UP)
    assert leaving.phase == "leaving"
    assert after(leaving, side(1, "removed"), UP) == leaving
    done = after(leaving, Side(), UP)
    assert (done.phase, done.ended_at, done.is_over) == ("done", NOW, True)


def test_routes_are_waited_for() -> None:
    """What the old one answers is not taken from it before the new one answers it."""
    waits = after(BEGUN, OLD, UP, "shop.example/")
    assert (waits.phase, waits.step) == ("arriving", "up in harbour; waits until it answers at shop.example/")
    passing = after(waits, OLD, UP)
    assert passing.phase == "passing"
    assert after(passing, OLD, UP, unread=True) == passing
    assert after(passing, OLD, UP).phase == "leaving"


def test_who_changes_one_of_the_two_while_routes_pass_is_told() -> None:
    """Nothing more is taken away."""
    passing = after(BEGUN, OLD, UP)
    both = after(passing, side(1, latest=2), UP)
    assert (both.phase, both.step) == ("failed", "somebody changed it in default meanwhile: it is in both clusters")
    assert after(passing, OLD, side(1, "removed")).step == "somebody removed it in harbour"


def test_what_does_not_come_up_goes_and_the_old_one_stays() -> None:
    undoing = after(BEGUN, OLD, side(0, outcome="failed"))
    assert (undoing.phase, undoing.causes) == ("undoing", (CAUSE,))
    assert after(undoing, OLD, side(0, "removed")) == undoing
    failed = after(undoing, OLD, Side())
    assert (failed.phase, failed.step) == ("failed", "it did not come up in harbour: web: exited")


@pytest.mark.parametrize("changed", [side(1, latest=2), side(1, "stopped")])
def test_somebody_who_changes_the_old_one_meanwhile_keeps_it(changed: Side) -> None:
    """Also where the new one is up already: it is not what is wanted any more."""
    assert after(BEGUN, changed, UP).phase == "undoing"


@pytest.mark.parametrize("old", [Side(), side(1, "removed")])
def test_one_that_is_deleted_meanwhile_has_left(old: Side) -> None:
    """There is one left, and it is not taken away as well."""
    assert after(BEGUN, old, side()) == BEGUN
    assert after(BEGUN, old, UP, "shop.example/").phase == "passing"


@pytest.mark.parametrize("new", [Side(), side(0, "removed")])
def test_deleting_the_new_one_calls_it_off(new: Side) -> None:
    found = after(BEGUN, OLD, new)
    assert (found.phase, found.step) == ("failed", "somebody removed it in harbour before it was up")


def test_one_that_is_stopped_is_there_when_its_agents_say_so() -> None:
    stopped = side(1, "stopped")
    begun = replace(BEGUN, stopped=True, left=stopped.left)
    assert after(begun, stopped, side(0, "stopped")) == begun
    assert after(begun, stopped, side(0, "stopped", rests=True)).phase == "passing"
    assert after(replace(begun, stopped=False), stopped, side(0, "stopped", rests=True)).phase == "arriving"


def test_one_that_is_started_again_while_it_leaves_is_in_both() -> None:
    found = after(replace(BEGUN, phase="leaving"), OLD, UP)
    assert (found.phase, found.step) == ("failed", "somebody started it again in default: it is in both clusters")


@pytest.mark.parametrize("phase", ["done", "failed"])
def test_what_is_over_stays_as_it_ended(phase: TransferPhase) -> None:
    over = replace(BEGUN, phase=phase)
    assert after(over, Side(), Side()) == over
