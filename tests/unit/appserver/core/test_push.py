"""Whether a push is taken, from what was found of it."""

from __future__ import annotations

import pytest

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.push import Checked, plan_only, right_faults
from appserver.errors import Invalid
from tests.unit.appserver.core.plans import planned

SHOP, BANK = AppKey("default", "shop"), AppKey("default", "bank")


def test_a_plan_alone_is_asked_for_by_its_option() -> None:
    """`-o plan`, and nothing else, plans."""
    assert plan_only(["plan"])
    assert not plan_only([])


@pytest.mark.parametrize("option", ["pln", "Plan", "plan ", "", "\x1b[2J", "\udcff", "a" * 5000])
def test_an_option_nobody_knows_is_refused_and_shown_harmlessly(option: str) -> None:
    """Going on without it could roll out what its giver meant to plan."""
    with pytest.raises(Invalid) as refused:
        plan_only([option])
    assert refused.value.where == "push option"
    assert refused.value.why.isprintable()
    assert len(refused.value.why) < 120


def test_mending_a_drift_is_no_change_that_a_push_makes() -> None:
    """Only a plan with a new revision is rolled out by a push."""
    assert Checked(SHOP, planned(SHOP, recorded=True)).changes
    assert not Checked(SHOP, planned(SHOP, recorded=False)).changes
    assert not Checked(SHOP, waits="it is stopped").changes


def test_whoever_may_not_update_an_application_may_not_change_it_by_push() -> None:
    """Applications that stay as they are need no right."""
    checks = (Checked(SHOP, planned(SHOP, recorded=True)), Checked(BANK, planned(BANK, recorded=False)))
    assert right_faults(Caller("olga", "operator"), checks) == ()
    assert right_faults(Caller("vic", "viewer"), checks) == (
        ("default.shop", "would change, and vic may not update it"),
    )
