"""What is installed, on record."""

from __future__ import annotations

from typing import Any

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.errors import Invalid
from tests.unit.boot.plugins import plugin

services: Any = plugin("module_utils/services.py")


def test_versions_and_boot_server_are_on_record() -> None:
    """One transaction writes every version, and makes the boot server known."""
    kv = MemoryKV()
    before, after = services.record_installed(kv, 3, "debs", {"docker.io": "26.1.5"}, check_mode=False)
    assert before == {}
    assert after == {"install/3/debs/docker.io": "26.1.5", "info/bootservers/3": ""}
    assert {key: item.value for key, item in kv.snapshot("").items.items()} == after


def test_nothing_is_written_twice() -> None:
    """A second run finds everything on record, and leaves the store's revision alone."""
    kv = MemoryKV()
    services.record_installed(kv, 0, "debs", {"git": "1"}, check_mode=False)
    revision = kv.snapshot("").revision
    before, after = services.record_installed(kv, 0, "debs", {"git": "1"}, check_mode=False)
    assert before == after
    assert kv.snapshot("").revision == revision


def test_check_mode_writes_nothing() -> None:
    """The difference is told and the store is left alone."""
    kv = MemoryKV()
    before, after = services.record_installed(kv, 0, "debs", {"git": "1"}, check_mode=True)
    assert before != after
    assert not kv.snapshot("").items


@pytest.mark.parametrize(("name", "version"), [("../x", "1"), ("a/b", "1"), ("git", "")])
def test_names_that_no_key_is_made_of_are_refused(name: str, version: str) -> None:
    """A package's name cannot reach into another key, and what is installed has a version."""
    with pytest.raises(Invalid):
        services.record_installed(MemoryKV(), 0, "debs", {name: version}, check_mode=False)
