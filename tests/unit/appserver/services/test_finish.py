"""Recording how things ended, over a store in memory that takes no more at once than etcd does."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.entities import AppKey, Application, Cause, Desired, Observed, Outcome
from appserver.errors import BadRecord
from appserver.services.finish import Finish
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import START, Desk
from tests.lab.wait import wait_until

KEY = AppKey("default", "shop")


def test_an_application_of_many_revisions_is_forgotten_whole() -> None:
    """Its history is longer than one transaction of etcd; a neighbour's stays."""
    desk = Desk()
    desk.kv = MemoryKV(max_txn_ops=128)
    neighbour = keys.outcome(AppKey("default", "shop2"), 1)
    desk.kv.commit({}, {neighbour: encode(Outcome("deployed", START))})
    application = Application("shop", "default", "compose.yaml", START, 300, 300, nodes=("n1",))
    for number in range(1, 301):
        settled = encode(Outcome("deployed", START))
        desk.kv.commit({}, {keys.outcome(KEY, number): settled, keys.revision(KEY, number): "{}"})
    desk.kv.commit({}, {keys.application(KEY): encode(application)})
    commit = desk.kv.commit({}, {keys.desired("n1", KEY): encode(Desired(300, 0, run="removed"))})
    desk.kv.commit({}, {keys.observed("n1", KEY): encode(Observed(commit, 0, "removed", START))})
    assert Finish(desk.kv, desk.events, desk.clock).settle(KEY)
    left = [name for name in desk.kv.snapshot("").items if not name.startswith("events/")]
    assert left == [neighbour]


def test_a_failure_without_a_service_is_told_by_its_reason_alone() -> None:
    """No colon stands where there is no name."""
    desk = Desk()
    application = Application("shop", "default", "compose.yaml", START, 0, 1, nodes=("n1",))
    desk.kv.commit({}, {keys.application(KEY): encode(application)})
    commit = desk.kv.commit({}, {keys.desired("n1", KEY): encode(Desired(1, 0))})
    causes = (Cause("back", "its healthcheck fails"), Cause("", "docker compose up: no"))
    seen = Observed(commit, 0, "failed", START, failed=1, causes=causes)
    desk.kv.commit({}, {keys.observed("n1", KEY): encode(seen)})
    assert Finish(desk.kv, desk.events, desk.clock).settle(KEY)
    told = [value.value for name, value in desk.kv.snapshot("events/").items.items()]
    assert any("revision 1 failed: back: its healthcheck fails; docker compose up: no" in one for one in told)


def test_a_record_that_cannot_be_read_hinders_no_other_application() -> None:
    """Neither its text nor its key makes the finisher list again and again; who asks for that one is told."""
    desk = Desk()
    bad = AppKey("default", "bad")
    desk.kv.commit({}, {keys.observed("n1", bad): "{", "observed/n1/NO-NAME": "{}"})
    for key in (bad, KEY):
        application = Application(key.name, "default", "compose.yaml", START, 0, 1, nodes=("n1",))
        desk.kv.commit({}, {keys.application(key): encode(application)})
        commit = desk.kv.commit({}, {keys.desired("n1", key): encode(Desired(1, 0))})
    desk.kv.commit({}, {keys.observed("n1", KEY): encode(Observed(commit, 1, "done", START))})
    finish, stop = Finish(desk.kv, desk.events, desk.clock), Event()
    thread = Thread(target=finish.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: keys.outcome(KEY, 1) in desk.kv.snapshot("outcomes/").items, "the outcome")
    finally:
        stop.set()
        thread.join(10)
    with pytest.raises(BadRecord):
        finish.settle(bad)
