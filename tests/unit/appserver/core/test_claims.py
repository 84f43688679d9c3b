"""Whether a node may be claimed: what is free, one's own or a dead one's; never what somebody else may hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core.claims import Claimed, Holder, Rival, contested
from tests.fakes import START

ME = Holder("n1", "10.0.0.1", "10.0.0.1:8090", "h", "b", 1, 1, 1, "mine", START)
OTHER = replace(ME, host="h2", run="theirs")
OWN, OLD, THEIRS = 7, 5, 9


def asked(lease: int, holder: Holder | None, dead: bool = False) -> Rival | None:
    return contested(ME, {OLD, OWN}, [Claimed("the name n1", lease, holder)], lambda _: dead, START)


@pytest.mark.parametrize("lease", [0, OWN, OLD])
@pytest.mark.parametrize("holder", [None, ME, OTHER])
def test_what_nobody_or_its_own_lease_holds_is_free(lease: int, holder: Holder | None) -> None:
    """Also where it is not on record whose it is, or a name of before stands there."""
    assert asked(lease, holder) is None


def test_what_another_lease_holds_is_free_if_it_is_the_same_run_or_a_dead_ones() -> None:
    """Of the same run: a lease that was made, and whose answer was lost."""
    assert asked(THEIRS, ME) is None
    assert asked(THEIRS, OTHER, dead=True) is None


@pytest.mark.parametrize("holder", [None, OTHER])
def test_what_another_holds_makes_a_rival(holder: Holder | None) -> None:
    """None: it cannot be known whether it lives."""
    assert asked(THEIRS, holder) == Rival(ME, "the name n1", holder, START)
