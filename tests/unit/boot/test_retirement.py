"""What the module that takes a boot server off the record answers, in a check and for good."""

from __future__ import annotations

from typing import Any

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.fleet import Node
from appserver.errors import Conflict, StoreError
from appserver.ports import Snapshot
from appserver.store import keys
from appserver.store.codec import encode
from tests.unit.boot.plugins import plugin

retirement: Any = plugin("module_utils/retirement.py")


class NoStore(MemoryKV):
    """One that does not answer yet."""

    def snapshot(self, *prefixes: str) -> Snapshot:
        raise StoreError("etcd does not answer")


def asked(name: str, lrn: int = -1, stopped: bool = False) -> dict[str, object]:
    return {"name": name, "lrn": lrn, "stopped": stopped}


def site(on: bool) -> MemoryKV:
    kv = MemoryKV()
    kv.commit({}, {keys.node("n3"): encode(Node("n3", "192.0.2.1:8090", "default", lrn=3)), keys.bootserver(3): ""})
    kv.commit({}, {keys.alive("n3"): "192.0.2.1:8090"} if on else {})
    return kv


def test_a_host_that_is_not_on_record_is_told_as_such() -> None:
    """By its name, its number or both, as often as it is asked; nothing is written."""
    kv = site(on=False)
    before = kv.snapshot("").revision
    for options in (asked("typo"), asked("typo", 9)):
        assert retirement.retire(kv, options, check_mode=False) == (0, "typo was not on record")
        assert retirement.retire(kv, options, check_mode=True) == (0, "typo was not on record")
    assert kv.snapshot("").revision == before


def test_a_check_of_a_host_that_will_be_stopped_passes_and_changes_nothing() -> None:
    """It says what would go."""
    kv = site(on=True)
    before = kv.snapshot("").revision
    assert retirement.retire(kv, asked("n3", 3, stopped=True), check_mode=True) == (
        2, "n3 would be off the record, 2 keys",
    )  # fmt: skip
    assert kv.snapshot("").revision == before


def test_one_that_is_on_does_not_go() -> None:
    """Whatever whoever asks means to do: once it counts, its agent has been stopped or it stays."""
    kv = site(on=True)
    with pytest.raises(Conflict, match="n3 is on"):
        retirement.retire(kv, asked("n3", 3, stopped=True), check_mode=False)
    assert keys.node("n3") in kv.snapshot("nodes/").items


def test_a_second_run_finds_nothing_to_do() -> None:
    """The first says how much went."""
    kv = site(on=False)
    assert retirement.retire(kv, asked("n3", 3), check_mode=False) == (2, "n3 is off the record, 2 keys")
    assert retirement.retire(kv, asked("n3", 3), check_mode=False) == (0, "n3 was not on record")


def numbered(lrn: int, taken: tuple[int, ...] = (), was: int = -1) -> dict[str, object]:
    return {"name": "n3", "lrn": lrn, "taken": [lrn, *taken], "was": was}


def test_a_host_that_got_another_number_leaves_nothing_under_the_old_one() -> None:
    """A check tells so and changes nothing; a second run finds nothing to do."""
    kv = site(on=True)
    before = kv.snapshot("").revision
    assert retirement.renumber(kv, numbered(5), check_mode=True) == (
        3, 1, "n3 would be boot server 5, and no longer 3: 1 keys",
    )  # fmt: skip
    assert kv.snapshot("").revision == before
    assert retirement.renumber(kv, numbered(5), check_mode=False) == (
        3,
        1,
        "n3 is boot server 5, and no longer 3: 1 keys",
    )
    assert keys.bootserver(3) not in kv.snapshot("").items
    assert retirement.renumber(kv, numbered(5), False) == (-1, 0, "n3 is boot server 5, and was no other")


def test_a_number_that_a_host_of_the_inventory_has_stays() -> None:
    """It may be no node yet."""
    kv = site(on=True)
    assert retirement.renumber(kv, numbered(5, taken=(3,)), check_mode=False)[:2] == (3, 0)
    assert keys.bootserver(3) in kv.snapshot("").items


def test_a_check_before_there_is_a_store_goes_on() -> None:
    """Nobody has a number there; a run does not."""
    assert retirement.renumber(NoStore(), numbered(5), check_mode=True)[0] == -1
    with pytest.raises(StoreError):
        retirement.renumber(NoStore(), numbered(5), check_mode=False)
