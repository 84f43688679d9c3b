"""Containers that were placed here and are no application's: told while they run, and only they."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.agent.guests import LABEL, Guests
from appserver.core.containers import ContainerState
from appserver.core.entities import ContainerRecord
from appserver.core.placement.placed import Placed
from appserver.errors import StoreError
from appserver.ports import Engine
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import below
from tests.fakes import START


@dataclass(slots=True)
class Listed:
    """`Engine`, of which only the list of what runs is asked."""

    running_now: list[ContainerState] = field(default_factory=list)

    def running(self) -> tuple[ContainerState, ...]:
        return tuple(self.running_now)


@dataclass(slots=True)
class Rig:
    kv: MemoryKV = field(default_factory=MemoryKV)
    engine: Listed = field(default_factory=Listed)

    def guests(self) -> Guests:
        return Guests(self.kv, cast(Engine, self.engine), "n1", "default")

    def place(self, name: str, node: str = "n1") -> None:
        self.kv.commit({}, {keys.placement("default", name): encode(Placed(node, "web:1", START, "ann"))})

    def starts(self, name: str, **labels: str) -> None:
        marks = {key.replace("__", "."): value for key, value in labels.items()}
        state = ContainerState(f"id-{name}", name, "", "", "running", "web:1", "sha256:aa", "", labels=marks)
        self.engine.running_now.append(state)

    def told(self) -> dict[str, str]:
        """Name to node."""
        prefix = "containers/default/"
        return {name: one.record.node for name, one in below(self.kv.snapshot(prefix), prefix, ContainerRecord)}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_who_has_a_place_here_is_told_while_it_runs(rig: Rig) -> None:
    """By its name; strangers and applications' containers are not."""
    rig.place("web")
    rig.place("elsewhere", "n2")
    for name in ("web", "elsewhere", "stranger"):
        rig.starts(name)
    rig.starts("shop-web-1", moorage__application="default.shop")
    guests = rig.guests()
    guests.look()
    assert rig.told() == {"web": "n1"}
    rig.engine.running_now.clear()
    guests.look()
    assert rig.told() == {}


def test_who_says_that_it_was_placed_is_told(rig: Rig) -> None:
    """Its room was given back before it came: so it is known for one of ours, and for having none."""
    rig.starts("late", **{LABEL.replace(".", "__"): "default/late"})
    rig.starts("liar", **{LABEL.replace(".", "__"): "default/late"})
    rig.guests().look()
    assert rig.told() == {"late": "n1"}


def test_one_that_runs_on_is_told_though_its_room_is_given_back(rig: Rig) -> None:
    """Until it ends."""
    rig.place("web")
    rig.starts("web")
    guests = rig.guests()
    guests.look()
    rig.kv.commit({}, {}, [keys.placement("default", "web")])
    guests.look()
    assert rig.told() == {"web": "n1"}


def test_an_agent_that_was_restarted_knows_what_it_told(rig: Rig) -> None:
    """What ended meanwhile goes; nothing is written twice."""
    for name in ("web", "gone"):
        rig.place(name)
        rig.starts(name)
    rig.guests().look()
    rig.engine.running_now.pop()
    before = rig.kv.snapshot("containers/").items["containers/default/web"].revision
    rig.guests().look()
    assert rig.told() == {"web": "n1"}
    assert rig.kv.snapshot("containers/").items["containers/default/web"].revision == before


def test_what_is_anothers_stays(rig: Rig) -> None:
    """A record of an application, or of another node's container, under the same name."""
    rig.place("web")
    rig.starts("web")
    theirs = ContainerRecord("id", "web:1", "sha256:aa", "running", "n2", "default.shop")
    rig.kv.commit({}, {keys.container("default", "web"): encode(theirs)})
    guests = rig.guests()
    guests.look()
    rig.engine.running_now.clear()
    guests.look()
    assert rig.told() == {"web": "n2"}


class Away(MemoryKV):
    """A store that takes nothing for once."""

    times = 0

    def commit(
        self, expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int:
        if self.times:
            self.times -= 1
            raise StoreError("etcd is away")
        return super().commit(expect, puts, deletes, lease)


def test_a_store_that_is_away_is_asked_again() -> None:
    """Nothing is forgotten of what was to be told."""
    rig = Rig(kv := Away())
    rig.place("web")
    rig.starts("web")
    guests, kv.times = rig.guests(), 1
    with pytest.raises(StoreError):
        guests.look()
    guests.look()
    assert rig.told() == {"web": "n1"}
