"""What changed on a boot server, as the events of its node tell it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appserver.core.boot_changes import Change, told_by
from appserver.core.events import APPLICATION, NODE, Happening

AT = datetime(2026, 11, 21, tzinfo=UTC)
LISTED = [["deb", "jq", "", "1.6"], ["container", "odd", "busybox:1", ""], ["bmc", "ops", "user", "admin"]]


def event(detail: dict[str, object], subject: str = "boot-1", bus: str = NODE) -> Happening:
    return Happening(bus, "update", "INFO", subject, "", AT, "", detail)


def test_each_change_has_its_moment_and_both_sides() -> None:
    """What came, what went, what became of it."""
    assert told_by(event({"changes": LISTED}), ["boot-1"]) == (
        Change(AT, "deb", "jq", "", "1.6"),
        Change(AT, "container", "odd", "busybox:1", ""),
        Change(AT, "bmc", "ops", "user", "admin"),
    )
    assert Change(AT, "deb", "jq", "", "1.6").to_json() == {
        "at": "2026-11-21T00:00:00+00:00", "kind": "deb", "name": "jq", "before": None, "after": "1.6",
    }  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        event({"changes": LISTED}, subject="boot-10"),
        event({"changes": LISTED}, bus=APPLICATION),
        event({}),
        event({"changes": "all"}),
        event({"changes": ["deb", ["deb", "jq", "1"], ["deb", "jq", 1, 2], ["rpm", "jq", "1", "2"], None]}),
    ],
)
def test_what_is_no_change_of_it_is_none(other: Happening) -> None:
    """Of another host, another bus, or made up by whoever may write events."""
    assert told_by(other, ["boot-1"]) == ()
