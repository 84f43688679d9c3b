"""When a release may be taken: windows, freezes, time zones. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appserver.core import release_freeze
from appserver.core.release_freeze import Freeze
from appserver.core.release_windows import frozen, next_window, opened
from appserver.core.site_config import Site
from appserver.errors import Invalid

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday."""


def site(times: str = "0 9 * * 1-5", zone: str = "UTC", freeze: str = "") -> Site:
    kept = {"config/release-time": times, "config/release-timezone": zone}
    return Site(1, {**kept, **({"config/release-freeze": freeze} if freeze else {})})


@pytest.mark.parametrize(
    ("since", "now", "pause_s", "open_"),
    [
        (NINE - timedelta(seconds=30), NINE, 60, True),
        (NINE - timedelta(seconds=30), NINE + timedelta(seconds=29), 60, True),
        (NINE, NINE + timedelta(seconds=59), 60, True),
        (NINE, NINE + timedelta(seconds=60), 60, False),
        (NINE - timedelta(minutes=4), NINE + timedelta(minutes=6), 600, True),
        (NINE - timedelta(hours=3), NINE + timedelta(hours=3), 60, False),
        (None, NINE + timedelta(seconds=20), 60, True),
        (None, NINE + timedelta(minutes=5), 60, False),
        (NINE - timedelta(days=3), NINE - timedelta(minutes=1), 10**9, False),
    ],
)
def test_a_window_is_open_for_its_minute_and_for_the_first_look_after_it(
    since: datetime | None, now: datetime, pause_s: float, open_: bool
) -> None:
    """However often it is looked; and not for a look that comes hours late."""
    assert opened(site(), since, now, pause_s) is open_


def test_every_minute_is_a_window_where_nobody_said_otherwise() -> None:
    """The default: each look, however often."""
    always = Site(1)
    assert opened(always, NINE - timedelta(seconds=60), NINE, 60)
    assert opened(always, NINE - timedelta(seconds=1), NINE, 1)
    assert opened(always, NINE, NINE + timedelta(seconds=30), 30)


def test_windows_are_of_the_zone_that_is_configured() -> None:
    """9 o'clock in Tokyo is midnight in UTC."""
    tokyo = site("0 9 * * *", "Asia/Tokyo")
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    assert opened(tokyo, midnight - timedelta(minutes=1), midnight, 60)
    assert not opened(tokyo, NINE - timedelta(minutes=1), NINE, 60)
    found = next_window(tokyo, NINE)
    assert found is not None and found.astimezone(UTC) == midnight + timedelta(days=1)


def test_the_next_window_is_told_past_freezes_and_hours_that_the_clocks_leave_out() -> None:
    """2:30 is not there on the last Sunday of March in Berlin; February 29th is years away; some never come."""
    assert next_window(site(), NINE) == NINE + timedelta(days=1)
    assert next_window(site(freeze="2026-11-24..2026-11-26 Audit"), NINE) == NINE + timedelta(days=4)
    assert next_window(site(freeze="Broken"), NINE) is None
    spring = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)
    berlin = next_window(site("30 2 * * *", "Europe/Berlin"), spring)
    assert berlin is not None and berlin.isoformat() == "2027-03-29T02:30:00+02:00"
    leap = next_window(site("0 0 29 2 *"), NINE)
    assert leap is not None and leap.date().isoformat() == "2028-02-29"


@pytest.mark.parametrize(
    ("text", "freeze"),
    [
        ("Migration of the data centre", Freeze("Migration of the data centre")),
        ("..2026-11-23 Audit", Freeze("Audit", None, NINE.date())),
        ("2026-11-23.. Rebuilding", Freeze("Rebuilding", NINE.date())),
        ("2026-11-23..2026-11-23  One day", Freeze("One day", NINE.date(), NINE.date())),
    ],
)
def test_a_freeze_is_a_reason_with_dates_or_without(text: str, freeze: Freeze) -> None:
    """Each of them holds on the day; what is told says why and until when."""
    assert release_freeze.read(text) == (freeze,)
    told = frozen(site(freeze=text), NINE)
    assert told.startswith("frozen until ") and told.endswith(freeze.why)


def test_a_freeze_begins_and_ends_with_its_days_in_the_zone() -> None:
    """Until the very end of the last one, where the site is."""
    one = site(zone="Asia/Tokyo", freeze="2026-11-23..2026-11-23 Holiday\n2030-01-01.. Later")
    assert frozen(one, datetime(2026, 11, 22, 14, 59, tzinfo=UTC)) == ""
    assert frozen(one, datetime(2026, 11, 22, 15, 0, tzinfo=UTC)) == "frozen until the end of 2026-11-23: Holiday"
    assert frozen(one, datetime(2026, 11, 23, 14, 59, tzinfo=UTC))
    assert frozen(one, datetime(2026, 11, 23, 15, 0, tzinfo=UTC)) == ""
    assert frozen(Site(1), NINE) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "2026-12-20",
        "2026-12-20 Christmas",
        "2026-12-20..2027-01-05",
        "2027-01-05..2026-12-20 Backwards",
        "2026-13-01..2026-13-02 No such month",
        ".. Nothing",
        "x" * 201,
        "bell \x07",
        "\n".join(["Reason"] * 51),
    ],
)
def test_what_is_no_freeze_is_refused(text: str) -> None:
    """With a reason, and the line where there are several."""
    with pytest.raises(Invalid):
        release_freeze.read(text)
    with pytest.raises(Invalid, match=r"line 2|is 1 to"):
        release_freeze.read(f"Reason\n{text}" if text.strip() else text)
