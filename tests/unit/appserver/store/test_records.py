"""A record that nobody can read is one record, not the store."""

from __future__ import annotations

import logging

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.entities import AppKey, Desired
from appserver.errors import BadRecord, StoreError
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import applications_below, below, read

GOOD = encode(Desired(1, 0))


def test_who_asks_for_a_bad_record_is_told_so_and_not_that_the_store_is_away():
    kv = MemoryKV()
    kv.commit({}, {"desired/n1/default.shop": '{"revision": "one"}'})
    with pytest.raises(BadRecord, match=r"desired/n1/default\.shop.*Desired") as told:
        read(kv, "desired/n1/default.shop", Desired)
    assert not isinstance(told.value, StoreError)


def test_a_list_goes_on_past_a_bad_record_and_logs_it_once(caplog: pytest.LogCaptureFixture):
    kv = MemoryKV()
    kv.commit({}, {"desired/n2/default.a": GOOD, "desired/n2/default.b": "{", "desired/n2/default.c": GOOD})
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found = [name for name, _ in below(kv.snapshot("desired/n2/"), "desired/n2/", Desired)]
            assert found == ["default.a", "default.c"]
    assert [r.getMessage().split(" reason=")[0] for r in caplog.records] == [
        "event=record_skipped key=desired/n2/default.b"
    ]


def test_a_key_that_names_no_application_is_passed_over_too():
    kv = MemoryKV()
    kv.commit({}, {"desired/n3/SHOP": GOOD, keys.desired("n3", AppKey("default", "shop")): GOOD})
    assert [key for key, _ in applications_below(kv.snapshot("desired/"), "desired/n3/", Desired)] == [
        AppKey("default", "shop")
    ]
