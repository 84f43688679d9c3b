"""What a look for a new release comes to, what stays on record, and what a push may do. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from appserver.core.refs import ZERO, RefUpdate
from appserver.core.release import Kept, Release
from appserver.core.release_choice import LONGEST_PAUSE_S, choose, pause_s
from appserver.core.release_kept import aside, best, surplus, tags_of
from appserver.core.release_lint import examined, untagged
from appserver.core.release_refs import faults, one_commit, release_tags
from appserver.core.release_tree import BINARY, texts
from appserver.core.site_config import Site
from appserver.errors import Invalid, InvalidMany

NOW = datetime(2026, 11, 23, 9, 0, 30, tzinfo=UTC)
SINCE = NOW - timedelta(seconds=60)
TAGS = ("test-2026.11.22-9", "test-2026.11.22-10", "release-2026.11.22-9", "prod-2026.11.20-7", "v1")


@pytest.mark.parametrize(
    ("site", "current", "tag", "why"),
    [
        ({}, "", "", "config/env is none"),
        ({"env": "dev"}, "", "test-2026.11.22-10", ""),
        ({"env": "dev"}, "2026.11.22-9", "test-2026.11.22-10", ""),
        ({"env": "staging"}, "2026.11.22-9", "release-2026.11.22-9", "2026.11.22-9 is in force"),
        ({"env": "prod"}, "2026.11.22-9", "prod-2026.11.20-7", "2026.11.20-7 is not newer than"),
        ({"env": "test"}, "", "", "the channel test has no release yet"),
        ({"env": "dev", "release-freeze": "Audit"}, "", "test-2026.11.22-10", "frozen until further notice: Audit"),
        (
            {"env": "dev", "release-time": "0 8 * * *"},
            "",
            "test-2026.11.22-10",
            "waits for its window, 2026-11-24 08:00 UTC",
        ),
        ({"env": "dev", "release-time": "0 9 * * *"}, "", "test-2026.11.22-10", ""),
    ],
)
def test_the_newest_of_the_channel_is_taken_or_it_is_told_why_not(
    site: dict[str, str], current: str, tag: str, why: str
) -> None:
    """Channel, order, freeze and window, in this order."""
    held = Site(1, {f"config/{key}": value for key, value in site.items()})
    found = choose(held, TAGS, (), current, SINCE, NOW, 60.0)
    assert found.tag == tag
    assert (why in found.why) if why else found.why == ""


def test_what_was_put_aside_is_passed_over() -> None:
    """The next older one is what the channel is at."""
    held = Site(1, {"config/env": "dev"})
    assert choose(held, TAGS, ("2026.11.22-10",), "", SINCE, NOW, 60.0).version == "2026.11.22-9"


def test_what_stands_in_force_and_is_no_version_is_told() -> None:
    """Another program wrote it: nothing is compared with it."""
    with pytest.raises(Invalid):
        choose(Site(1, {"config/env": "dev"}), TAGS, (), "garbage", SINCE, NOW, 60.0)


def test_the_pause_doubles_with_each_failure_within_limits() -> None:
    """Never shorter than it is configured, never longer than a quarter of an hour, or what is configured."""
    assert [pause_s(60.0, failures) for failures in (0, 1, 2)] == [60.0, 120.0, 240.0]
    assert pause_s(60.0, 1_000) == LONGEST_PAUSE_S
    assert pause_s(3600.0, 3) == 3600.0


def test_of_each_kind_of_tag_the_newest_stay_and_what_is_in_use() -> None:
    """What hasty tests push out is not what prod runs."""
    held = [_kept(f"2026.11.{day:02}-{day}", "test") for day in range(1, 15)]
    held[0] = _kept("2026.11.01-1", "test", "prod")
    gone = surplus(held, {"2026.11.02-2"}, most=10)
    assert gone == ("2026.11.04-4", "2026.11.03-3")
    assert surplus([], set()) == ()


def test_tags_and_what_is_aside_are_told_of_what_is_kept() -> None:
    """Of one source: a version of another repository is none of this one."""
    here, there = _kept("2026.11.01-1", "test", "prod"), _kept("2026.11.02-2", "test", source="https://x")
    assert tags_of((here, there), "hosted") == {"test-2026.11.01-1": "a" * 40, "prod-2026.11.01-1": "a" * 40}
    assert aside((here,)) == frozenset()
    assert best(("test-2026.11.01-1", "prod-2026.11.01-1", "v1"), "2026.11.01-1") == "prod-2026.11.01-1"
    assert best(("test-2026.11.01-1",), "2026.11.01-2") is None


@pytest.mark.parametrize(
    ("ref", "old", "new", "why"),
    [
        ("refs/tags/test-2026.11.22-1", ZERO, "a" * 40, ""),
        ("refs/tags/v1", "b" * 40, "a" * 40, ""),
        ("refs/heads/main", "b" * 40, ZERO, ""),
        ("refs/tags/test-2026.11.22-1", "b" * 40, "a" * 40, "is a release already"),
        ("refs/tags/test-2026.11.22-1", "b" * 40, ZERO, "is not deleted"),
        ("refs/tags/release-1.0", ZERO, "a" * 40, "is no release"),
        ("refs/tags/prod-2026.13.22-1", ZERO, "a" * 40, "is no release"),
        ("refs/moorage/kept", ZERO, "a" * 40, "only branches and tags"),
        ("refs/tags/\udcff", ZERO, "a" * 40, "not plain text"),
    ],
)
def test_what_a_push_may_do_to_a_reference(ref: str, old: str, new: str, why: str) -> None:
    """A release is neither moved nor deleted; all else is the team's own."""
    found = faults([RefUpdate(ref, old, new)])
    assert [why in told for _, told in found] == ([True] if why else [])


