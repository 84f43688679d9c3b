"""Conditions: where each turns bad, where it is good again, and that it does not waver about its threshold."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.conditions import (
    DiskHealth,
    Measure,
    Offset,
    Space,
    Thresholds,
    clock,
    disk,
    judged,
    memory,
    smart,
)

LIMITS = Thresholds()
GIB = 1 << 30


@pytest.mark.parametrize(
    ("space", "ok"),
    [
        (Space("/", 6 * GIB, 100 * GIB, 50, 100), True),
        (Space("/", 4 * GIB, 100 * GIB, 50, 100), False),
        (Space("/", 60 * GIB, 100 * GIB, 4, 100), False),
        (Space("/", 6 * GIB, 100 * GIB, 0, 0), True),  # a file system that makes inodes as it goes
        (Space("/boot", GIB // 4, GIB // 2, 50, 100), True),  # a small one may be half full
        (Space("/boot", GIB // 5, GIB // 2, 50, 100), False),
        (Space("/gone", fault="No such file or directory"), False),
        (Space("/", 0, 100 * GIB), False),
    ],
)
def test_a_disk_needs_a_share_of_space_and_of_inodes(space: Space, ok: bool) -> None:
    """Whichever is short."""
    assert judged(disk((space,), LIMITS), {}, True, LIMITS.margin).ok is ok


def test_the_reason_names_every_file_system_that_is_short() -> None:
    """And none that is well."""
    spaces = (Space("/", 50 * GIB, 100 * GIB), Space("/srv", GIB, 100 * GIB, 1, 90), Space("/x", fault="gone"))
    found = judged(disk(spaces, LIMITS), {}, True, LIMITS.margin)
    assert found.reason == "1.0 GiB free of 100 GiB at /srv; 1 inodes free of 90 at /srv; /x: gone"


def test_each_file_system_has_its_own_memory() -> None:
    """One that was never short is not asked for the margin because another one was."""
    low, near = Space("/srv", 3 * GIB, 100 * GIB), Space("/", 55 * GIB // 10, 100 * GIB)
    bad = judged(disk((low, near), LIMITS), {}, True, LIMITS.margin)
    mended = (Space("/srv", 50 * GIB, 100 * GIB), near)
    assert (bad.ok, judged(disk(mended, LIMITS), bad.good, bad.ok, LIMITS.margin).ok) == (False, True)
    assert not judged(disk(mended, LIMITS), {}, False, LIMITS.margin).ok, "after a restart only the whole is known"


def test_memory_is_what_could_be_had_without_swapping() -> None:
    """By its share."""
    assert judged(memory(40, 1000, LIMITS), {}, True, 0.2).ok
    found = judged(memory(20 << 20, 1000 << 20, LIMITS), {}, True, 0.2)
    assert (found.ok, found.reason) == (False, "20 MiB available of 1000 MiB")


def test_a_clock_is_judged_by_the_middle_one_of_the_others() -> None:
    """One member whose own clock is wrong turns no node bad; what the measurement leaves open does not either."""
    right, wrong = Offset("a", -0.4, 0.6), Offset("b", 99.5, 100.5)
    assert judged(clock((right, right, wrong), LIMITS), {}, True, 0.2).ok
    found = judged(clock((wrong, right, wrong), LIMITS), {}, True, 0.2)
    assert (found.ok, found.reason) == (False, "100.0 s ahead of 3 members of etcd, give or take 0.5 s")
    behind = judged(clock((Offset("a", -4.5, -3.5),), LIMITS), {}, True, 0.2)
    assert behind.reason == "4.0 s behind 1 member of etcd, give or take 0.5 s"
    assert judged(clock((Offset("a", 1.5, 2.5),), LIMITS), {}, True, 0.2).ok, "it may be less than two seconds"
    assert clock((), LIMITS) == (), "nobody to compare with is no fault"


def test_disks_are_believed() -> None:
    """Each that expects to fail is named."""
    well, ill = DiskHealth("/dev/sda", "A", ""), DiskHealth("/dev/sdb", "B", "it is read-only")
    assert smart((well,)) == (True, "1 disk, all well by their own word")
    assert smart((well, ill)) == (False, "/dev/sdb (B): it is read-only")


strains = st.floats(0, 4, allow_nan=False)


@given(st.lists(strains, min_size=2), st.booleans(), st.floats(0.01, 2))
def test_a_condition_turns_only_with_the_whole_margin_between(seen: list[float], was: bool, margin: float) -> None:
    """Between two turns the value went from beyond the threshold to better than the margin, or back."""
    good, turns, remembered = was, [], {}
    for strain in seen:
        found = judged((Measure("m", strain, "bad"),), remembered, good, margin)
        if found.ok != good:
            turns.append((found.ok, strain))
        good, remembered = found.ok, found.good
    for (before, one), (after, other) in pairwise(turns):
        assert before != after
        assert max(one, other) > 1 and min(one, other) <= 1 / (1 + margin)


@given(st.lists(st.floats(1 / 1.2 + 1e-9, 1.15), min_size=1), st.booleans())
def test_what_wavers_about_the_threshold_turns_once_at_most(seen: list[float], was: bool) -> None:
    """Noise that is smaller than the margin makes no flapping."""
    good, turns, remembered = was, 0, {}
    for strain in seen:
        found = judged((Measure("m", strain, "bad"),), remembered, good, 0.2)
        turns += found.ok != good
        good, remembered = found.ok, found.good
    assert turns <= 1
