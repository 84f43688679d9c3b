"""A sketch against all the numbers that it stands for."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from appserver.core.sketch import ERROR, MOST, Sketch, added, merged, quantile

LEAST = 0.001
NUMBERS = st.lists(st.floats(0, 4096, allow_nan=False), max_size=60)


def sketch_of(numbers: list[float]) -> Sketch:
    found = Sketch()
    for number in numbers:
        found = added(found, number, LEAST, number)
    return found


@given(NUMBERS.filter(bool), st.floats(0, 1))
def test_a_quantile_is_as_near_as_stated(numbers: list[float], share: float) -> None:
    """To the number of that rank; what is below the least is told as the least at most."""
    true = sorted(numbers)[max(1, math.ceil(share * len(numbers))) - 1]
    told = quantile(sketch_of(numbers), share, LEAST)
    assert abs(told - true) <= max(true * ERROR, LEAST) * (1 + 1e-9)
    assert told <= max(numbers)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_merging_is_as_if_all_had_come_to_one(one: list[float], two: list[float], three: list[float]) -> None:
    """In whatever order, and in whatever groups."""
    a, b, c = sketch_of(one), sketch_of(two), sketch_of(three)
    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c) == merged(a, merged(b, c)) == sketch_of([*one, *two, *three])
    assert merged(a, Sketch()) == a


@given(st.lists(st.floats(0, 1e300, allow_nan=False), max_size=50))
def test_it_is_bounded_whatever_comes(numbers: list[float]) -> None:
    found = sketch_of(numbers)
    assert all(0 <= bucket < MOST for bucket, _ in found.counts)
    assert found.total == len(numbers)


def test_a_peak_between_two_numbers_is_the_highest() -> None:
    """It is in no bucket: it lasted a moment."""
    found = added(Sketch(), 0.5, LEAST, 3.0)
    assert (found.highest, round(quantile(found, 1.0, LEAST), 1)) == (3.0, 0.5)
    assert quantile(Sketch(), 0.5, LEAST) == 0.0