def test_releases_among_what_is_pushed_are_found_and_one_version_is_one_commit() -> None:
    """By whatever tags it is known."""
    updates = [RefUpdate("refs/tags/test-2026.11.22-1", ZERO, "a" * 40), RefUpdate("refs/heads/main", ZERO, "b" * 40)]
    assert release_tags(updates) == {"test-2026.11.22-1": "a" * 40}
    known = {"test-2026.11.22-1": "a" * 40, "v1": "c" * 40}
    assert one_commit("prod-2026.11.22-1", "a" * 40, known) is None
    assert one_commit("prod-2026.11.22-2", "b" * 40, known) is None
    clash = one_commit("prod-2026.11.22-1", "b" * 40, known)
    assert clash and clash[0] == "prod-2026.11.22-1" and "one version is one commit" in clash[1]


def test_faults_name_the_file_and_a_working_tree_is_read_as_it_says() -> None:
    """As `moorage update lint` and a push show them."""
    with pytest.raises(InvalidMany) as error:
        examined({"release.yml": "steps: [{name: a}]\nimages: {}\n"}, "2026.11.22-1")
    assert error.value.faults[0][0].startswith("release.yml: steps/0/playbook")
    with pytest.raises(InvalidMany) as error:
        examined({}, "2026.11.22-1")
    assert error.value.faults == (("release.yml", "is not in the repository at this tag"),)
    assert untagged({"release.yml": "# x\nversion: '2026.11.22-7'  # y\n"}, date(2026, 1, 2)) == "2026.11.22-7"
    assert untagged({}, date(2026, 1, 2)) == "2026.01.02-1"


def test_what_is_no_text_is_told_by_its_path() -> None:
    """Bytes that are no UTF-8, and a NUL in what is."""
    found, bad = texts([("a.yml", b"a: 1\n"), ("b.png", b"\x89PNG\xff"), ("c.txt", b"a\0")])
    assert found == {"a.yml": "a: 1\n"}
    assert bad == (("b.png", BINARY), ("c.txt", BINARY))


def _kept(version: str, *prefixes: str, source: str = "hosted") -> Kept:
    tags = tuple(f"{prefix}-{version}" for prefix in prefixes)
    return Kept(Release(version, ()), source, tags[0], "a" * 40, tags=tags)
