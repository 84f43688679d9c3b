"""Many groups decided at once: each on what those before it left, a group whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from appserver.core.placement.batch import is_special
from appserver.core.placement.index import Index
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Request

Nodes = tuple[str, ...]
"""Of each request of a group, in order."""
_ASKS_WHO_IS_THERE = frozenset({"unique", "unique-name", "multi", "image"})
"""Types whose answer depends on what runs on a node."""


@dataclass(slots=True)
class Load:
    """Groups for one transaction: their numbers, what each node is to take, and how many containers that is."""

    groups: list[int] = field(default_factory=list)
    nodes: dict[str, list[Request]] = field(default_factory=dict)
    containers: int = 0


def decide(indexes: Callable[[], Iterable[Index]], groups: Sequence[Sequence[Request]]) -> list[Nodes | None]:
    """Of each group the nodes, or None where not all of it has room; what has is taken in the indexes.

    Args:
        indexes: of different nodes, asked for as they are needed: who finds nothing in the first goes on to the next.
    Raises:
        Invalid: an expression, a type, or a range of ports that nobody can evaluate.
    """
    found: list[Nodes | None] = [None] * len(groups)
    for first, end in _runs(groups):
        whole = len(groups[first]) != 1
        names = _placed(indexes(), [one for group in groups[first:end] for one in group], whole)
        if not whole:
            found[first:end] = [(name,) if name else None for name in names]
        elif None not in names:
            found[first] = tuple(name for name in names if name)
    return found


def asks_who_is_there(wanted: Request, strategy: Strategy) -> bool:
    """Whether its decision looks at what runs on the nodes, beside the room that is left."""
    return wanted.type in _ASKS_WHO_IS_THERE or is_special(wanted, strategy)


def loads(
    decided: Mapping[int, Nodes], groups: Sequence[Sequence[Request]], fits: Callable[[int, int], bool]
) -> Iterator[Load]:
    """Groups on the same nodes go together, so many as a transaction takes. One that is larger goes alone.

    Args:
        decided: number of the group to its nodes.
        fits: whether so many nodes with so many containers are not too much for one transaction.
    """
    load = Load()
    for number in sorted(decided, key=lambda n: (decided[n], n)):
        size, nodes = len(groups[number]), set(decided[number])
        if load.groups and not fits(len(nodes | load.nodes.keys()), load.containers + size):
            yield load
            load = Load()
        load.groups.append(number)
        load.containers += size
        for node, one in zip(decided[number], groups[number], strict=True):
            load.nodes.setdefault(node, []).append(one)
    if load.groups:
        yield load


def _runs(groups: Sequence[Sequence[Request]]) -> Iterator[tuple[int, int]]:
    """Groups of one are decided together, since none of them leaves anything half done; larger ones each by itself."""
    first = 0
    for number, group in enumerate(groups):
        if len(group) != 1:
            if first < number:
                yield first, number
            yield number, number + 1
            first = number + 1
    if first < len(groups):
        yield first, len(groups)


def _placed(indexes: Iterable[Index], asked: Sequence[Request], whole: bool) -> list[str | None]:
    """`whole`: where one of them finds no node, none of them takes anything."""
    names: list[str | None] = [None] * len(asked)
    taken = []
    for index in indexes:
        left = [number for number, name in enumerate(names) if name is None]
        batch = index.read([asked[number] for number in left])
        rows = index.place(batch)
        taken.append((index, batch, rows))
        for number, name in zip(left, index.names(rows), strict=True):
            names[number] = name
        if None not in names:
            break
    if whole and None in names:
        for index, batch, rows in taken:
            index.give(batch, rows)
    return names
