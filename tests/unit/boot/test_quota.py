"""Directories that are held to a size."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.boot.plugins import plugin

quota: Any = plugin("module_utils/quota.py")
GIB = 1 << 30
WANTED = quota.Wanted("/data/local/volume/bob-1-0", 2 * GIB)


def steps(seen: Any, wanted: Any = WANTED) -> list[str]:
    plan = quota.decide(seen, wanted)
    assert not plan.refusal
    return [f"{action}: {cause}" for action, cause in plan.steps]


def test_a_directory_is_made_and_limited_once() -> None:
    """A limit that holds is left alone."""
    assert steps(quota.Seen("btrfs")) == ["make: there is none", "limit: no limit → 2048 MiB"]
    assert steps(quota.Seen("btrfs", "", True, True, False, 2 * GIB, GIB)) == []


def test_an_empty_directory_becomes_what_a_limit_can_be_put_on() -> None:
    """One that was made by hand is in nobody's way while it is empty."""
    assert steps(quota.Seen("btrfs", exists=True))[0] == "own: it is no subvolume"
    assert steps(quota.Seen("xfs", exists=True, empty=False))[0] == "own: it is no project"


@pytest.mark.parametrize(
    ("seen", "limit", "told"),
    [
        (quota.Seen("overlay"), GIB, "lies on overlay, which has no quotas here"),
        (quota.Seen("nfs4"), GIB, "lies on nfs4"),
        (quota.Seen("btrfs", ready="quota groups of /data cannot be used"), GIB, "cannot be used"),
        (quota.Seen("btrfs", exists=True, empty=False), GIB, "has files and is not a subvolume"),
        (quota.Seen("lvm", "", True, True, True, 2 * GIB), GIB, "can grow, not shrink"),
        (quota.Seen("lvm", "", True, True, True, 2 * GIB), None, "always has a size"),
    ],
)
def test_a_limit_that_would_not_hold_is_refused(seen: Any, limit: int | None, told: str) -> None:
    """Nothing is written down that nobody keeps, and no files are moved about."""
    assert told in quota.decide(seen, quota.Wanted("/x", limit)).refusal


def test_no_limit_is_possible_anywhere() -> None:
    """A directory alone is made on whatever there is."""
    assert steps(quota.Seen("overlay"), quota.Wanted("/x", None)) == ["make: there is none"]
    assert steps(quota.Seen("btrfs", "", True, True, False, GIB), quota.Wanted("/x", None)) == [
        "limit: 1024 MiB → no limit"
    ]


def test_a_limit_below_what_is_there_is_told() -> None:
    """It is set all the same, and nothing is lost; but people wonder less."""
    plan = quota.decide(quota.Seen("xfs", "", True, True, False, None, 3 * GIB), WANTED)
    assert "nothing more can be written" in plan.warning


def test_a_volume_is_named_as_its_directory() -> None:
    """People who list volumes know them again."""
    assert quota.volume_name("/opt/moorage-data/local/volume/bob-1-0") == "opt.moorage-data.local.volume.bob-1-0"


def test_no_two_directories_share_a_volume() -> None:
    """Not those that differ in what a name may not hold, nor in what is cut off, nor those that look like a name."""
    odd = ["/v/x/y", "/v/x.y", "/v/x y", "/v/x+y", "/v.x/y", "/v/xöy", f"/v/{'a' * 200}/y", f"/w/{'a' * 200}/y"]
    odd += [f"/v/{'-' * 90}", f"/w/{'-' * 90}"]
    named = {path: quota.volume_name(path) for path in odd}
    named |= {f"/{name.replace('.', '/')}": quota.volume_name(f"/{name.replace('.', '/')}") for name in named.values()}
    assert len(set(named.values())) == len(named)
    for name in named.values():
        assert re.fullmatch(r"[a-zA-Z0-9+_.][a-zA-Z0-9+_.-]*", name)
        assert len(f"moorage-{name.replace('-', '--')}") < 128, "the device mapper takes no longer name"
