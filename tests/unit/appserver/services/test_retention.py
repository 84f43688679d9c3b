"""Revisions that nobody can come back to leave the record; those that somebody may stand on stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from appserver.adapters.memory import MemoryKV
from appserver.core.entities import AppKey, Application, Desired, Observed, Outcome
from appserver.services.retention import Retention
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import START
from tests.lab.records import revision

KEY = AppKey("default", "shop")


def held(kv: MemoryKV, key: AppKey = KEY) -> list[int]:
    """Numbers of the revisions on record; their outcomes are the same."""
    found = [int(name[-8:]) for name in kv.snapshot(keys.revisions(key)).items]
    assert found == [int(name[-8:]) for name in kv.snapshot(keys.outcomes(key)).items]
    return found


def made(count: int, restores: dict[int, int] | None = None, key: AppKey = KEY, in_force: int = 0) -> MemoryKV:
    """An application of so many revisions on one node, in a store that takes no more at once than etcd does."""
    kv = MemoryKV(max_txn_ops=128)
    for number in range(1, count + 1):
        text = encode(replace(revision(key, number, {}), restores=(restores or {}).get(number, 0)))
        kv.commit({}, {keys.revision(key, number): text, keys.outcome(key, number): encode(Outcome("deployed", START))})
    application = Application(key.name, key.cluster, "compose.yaml", START, in_force or count, count, nodes=("n1",))
    desired = Desired(count, max(count - 1, 0))
    kv.commit({}, {keys.application(key): encode(application), keys.desired("n1", key): encode(desired)})
    return kv


def test_the_newest_stay_and_the_others_go_in_parts():
    """More than one transaction of etcd takes; a neighbour of a longer name loses nothing."""
    kv = made(300)
    neighbour = keys.revision(AppKey("default", "shop2"), 1)
    kv.commit({}, {neighbour: "{}"})
    assert Retention(kv, 100).prune() == 200
    assert held(kv) == list(range(201, 301))
    assert neighbour in kv.snapshot(neighbour).items


def test_what_is_in_force_wanted_previous_observed_or_restored_stays():
    kv = made(20, {19: 3, 2: 1}, in_force=5)
    kv.commit({}, {keys.desired("n1", KEY): encode(Desired(8, 7))})
    kv.commit({}, {keys.observed("n1", KEY): encode(Observed(1, 6, "failed", START))})
    Retention(kv, 2).prune()
    assert held(kv) == [3, 5, 6, 7, 8, 19, 20]


def test_a_deployment_in_between_is_not_raced():
    """The application has changed since it was looked at: nothing goes before it is looked at again."""

    class Changes(MemoryKV):
        changed = False

        def commit(self, expect: object, puts: object, deletes: Sequence[str] = (), lease: int = 0) -> int:
            if deletes and not self.changed:
                self.changed = True
                super().commit({}, {keys.desired("n1", KEY): encode(Desired(1, 0))})
            return super().commit(expect, puts, deletes, lease)  # type: ignore[arg-type]

    kv = Changes(max_txn_ops=128)
    source = made(10)
    kv.commit({}, {key: item.value for key, item in source.snapshot("").items.items()})
    retention = Retention(kv, 2)
    assert retention.prune() == 0
    assert held(kv) == list(range(1, 11))
    assert retention.prune() == 7
    assert held(kv) == [1, 9, 10]


def test_an_application_that_cannot_be_read_keeps_all_it_has():
    """Who is to say what it stands on."""
    kv = made(10)
    kv.commit({}, {keys.desired("n1", KEY): "{"})
    other = AppKey("default", "blog")
    items = made(10, key=other).snapshot("").items
    kv.commit({}, {key: item.value for key, item in items.items()})
    Retention(kv, 2).prune()
    assert (held(kv), held(kv, other)) == (list(range(1, 11)), [9, 10])


def test_an_application_that_did_not_change_is_not_read_again():
    """Revisions are large, and the duty looks every ten minutes."""

    class Counts(MemoryKV):
        asked = 0

        def snapshot(self, *prefixes: str):  # type: ignore[no-untyped-def]
            self.asked += prefixes[0].startswith("revisions/")
            return super().snapshot(*prefixes)

    kv = Counts(max_txn_ops=128)
    kv.commit({}, {key: item.value for key, item in made(10).snapshot("").items.items()})
    retention = Retention(kv, 2)
    retention.prune()
    before = kv.asked
    assert (retention.prune(), kv.asked) == (0, before)
