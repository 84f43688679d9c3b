"""For how long nodes of a Swarm are up or down, in the eyes of a manager that leads, and leads no more."""

from __future__ import annotations

from dataclasses import replace

from appserver.agent.swarm import Spells
from appserver.core.swarm_nodes import Member

HERE = Member("a", {}, "active", manager=True, votes=True, reachable=True)
DOWN = replace(HERE, ready=False, reachable=False)


def test_a_spell_counts_from_when_it_began() -> None:
    spells = Spells(10.0)
    assert spells.seen([DOWN], 100.0) == ([], [])
    assert spells.seen([DOWN], 105.0) == ([], [])
    assert spells.seen([DOWN], 110.0) == (["a"], [])
    assert spells.seen([HERE], 111.0) == ([], [])
    assert spells.seen([DOWN], 120.0) == ([], []), "back for a moment, it begins anew"


def test_who_did_not_look_for_a_while_does_not_know() -> None:
    """Another led meanwhile, or the store was away: what was an hour ago says nothing of now."""
    spells = Spells(10.0)
    spells.seen([DOWN], 100.0)
    assert spells.seen([DOWN], 4000.0) == ([], [])
    spells.forget()
    assert spells.seen([DOWN], 4009.0) == ([], [])
    assert spells.seen([DOWN], 4018.0) == ([], [])
    assert spells.seen([DOWN], 4019.0) == (["a"], [])


def test_a_worker_that_is_down_is_nobodys_loss() -> None:
    worker = replace(DOWN, manager=False, votes=False)
    spells = Spells(1.0)
    spells.seen([worker], 0.0)
    assert spells.seen([worker], 5.0) == ([], [])
