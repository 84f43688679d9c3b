"""Releases on record, over a store in memory."""

from __future__ import annotations

import random
import string

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.core.release import Kept, Release
from appserver.core.secrets import is_sealed
from appserver.errors import Invalid, LeadershipLost, NotFound, RepoError
from appserver.store import releases
from appserver.store.codec import encode
from appserver.store.packed import PART

SEALER = KeySealer(b"k" * 32)
OLD, NEW = "2026.11.22-9", "2026.11.22-10"


def test_files_are_read_as_they_were_written_and_nobody_else_reads_them() -> None:
    """Playbooks may hold passwords: in the store they are sealed, for this release alone."""
    kv = MemoryKV()
    releases.write_files(kv, SEALER, NEW, {"release.yml": "steps: []\n", "play.yml": "- geheim\n"}, {})
    assert releases.files(kv, SEALER, NEW) == {"release.yml": "steps: []\n", "play.yml": "- geheim\n"}
    parts = kv.snapshot(releases.parts(NEW)).items
    assert parts and all(is_sealed(part.value) for part in parts.values())
    kv.commit({}, {f"{releases.parts(OLD)}0000": next(iter(parts.values())).value})
    with pytest.raises(RepoError):
        releases.files(kv, SEALER, OLD)


def test_a_tree_that_is_larger_than_a_value_is_in_parts() -> None:
    """What cannot be compressed, too; and what a longer one left behind when its write broke off is gone."""
    kv, rng = MemoryKV(), random.Random(1)
    large = "".join(rng.choices(string.printable, k=3 * PART))
    releases.write_files(kv, SEALER, NEW, {"a.yml": large}, {})
    assert len(kv.snapshot(releases.parts(NEW)).items) > 2
    assert releases.files(kv, SEALER, NEW) == {"a.yml": large}
    releases.write_files(kv, SEALER, NEW, {"a.yml": "short\n"}, {})
    assert releases.files(kv, SEALER, NEW) == {"a.yml": "short\n"}


def test_whoever_leads_no_more_writes_nothing() -> None:
    """The fence of a leadership that another has now."""
    kv = MemoryKV()
    with pytest.raises(LeadershipLost):
        releases.write_files(kv, SEALER, NEW, {"a.yml": ""}, {"leader/updater/7": 3})
    with pytest.raises(NotFound):
        releases.files(kv, SEALER, NEW)


def test_the_newest_is_first_by_number_and_what_was_dropped_is_gone_with_its_files() -> None:
    """10 comes after 9; what stands under another's key is passed over."""
    kv = MemoryKV()
    for version in (OLD, NEW):
        releases.write_files(kv, SEALER, version, {"a.yml": ""}, {})
        kv.commit({}, {releases.release(version): encode(_kept(version))})
    kv.commit({}, {releases.release("2027.01.01-1"): encode(_kept(NEW))})
    found = releases.kept_of(kv.snapshot(releases.RELEASES))
    assert [one.record.release.version for one in found] == [NEW, OLD]
    assert releases.drop(kv, found[1])
    assert releases.kept(kv, OLD) is None
    assert not kv.snapshot(releases.parts(OLD)).items
    assert releases.kept(kv, NEW) == _kept(NEW)


@pytest.mark.parametrize("version", ["", "../x", "2026.11.22-1/0000", "2026.13.01-1", "-rf"])
def test_no_key_is_made_of_what_is_no_version(version: str) -> None:
    """Not for a release, not for its files."""
    for make in (releases.release, releases.parts):
        with pytest.raises(Invalid):
            make(version)


def _kept(version: str) -> Kept:
    return Kept(Release(version, ()), "hosted", f"test-{version}", "a" * 40)
