"""A node that has lost the store: what it stops, when, and what it takes up again."""

from __future__ import annotations

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.agent.fence import EARLY_S, Fence
from appserver.agent.lanes import Lanes
from appserver.agent.wishes import Wish, Wishes
from appserver.core.entities import AppKey, Desired, Options
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.records import revision

MOVES, STAYS = AppKey("default", "moves"), AppKey("default", "stays")


class Node:
    """What is wanted is on record and known; `lost` is since when the lease is gone."""

    def __init__(self) -> None:
        self.kv = MemoryKV()
        self.wishes = Wishes(self.kv)
        self.lost: float | None = None
        self.fence = Fence(self.kv, "n1", self.wishes, Lanes(lambda *_: None), lambda: self.lost)
        for key, grace in ((MOVES, 60.0), (STAYS, None)):
            made = revision(key, 1, {"web": {"image": "web:1"}}, Options(grace_s=grace))
            self.kv.commit({}, {keys.revision(key, 1): encode(made)})
            self.wishes.revision(key, 1)
            self.want(key, Desired(1, 0))

    def want(self, key: AppKey, wanted: Desired, heard: bool = True) -> None:
        at = self.kv.commit({}, {keys.desired("n1", key): encode(wanted)})
        if heard:
            self.wishes.set(key, Wish(wanted, at))

    def runs(self) -> tuple[str, str]:
        found = (self.wishes.get(MOVES), self.wishes.get(STAYS))
        return tuple(one.desired.run if one else "" for one in found)  # type: ignore[return-value]  # two of them


@pytest.fixture
def node() -> Node:
    return Node()


def test_what_may_move_is_stopped_before_its_grace_is_over_and_nothing_else(node: Node) -> None:
    node.fence.look(1000.0)
    node.lost = 1000.0
    node.fence.look(1000.0 + 60 - EARLY_S - 0.1)
    assert node.runs() == ("running", "running")
    node.fence.look(1000.0 + 60 - EARLY_S)
    assert node.runs() == ("stopped", "running")


def test_what_has_moved_is_not_started_again(node: Node) -> None:
    """What was wanted before is not taken for what is wanted now: the record is read first."""
    node.lost = 1000.0
    node.fence.look(1060.0)
    node.want(MOVES, Desired(1, 0, run="removed"), heard=False)
    node.lost = None
    node.fence.look(1061.0)
    assert node.runs() == ("removed", "running")


def test_what_has_not_moved_goes_on(node: Node) -> None:
    before = node.wishes.get(MOVES)
    node.lost = 1000.0
    node.fence.look(1060.0)
    node.lost = None
    node.fence.look(1061.0)
    assert node.wishes.get(MOVES) == before


def test_it_stays_stopped_while_what_is_wanted_cannot_be_read(node: Node) -> None:
    node.lost = 1000.0
    node.fence.look(1060.0)
    node.lost = None
    node.kv.commit({}, {keys.desired("n1", MOVES): "{"})
    node.fence.look(1061.0)
    assert node.runs() == ("stopped", "running")
    node.want(MOVES, Desired(1, 0), heard=False)
    node.fence.look(1062.0)
    assert node.runs() == ("running", "running")
