"""Order of versions, and the tags that a channel takes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.release_versions import FIXED, Version, newest, parse, tagged, why_not
from appserver.errors import Invalid

VERSIONS = st.builds(Version, st.dates(date(1, 1, 1)), st.integers(0, 999_999_999))


@given(VERSIONS)
def test_a_version_is_its_text(version: Version) -> None:
    """To the text and back, from the year 1 on."""
    assert parse(str(version)) == version


@pytest.mark.parametrize("text", ["", "1", "2026.13.01-1", "2026.02.30-1", "2026.1.1-1", "2026.01.01", "2026.01.01-x"])
def test_what_is_no_version_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(Invalid, match="is no version such as"):
        parse(text)


@given(VERSIONS, VERSIONS)
def test_of_two_at_most_one_is_newer(one: Version, other: Version) -> None:
    """And none is newer than itself."""
    assert not (one.newer(other) and other.newer(one))
    assert not one.newer(one)


@pytest.mark.parametrize(
    ("wanted", "current", "why"),
    [
        ("2026.11.02-2", "", ""),
        ("2026.11.02-2", "2026.11.01-1", ""),
        ("2026.11.01-2", "2026.11.01-1", ""),
        ("2026.11.01-1", "2026.11.01-1", "2026.11.01-1 is in force"),
        ("2026.11.02-1", "2026.11.01-1", "2026.11.02-1 is not newer than 2026.11.01-1, which is in force"),
        ("2026.10.31-2", "2026.11.01-1", "2026.10.31-2 is not newer than 2026.11.01-1, which is in force"),
    ],
)
def test_a_downgrade_is_refused_with_its_reason(wanted: str, current: str, why: str) -> None:
    """Neco: the date no earlier and the number greater."""
    assert why_not(wanted, current) == why


TAGS = ("v1", "test-2026.11.03-3", "release-2026.11.02-2", "release-2026.11.01-10", "prod-2026.11.01-1", "release-x")


@pytest.mark.parametrize(
    ("channel", "tag"),
    [
        ("none", None),
        ("test", None),
        ("dev", "test-2026.11.03-3"),
        ("staging", "release-2026.11.02-2"),
        ("prod", "prod-2026.11.01-1"),
        ("other", None),
    ],
)
def test_a_channel_takes_the_newest_of_its_tags(channel: str, tag: str | None) -> None:
    """By prefix, ordered by date and number and not as text."""
    assert newest(TAGS, channel) == tag


def test_the_channel_test_has_one_version() -> None:
    """Later than any other, and of no other channel."""
    assert newest((*TAGS, f"test-{FIXED}"), "test") == f"test-{FIXED}"
    assert newest((*TAGS, f"test-{FIXED}"), "dev") == "test-2026.11.03-3"


def test_what_was_put_aside_is_not_taken() -> None:
    """The one before it is."""
    assert newest(TAGS, "staging", ["2026.11.02-2"]) == "release-2026.11.01-10"


@pytest.mark.parametrize("tag", ["", "-", "-2026.11.01-1", "none-2026.11.01-1", "v2026.11.01-1", "release2026.11.01-1"])
def test_other_tags_are_no_releases(tag: str) -> None:
    """Repositories have tags for other ends."""
    assert tagged(tag) is None
