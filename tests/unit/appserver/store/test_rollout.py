"""Updates as the store has them: keys that are no others, and reading that a stranger's keys do not break."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.fleet import Node
from appserver.core.rollout_record import RUNNING, Progress, Request, Status, StepTime
from appserver.errors import Invalid
from appserver.store import keys
from appserver.store import rollout as store
from appserver.store.codec import encode

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
V1 = "2026.11.01-1"


@pytest.fixture
def kv() -> MemoryKV:
    return MemoryKV()


def test_keys_are_neco_s_and_sort_by_their_numbers() -> None:
    """Those of the seed as it has them; ours are filled up with zeros."""
    assert (store.REQUEST, store.status(10), store.content("sabakan")) == (
        "status/current",
        "status/bootservers/10",
        "contents/sabakan",
    )
    assert sorted((store.run(10), store.run(9))) == [store.run(9), store.run(10)]
    assert store.progress(10, 3) == "updatesteps/10/00000003"


@pytest.mark.parametrize("made", [lambda: store.status(-1), lambda: store.run(-2), lambda: store.content("../x")])
def test_no_key_is_made_of_what_is_none(made) -> None:
    """A number from 0, a name as everywhere."""
    with pytest.raises(Invalid):
        made()


def test_servers_and_statuses_come_by_number(kv: MemoryKV) -> None:
    """What is no number there is somebody else's."""
    for lrn in ("10", "2", "0", "x", "1/y"):
        kv.commit({}, {f"{store.SERVERS}{lrn}": ""})
    kv.commit({}, {store.status(10): encode(Status(V1, 2, RUNNING)), f"{store.STATUSES}x": "{}"})
    seen = kv.snapshot(*store.STANDING)
    assert store.servers_of(seen) == (0, 2, 10)
    assert store.statuses_of(seen) == {10: Status(V1, 2, RUNNING)}


def test_who_has_no_agent_is_dead(kv: MemoryKV) -> None:
    """Also who has no node; a node without a number is no boot server."""
    for lrn in (0, 1, 2):
        kv.commit({}, {f"{store.SERVERS}{lrn}": ""})
    for node in (Node("a", "a:8090", "x", 0), Node("b", "b:8090", "x", 1), Node("c", "c:8090", "x")):
        kv.commit({}, {keys.node(node.name): encode(node)})
    kv.commit({}, {keys.alive("a"): "a:8090", keys.alive("c"): "c:8090"})
    seen = kv.snapshot(*store.STANDING)
    assert store.nodes_of(seen) == {0: "a", 1: "b"}
    assert store.dead_of(seen) == {1: "b", 2: ""}


def test_a_deadline_that_is_gone_or_another_s_is_over(kv: MemoryKV) -> None:
    """It is put under a lease that nobody renews: etcd's clock ends it."""
    assert store.is_late(kv.snapshot(*store.STANDING), 3)
    kv.commit({}, {store.DEADLINE: "3"})
    seen = kv.snapshot(*store.STANDING)
    assert not store.is_late(seen, 3)
    assert store.is_late(seen, 4)


def test_progress_is_that_of_one_update(kv: MemoryKV) -> None:
    """By server; others' numbers and strange keys are let be."""
    did = Progress(3, (StepTime(1, "etcd", 1, NOW),))
    kv.commit({}, {store.progress(10, 3): encode(did), store.progress(10, 2): encode(Progress(2))})
    kv.commit({}, {f"{store.STEPS}x/00000003": encode(did)})
    assert store.progress_of(kv.snapshot(store.STEPS), 3) == {10: did}


def test_what_is_asked_for_is_read_as_neco_writes_it(kv: MemoryKV) -> None:
    """Nothing where nothing is; where a step runs, that server is busy."""
    seen = kv.snapshot(*store.STANDING)
    assert (store.request_of(seen), store.run_of(seen), store.release_of(seen), store.busy_of(seen)) == (
        None,
        None,
        "",
        (),
    )
    text = f'{{"version":"{V1}","servers":[0,10],"stop":false,"started_at":"2026-11-22T01:02:03.000000004Z"}}'
    kv.commit({}, {store.REQUEST: text, store.RELEASE: V1, store.busy(10): "3/1", f"{store.BUSY}x": ""})
    seen = kv.snapshot(*store.STANDING)
    found = store.request_of(seen)
    assert found
    assert found.record == Request(V1, (0, 10), False, NOW)
    assert (store.release_of(seen), store.busy_of(seen)) == (V1, (10,))
