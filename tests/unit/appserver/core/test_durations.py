"""Durations as Go writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core import durations
from appserver.errors import Invalid

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("1h30m", 5400 * SECOND),
        ("1h0m0s", 3600 * SECOND),
        ("1.5s", 3 * SECOND // 2),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("-2m3.5s", -123 * SECOND - SECOND // 2),
        ("+5s", 5 * SECOND),
        ("100ms", SECOND // 10),
        ("3us", 3000),
        ("3\u00b5s", 3000),
        ("3\u03bcs", 3000),
        ("7ns", 7),
        ("1m1m", 120 * SECOND),
        ("0.0000000019s", 1),
        ("2562047h47m16.854775807s", durations.LONGEST),
    ],
)
def test_what_go_reads_is_read(text: str, nanoseconds: int):
    """Every unit, fractions, signs, parts in any order; what is less than a nanosecond is cut off."""
    assert durations.parse(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "1", "1.5", "s", ".s", "1 h", "1h 30m", "1d", "1H", "h1", "1h-30m", "1e3s", "1_0s", "\u0661s", "1s\n",
     "2562047h47m16.854775808s", "99999999999h", "9" * 99 + "s", "a" * 99 + "!", "1h" * 60],
)  # fmt: skip
def test_what_go_refuses_is_refused(text: str):
    """No unit, a blank, a day, a digit of another script, more than fits; quickly, whatever it is."""
    with pytest.raises(Invalid):
        durations.parse(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (60 * SECOND, "1m0s"),
        (3600 * SECOND, "1h0m0s"),
        (3 * SECOND // 2, "1.5s"),
        (1_100_000, "1.1ms"),
        (2200, "2.2\u00b5s"),
        (1, "1ns"),
        (-SECOND, "-1s"),
    ],
)
def test_it_is_told_as_go_prints_it(nanoseconds: int, text: str):
    """Largest unit first, no trailing zeros."""
    assert durations.told(nanoseconds) == text


@given(st.integers(-durations.LONGEST, durations.LONGEST))
def test_what_is_told_is_read_as_the_same(nanoseconds: int):
    """Over the whole range that Go's own type has."""
    assert durations.parse(durations.told(nanoseconds)) == nanoseconds
