"""Lines of fstab and mounts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.boot.plugins import plugin

fstab: Any = plugin("module_utils/fstab.py")
TABLE = "# by hand\nUUID=1 / ext4 errors=remount-ro 0 1\n/dev/sdb1 /srv\\040x xfs defaults 0 0\n"
OURS = fstab.Entry("srv:/data", "/data/global", "nfs4", "nofail,x-moorage")
MOUNT = fstab.Mount("0:50", "/", "/data/global", "nfs4", "srv:/data")


def test_a_line_is_added_once_and_changed_in_its_place() -> None:
    """Comments and other people's lines stay, to the byte."""
    added = fstab.with_entry(TABLE, OURS)
    assert added == f"{TABLE}srv:/data /data/global nfs4 nofail,x-moorage 0 0\n"
    assert fstab.with_entry(added, OURS) == added
    assert fstab.without_entry(added, "/data/global") == TABLE
    changed = fstab.Entry("other:/x", "/srv x", "nfs4", "nofail,x-moorage")
    assert fstab.with_entry(TABLE, changed).splitlines()[2] == "other:/x /srv\\040x nfs4 nofail,x-moorage 0 0"


def test_of_two_mounts_the_later_one_is_seen() -> None:
    """As mountinfo has them; blanks in names are written as numbers there."""
    text = (
        "36 35 8:1 / /a\\040b rw shared:1 - ext4 /dev/sda1 rw\n"
        "40 35 0:45 /sub /a\\040b rw - fuse.glusterfs localhost:/v rw\n"
    )
    assert fstab.mount_at(text, "/a b") == fstab.Mount("0:45", "/sub", "/a b", "fuse.glusterfs", "localhost:/v")
    assert fstab.mount_at(text, "/a") is None


def test_from_nothing_to_mounted_and_back() -> None:
    """First the line, then the mount; to leave, the mount goes first. What is as it is to be has no steps."""
    assert [step for step, _ in fstab.decide(fstab.Place(), OURS).steps] == ["fstab", "mount"]
    made = fstab.Place(OURS, MOUNT, same=True)
    assert fstab.decide(made, OURS).steps == ()
    assert [step for step, _ in fstab.decide(made, None).steps] == ["unmount", "forget"]
    assert fstab.decide(fstab.Place(), None).steps == ()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (fstab.Place(entry=fstab.Entry("a:/b", "/data/global", "nfs4", "defaults")), "a line of its own"),
        (fstab.Place(mount=MOUNT), "srv:/data (nfs4) is mounted there"),
        (fstab.Place(OURS, fstab.Mount("0:9", "/", "/data/global", "btrfs", "/dev/loop0")), "/dev/loop0 (btrfs)"),
        (fstab.Place(hidden="photos"), "it holds photos"),
    ],
)
def test_what_is_in_the_way_stays(place: Any, told: str) -> None:
    """Somebody's own line, another file system, files that a mount would hide: refused, never replaced."""
    assert told in fstab.decide(place, OURS).refusal


def test_what_is_not_ours_is_not_taken_away() -> None:
    """`absent` leaves other people's lines and mounts alone."""
    theirs = fstab.Place(fstab.Entry("a:/b", "/data/global", "nfs4", "defaults"), MOUNT)
    assert fstab.decide(theirs, None) == fstab.Plan()
