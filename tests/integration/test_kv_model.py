"""Random use of every KV beside a model of what it promises."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from appserver.adapters.etcd import Etcd
from appserver.adapters.memory import MemoryKV
from appserver.ports import KV, Change, Item
from tests.lab.etcd import Cluster
from tests.lab.kv import BACKENDS, take

KEYS = st.sampled_from(["a", "a/x", "a/y", "a0", "ab/x", "b/x", "b/y/z"])
PREFIXES = st.sampled_from(["a", "a/", "ab/", "b/", "b/y/", "none/", "none", ""])


class Model(RuleBasedStateMachine):
    """Random commits and reads beside a dictionary and a list that say what must come of them."""

    make: Callable[[], KV]

    @initialize()
    def begin(self) -> None:
        self.kv = type(self).make()
        self.items: dict[str, Item] = {}
        self.history: list[Change] = []
        self.start = self.revision = self.kv.snapshot().revision

    @rule(
        right=st.sets(KEYS, max_size=3),
        wrong=st.dictionaries(KEYS, st.integers(0, 3), max_size=1),
        puts=st.dictionaries(KEYS, st.text(max_size=3), max_size=3),
        deletes=st.sets(KEYS, max_size=2),
    )
    def commit(self, right: set[str], wrong: dict[str, int], puts: dict[str, str], deletes: set[str]) -> None:
        """Expectations are right, or off by something; deletes keep clear of puts."""
        expect = {key: self.of(key) for key in right} | {key: self.of(key) + off for key, off in wrong.items()}
        gone = sorted(deletes - puts.keys())
        done = self.kv.commit(expect, puts, gone)
        if any(revision != self.of(key) for key, revision in expect.items()):
            assert done == 0
            return
        gone = [key for key in gone if key in self.items]
        assert (done > self.revision) if puts or gone else (done == self.revision)
        self.revision = done
        for key, value in puts.items():
            created = self.items[key].created if key in self.items else done
            self.items[key] = Item(value, done, created)
            self.history.append(Change(key, value, done))
        for key in gone:
            del self.items[key]
            self.history.append(Change(key, None, done))

    @rule(prefixes=st.lists(PREFIXES, max_size=3))
    def read(self, prefixes: list[str]) -> None:
        seen = self.kv.snapshot(*prefixes)
        assert seen.revision == self.revision
        assert list(seen.items.items()) == sorted((k, item) for k, item in self.items.items() if covers(k, prefixes))

    @rule(prefix=PREFIXES, back=st.integers(0, 5))
    def replay(self, prefix: str, back: int) -> None:
        after = max(self.start, self.revision - back)
        wanted = [c for c in self.history if c.revision > after and covers(c.key, [prefix])]
        assert take(self.kv.watch(prefix, after), len(wanted)) == wanted

    def of(self, key: str) -> int:
        return self.items[key].revision if key in self.items else 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_random_use_agrees_with_a_model(backend: str, etcd: Cluster) -> None:
    """Whatever is committed, read and replayed, in whatever order, memory, etcd and a dictionary agree."""
    with ExitStack() as undo:

        def fresh_etcd() -> KV:
            undo.close()
            client = Etcd(etcd.endpoints, prefix=f"/model-{os.getpid()}-{next(numbers)}/", page_keys=2)
            undo.callback(client.close)
            return client

        numbers = count()
        machine = type("BoundModel", (Model,), {"make": staticmethod(MemoryKV if backend == "memory" else fresh_etcd)})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=30,
                stateful_step_count=15,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
                database=None,
            ),
        )


def covers(key: str, prefixes: Sequence[str]) -> bool:
    return any(key.startswith(p) if not p or p.endswith("/") else key == p for p in prefixes)
