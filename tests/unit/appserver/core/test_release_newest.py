"""Which tag is the newest of its kind, and what may be passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.release_newest import newest_tag, read_ignored
from appserver.errors import Invalid

TAGS = st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){1,4}(-(rc|alpha|alpine|slim)?[0-9]{0,2})?", fullmatch=True)


@pytest.mark.parametrize(
    ("current", "tags", "newest"),
    [
        ("3.5.9", ("3.5.10", "3.5.16", "3.6.0", "latest", "3.7", "sha-1234"), "3.6.0"),
        ("3.5.16", ("3.5.16.1", "3.5.15"), "3.5.16.1"),
        ("v1.2.3", ("1.2.4", "v1.2.4"), "v1.2.4"),
        ("1.2.3-alpine", ("1.2.4", "1.2.4-slim", "1.2.4-alpine"), "1.2.4-alpine"),
        ("1.2.3", ("1.3.0-rc1", "1.2.9"), "1.3.0-rc1"),
        ("1.2.3-rc1", ("1.2.3-rc10", "1.2.3-rc2"), "1.2.3-rc10"),
        ("1.2.3-rc1", ("1.2.3", "1.2.3-rc2"), "1.2.3"),
        ("1.2.3-1", ("1.2.3-2", "1.2.3"), "1.2.3-2"),
        ("latest", ("1.2.3", "2.0.0"), "latest"),
        ("stable-2", ("1.2.3",), "stable-2"),
        ("1.2.3", (), "1.2.3"),
    ],
)
def test_the_newest_is_by_its_numbers_and_of_the_same_kind(current: str, tags: tuple[str, ...], newest: str) -> None:
    """9 comes before 10, a candidate before what it is one of, and Alpine's is no newer Debian's."""
    assert newest_tag(current, tags) == newest


@pytest.mark.parametrize(
    ("current", "tags", "newest"),
    [
        ("1.2.3", ("1.3.0-rc1", "1.2.9", "2.0.0"), "1.2.9"),
        ("1.2.3", ("1.2.4-beta.2", "1.2.4-nightly", "1.2.4-dev"), "1.2.3"),
        ("1.2.3-rc1", ("1.2.3-rc2", "1.2.3"), "1.2.3"),
    ],
)
def test_a_release_has_no_pre_releases_and_stays_with_its_major(
    current: str, tags: tuple[str, ...], newest: str
) -> None:
    """What Neco's `--release` does."""
    assert newest_tag(current, tags, release=True) == newest


def test_what_is_ignored_is_passed_over() -> None:
    """By the version, or a pattern of it."""
    tags = ("1.2.4", "1.2.5", "1.3.0")
    ignored = read_ignored('images: {web: ["1.2.5", "1.3.*"]}\ndebs:\n  curl: ["7.*"]\n')
    assert newest_tag("1.2.3", tags, ignored=ignored.images["web"]) == "1.2.4"
    assert ignored.image("web", "1.3.7") and not ignored.image("web", "1.2.4") and not ignored.image("db", "1.2.5")
    assert ignored.deb("curl", "7.88.1-10") and not ignored.deb("curl", "8.0.0")
    assert read_ignored("") == read_ignored("images: {}\n")


@pytest.mark.parametrize(
    "text", ["- web", "image: {}", "images: [web]", "images: {web: 1.2}", "images: {web: [1.2]}", "a: [", "a: &a [*a]"]
)
def test_a_list_of_what_is_ignored_that_cannot_be_read_is_refused(text: str) -> None:
    """Silently ignoring nothing would take what somebody meant to keep out. 1.2 without quotes is a number."""
    with pytest.raises(Invalid):
        read_ignored(text)


@given(TAGS, st.lists(TAGS, max_size=8), st.booleans())
def test_the_newest_does_not_depend_on_the_order_and_stays_the_newest(
    current: str, tags: list[str], release: bool
) -> None:
    """Asked again with what came out, the same comes out."""
    newest = newest_tag(current, tags, release)
    assert newest in (current, *tags)
    again = newest_tag(newest, [*tags, current], release)
    assert newest_tag(again, tags[::-1], release) == again
