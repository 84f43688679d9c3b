"""What becomes of a storage pool, decided of what a host has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.boot.plugins import plugin

pool: Any = plugin("module_utils/pool.py")
GIB = 1 << 30
FILE = pool.Wanted("auto", "/data/local", "", "/data/local.pool", 10 * GIB, GIB)
DISK = replace(FILE, disk="/dev/sdb", file="", size=0)
BARE = pool.Seen(kernel=frozenset(pool.DRIVERS), room=50 * GIB)
BLANK_DISK = replace(BARE, exists=True, size=100 * GIB)
MADE = replace(
    BARE, exists=True, size=10 * GIB, signatures=("btrfs",), label=pool.LABEL, blank=False,
    uses=("attached as /dev/loop0",), mounted=True, fstab=True, device_size=10 * GIB,
    filesystem_size=10 * GIB, quota=True,
)  # fmt: skip


def test_a_bare_host_gets_a_pool_with_quotas() -> None:
    """From nothing to a mounted file system that can hold directories to a size, each step with its cause."""
    assert pool.decide(BARE, FILE).text == (
        "format /data/local.pool: there is none; btrfs, 10240 MiB\n"
        "fstab /data/local: a line is missing or another\n"
        "mount /data/local: the pool is not mounted\n"
        "quota /data/local: quota groups are off\n"
    )


def test_a_pool_that_is_there_is_left_alone() -> None:
    """A second run has nothing to do."""
    assert pool.decide(MADE, FILE) == pool.Plan("btrfs")


@pytest.mark.parametrize(
    ("kernel", "driver"),
    [
        ({"btrfs", "xfs", "lvm", "directory"}, "btrfs"),
        ({"xfs", "lvm", "directory"}, "xfs"),
        ({"lvm", "directory"}, "lvm"),
        ({"directory"}, "directory"),
    ],
)
def test_the_first_driver_that_the_kernel_can_do_is_taken(kernel: set[str], driver: str) -> None:
    """A plain directory only where nothing else can be done, and never without a warning."""
    plan = pool.decide(replace(BARE, kernel=frozenset(kernel)), FILE)
    assert plan.driver == driver
    assert bool(plan.warning) == (driver == "directory")


def test_a_pool_that_is_there_keeps_its_driver() -> None:
    """A kernel that learns something better changes no pool; people who ask for it are refused."""
    made = replace(MADE, signatures=("xfs",))
    assert pool.decide(made, FILE).driver == "xfs"
    assert "would lose what is in it" in pool.decide(made, replace(FILE, driver="btrfs")).refusal


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"signatures": ("ext4",), "blank": False}, "it holds ext4"),
        ({"signatures": ("gpt",), "blank": False, "uses": ("it has the partition /dev/sdb1",)}, "partition /dev/sdb1"),
        ({"signatures": ("LVM2_member",), "group": "mine", "blank": False}, "it holds LVM2_member"),
        ({"signatures": ("btrfs",), "label": "photos", "blank": False}, "it holds btrfs"),
        ({"signatures": ("btrfs", "ext4"), "label": pool.LABEL, "blank": False}, "it holds ext4"),
        ({"uses": ("in /etc/fstab for /srv",)}, "in /etc/fstab for /srv"),
        ({"uses": ("swap on /dev/sdb",)}, "swap on /dev/sdb"),
        ({"blank": False}, "it is not blank"),
    ],
)
def test_what_may_hold_data_is_never_formatted(seen: dict[str, Any], told: str) -> None:
    """Any sign of data on a disk, or of a use of it, is a refusal that names the sign; a file is no better off."""
    for place, wanted in ((BLANK_DISK, DISK), (replace(BARE, exists=True, size=GIB), FILE)):
        plan = pool.decide(replace(place, **seen), wanted)
        assert plan.steps == ()
        assert "is not formatted" in plan.refusal
        assert told in plan.refusal


def test_a_blank_disk_is_formatted_whole() -> None:
    """What was given whole and holds nothing becomes the pool, whatever storage_size says."""
    assert pool.decide(BLANK_DISK, DISK).text.startswith("format /dev/sdb: it is blank; btrfs, 102400 MiB\n")


def test_a_pool_grows_through_all_its_layers() -> None:
    """File, device and file system, in this order; the mount stays."""
    plan = pool.decide(MADE, replace(FILE, size=20 * GIB))
    assert [step.action for step in plan.steps] == ["lengthen", "device", "grow"]


def test_a_growth_that_was_broken_off_goes_on() -> None:
    """The file is long enough already; what lies on it is not."""
    plan = pool.decide(replace(MADE, size=20 * GIB), replace(FILE, size=20 * GIB))
    assert [step.action for step in plan.steps] == ["device", "grow"]


def test_a_disk_that_became_larger_is_filled() -> None:
    """Nobody has to say how large a disk is."""
    on_disk = replace(MADE, size=100 * GIB, device_size=100 * GIB)
    assert [step.action for step in pool.decide(on_disk, DISK).steps] == ["grow"]


@pytest.mark.parametrize(
    ("seen", "size", "told"),
    [(MADE, 5 * GIB, "can grow, not shrink to 5120 MiB"), (replace(MADE, room=GIB), 20 * GIB, "room for 11264 only"),
     (BARE, 1 << 20, "256 MiB at least")],
)  # fmt: skip
def test_sizes_that_cannot_be_are_refused(seen: Any, size: int, told: str) -> None:
    """Smaller than it is, larger than there is room for, too small for anything."""
    assert told in pool.decide(seen, replace(FILE, size=size)).refusal


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (replace(BARE, over="it holds photos, which would be hidden"), "it holds photos"),
        (replace(BARE, foreign="/dev/sdc /data/local ext4 defaults 0 0"), "a line of its own"),
        (replace(BARE, kernel=frozenset({"directory"})), "the kernel cannot do btrfs"),
    ],
)
def test_what_is_in_the_way_stays(seen: Any, told: str) -> None:
    """Files, mounts and lines of fstab that are somebody's own are neither hidden nor changed."""
    plan = pool.decide(seen, replace(FILE, driver="btrfs"))
    assert told in plan.refusal


def test_a_pool_that_is_not_mounted_is_mounted() -> None:
    """After a start at which it was not to be had, the next run brings it back and formats nothing."""
    away = replace(MADE, mounted=False, filesystem_size=0, device_size=0, quota=False)
    assert pool.decide(away, FILE).text == "mount /data/local: the pool is not mounted\n"


def test_lvm_gets_a_group_and_a_tree() -> None:
    """The group takes the whole file; the directories get a volume, and containers what is left."""
    plan = pool.decide(BARE, replace(FILE, driver="lvm"))
    assert [step.action for step in plan.steps] == ["lengthen", "format", "volume", "fstab", "mount"]


def test_a_group_that_no_device_shows_is_attached_first() -> None:
    """It is known for ours by what is written in it; what it lacks is seen at the next look."""
    away = replace(BARE, exists=True, size=10 * GIB, signatures=("LVM2_member",), group=pool.GROUP, blank=False)
    assert pool.decide(away, FILE).text == "attach /data/local.pool: no device shows it\n"


def test_a_pool_never_becomes_a_plain_directory() -> None:
    """What is mounted would be hidden by it."""
    assert "would hide" in pool.decide(MADE, replace(FILE, driver="directory")).refusal
