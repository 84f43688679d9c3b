"""Amounts as people write them, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_config import units


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("512M", 512 << 20),
        ("512m", 512 << 20),
        ("512mb", 512 << 20),
        ("512MiB", 512 << 20),
        ("1g", 1 << 30),
        ("1.5GiB", 3 << 29),
        (".5k", 512),
        ("1T", 1 << 40),
        ("1024", 1024),
        ("1024b", 1024),
        ("0", 0),
        (" 2 K ", 2048),
    ],
)
def test_every_unit_is_a_power_of_1024(text, amount):
    """Sizes mean what they mean to Docker, in any case, with decimals."""
    assert units.size(text) == amount


@pytest.mark.parametrize(
    "text", ["", "M", "1x", "-1", "1..5G", "1e3", "\uff19", "1 G B", "9" * 50, "99999999999999P", "nan"]
)
def test_what_is_no_size_is_refused(text):
    """A refusal says what to write."""
    with pytest.raises(ValueError, match=r"size|63 bits"):
        units.size(text)


@given(st.integers(0, 2**62))
def test_a_shown_size_reads_as_itself(amount):
    """Nothing is rounded on the way to people and back."""
    assert units.size(units.show_size(amount)) == amount


def test_sizes_are_shown_in_their_largest_exact_unit():
    """A plan says 512M, not a row of digits."""
    assert [units.show_size(n) for n in (512 << 20, 1 << 30, 1000, 0, 1536 << 20)] == [
        "512M",
        "1G",
        "1000",
        "0",
        "1536M",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("30s", "30s"),
        ("90s", "1m30s"),
        ("1m30s", "1m30s"),
        ("1h", "1h0m0s"),
        ("500ms", "500ms"),
        ("1.5s", "1.5s"),
        ("1500us", "1.5ms"),
        ("1µs", "1µs"),
        ("0", "0s"),
        ("0s", "0s"),
        ("2h45m", "2h45m0s"),
        ("100ns", "100ns"),
    ],
)
def test_durations_take_the_form_that_compose_prints(text, shown):
    """Equal durations are equal text, whatever was written."""
    assert units.duration(text) == shown


@pytest.mark.parametrize("text", ["", "s", "10", "-1s", "1m 30s", "1d", "s1", "1h" * 40, "9" * 30 + "h"])
def test_what_is_no_duration_is_refused(text):
    """A number without a unit is no duration."""
    with pytest.raises(ValueError, match=r"duration|292 years"):
        units.duration(text)


@given(st.integers(0, 2**53))
def test_a_duration_is_the_same_number_of_seconds_after_it_was_shown(nanoseconds):
    """The canonical text loses nothing."""
    text = units.duration(f"{nanoseconds}ns")
    assert units.duration(text) == text
    assert units.seconds(text) == nanoseconds / 10**9


def test_seconds_and_microseconds():
    """What settings and cpu quotas are given in."""
    assert units.seconds("1m30s") == 90.0
    assert units.microseconds("50ms") == 50_000


@pytest.mark.parametrize(("text", "amount"), [("0.2", 0.2), ("2", 2), ("2.0", 2), ("0", 0), (".5", 0.5)])
def test_cores(text, amount):
    """A whole number of cores is a whole number, as Compose prints it."""
    assert units.cores(text) == amount
    assert type(units.cores(text)) is type(amount)


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "0.5x"])
def test_what_is_no_number_of_cores_is_refused(text):
    """Neither are infinity and nothing."""
    with pytest.raises(ValueError, match="number of cores"):
        units.cores(text)
