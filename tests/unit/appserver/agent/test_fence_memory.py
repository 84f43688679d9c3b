"""What an agent that is started without a store remembers, and stops by it."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.agent.fence_memory import EARLY_S, Memory
from appserver.core.compose import APPLICATION
from appserver.core.entities import AppKey
from appserver.errors import ComposeError, StoreError
from appserver.ports import Compose, Engine

MOVES, ALSO = AppKey("default", "moves"), AppKey("default", "also")


class Host:
    """A state directory, containers that run, a clock and a boot."""

    def __init__(self, path: Path) -> None:
        self.path = path / "state" / "fence.json"
        self.at, self.boot = 1000.0, "one"
        self.running = {"moves": str(MOVES), "also": str(ALSO)}
        self.is_broken = False

    def agent(self) -> Memory:
        """One start of it."""
        return Memory(self.path, cast(Engine, self), cast(Compose, self), self.boot, lambda: self.at)

    def containers(self, project: str) -> tuple[Any, ...]:
        owner = self.running.get(project)
        return (SimpleNamespace(state="running", labels={APPLICATION: owner}),) if owner else ()

    def run(self, verb: str, project: str, text: str) -> None:
        if self.is_broken:
            raise ComposeError("compose is not well")
        assert (verb, text) == ("stop", "")
        del self.running[project]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(tmp_path)
    made.agent().note({MOVES: 60.0, ALSO: 600.0})
    return made


def test_what_may_move_is_stopped_when_the_rest_of_its_grace_is_over(host: Host) -> None:
    """Counted from when the store was heard of last, however often the agent is started."""
    host.at += 60 - EARLY_S - 1
    host.agent().look()
    assert {*host.running} == {"moves", "also"}
    host.at += 1
    host.agent().look()
    assert {*host.running} == {"also"}


def test_hearing_of_the_store_begins_it_anew(host: Host) -> None:
    host.at += 30
    host.agent().note({MOVES: 60.0, ALSO: 600.0})
    host.at += 60 - EARLY_S - 1
    host.agent().look()
    assert {*host.running} == {"moves", "also"}


def test_after_another_boot_the_store_has_a_moment(host: Host) -> None:
    """How long the host was off is not known: everything that may move may run elsewhere."""
    host.boot, host.at = "two", 20.0
    agent = host.agent()
    agent.look()
    assert {*host.running} == {"moves", "also"}
    host.at += EARLY_S
    agent.look()
    assert not host.running


def test_what_was_stopped_is_begun_anew_once_and_by_the_agent_that_finds_the_store(host: Host) -> None:
    host.at += 60
    host.agent().look()
    later = host.agent()
    later.look()
    assert [*later.take_stopped()] == [MOVES]
    assert [*host.agent().take_stopped()] == []


def test_what_is_somebody_elses_by_that_name_is_left_alone(host: Host) -> None:
    host.running["moves"] = "other.moves"
    host.at += 60
    host.agent().look()
    assert "moves" in host.running


def test_what_could_not_be_stopped_is_tried_again(host: Host) -> None:
    host.at += 60
    host.is_broken = True
    agent = host.agent()
    agent.look()
    host.is_broken = False
    agent.look()
    assert {*host.running} == {"also"}


def test_a_store_that_answers_stops_nothing(host: Host) -> None:
    host.at += 10_000
    host.agent().guard(MemoryKV(), "n1", Event())
    assert {*host.running} == {"moves", "also"}


def test_one_that_does_not_is_asked_until_it_does(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    kv, away = MemoryKV(), [1, 1]
    snapshot = kv.snapshot

    def asked(*names: str) -> Any:
        if away:
            away.pop()
            raise StoreError("away")
        return snapshot(*names)

    monkeypatch.setattr(kv, "snapshot", asked)
    host.at += 60
    host.agent().guard(kv, "n1", Event())
    assert (away, {*host.running}) == ([], {"also"})


@pytest.mark.parametrize("text", ["", "{", '{"boot": 1}'])
def test_a_memory_that_cannot_be_read_is_none(host: Host, text: str) -> None:
    host.path.write_text(text)
    host.at += 10_000
    host.agent().look()
    assert {*host.running} == {"moves", "also"}


def test_where_nothing_may_move_nothing_is_written(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.agent().note({})
    assert not host.path.exists()
