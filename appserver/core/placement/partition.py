"""Whose nodes are whose, where several schedulers decide at once.

Each prefers the nodes that are its own and borrows others only when none of its own can take a request: decisions made
at the same moment then seldom want the same node, and the cluster manager seldom has to refuse one of them.
No scheduler asks another; all come to the same answer from the same names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from appserver.core.placement import rank


class Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def split(nodes: Sequence[N], schedulers: Sequence[str], own: str) -> tuple[tuple[N, ...], tuple[N, ...]]:
    """The nodes that are `own`'s, and the others. One that is not among `schedulers`, or is alone, has them all.

    Args:
        schedulers: by a name that each keeps for as long as it runs, such as the app server's.
    """
    if own not in schedulers:
        return tuple(nodes), ()
    words = {name: rank.word("scheduler", name) for name in sorted(set(schedulers))}
    mine: list[N] = []
    others: list[N] = []
    for node in nodes:
        (mine if _owner(node.name, words) == own else others).append(node)
    return tuple(mine), tuple(others)


def owner(node: str, schedulers: Sequence[str]) -> str:
    """Rendezvous hashing: when a scheduler goes, its nodes alone change hands, spread over all that are left."""
    return _owner(node, {name: rank.word("scheduler", name) for name in sorted(set(schedulers))})


def _owner(node: str, words: dict[str, int]) -> str:
    here = rank.word(node)
    return min(words, key=lambda name: rank.scattered(words[name], here, 0))
