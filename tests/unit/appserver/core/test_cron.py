"""Lines of cron."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core import cron
from appserver.errors import Invalid

SATURDAY = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("* * * * *", True),
        ("30 9 * * *", True),
        ("*/15 * * * *", True),
        ("*/7 * * * *", False),
        ("5/25 * * * *", True),
        ("0-29 * * * *", False),
        ("30 9-17 * * 1-5", False),
        ("30 9 * nov SAT", True),
        ("30 9 * * 6,7", True),
        ("30 9 21 * 1", True),
        ("30 9 20 * 6", True),
        ("30 9 20 * 1", False),
        ("30 9 ? * ?", True),
        ("@hourly", False),
    ],
)
def test_a_line_fires_in_the_minutes_it_names(line: str, fires: bool):
    """Lists, ranges, steps and names; a day or a weekday is enough where both are given."""
    assert cron.parse(line).fires(SATURDAY) is fires


@pytest.mark.parametrize(
    "line",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *",
     "5-1 * * * *", "a * * * *", "* * * * mo", "1, * * * *", "-1 * * * *", "* * 31 2 *", "* * 31 apr,jun *", "@reboot",
     "1" * 50 + " * * * *", "\u0661 * * * *"],
)  # fmt: skip
def test_a_line_that_is_none_is_refused(line: str):
    """Too few fields, what is out of range, and a day that never comes."""
    with pytest.raises(Invalid):
        cron.parse(line)


@given(st.integers(0, 59), st.integers(0, 23), st.integers(1, 28), st.integers(1, 12))
def test_a_full_line_fires_once_in_its_year(minute: int, hour: int, day: int, month: int):
    """In that minute, and not in the ones beside it."""
    line = cron.parse(f"{minute} {hour} {day} {month} *")
    at = datetime(2026, month, day, hour, minute, tzinfo=UTC)
    assert line.fires(at)
    assert not line.fires(at + timedelta(minutes=1)) and not line.fires(at - timedelta(days=1))
