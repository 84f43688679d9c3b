"""The nodes of one decision in arrays, and what is taken of them as decisions are made.

Arrays are by node, nodes ordered by shape and then by name, whole numbers in the units of `amounts`. A node's `key` is
its rank without the request's part: `key + offset(request, shape)` is what `rank.rank` computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement import amounts, rank
from appserver.core.placement.amounts import CPUS, MEMORY
from appserver.core.placement.rank import EACH, FULL, ORDER_BITS, SCALE, Shape, Strategy
from appserver.core.placement.request import Candidate

Ints = NDArray[np.int64]
UNLIMITED = 2**62


@dataclass(slots=True)
class Table:
    """`size` and `free` are resources × nodes, `steps` shapes × (cpus, memory).

    The nodes of shape s are starts[s]:starts[s + 1].
    """

    nodes: tuple[Candidate, ...]
    resources: tuple[str, ...]
    strategy: Strategy
    size: Ints
    free: Ints
    key: Ints
    shape: NDArray[np.int32]
    starts: Ints
    steps: Ints
    rows: dict[str, int] = field(default_factory=dict)
    """Row of a node by its name."""

    @property
    def sign(self) -> int:
        """What a taken share does to the key: a full node is a good one to pack, and a bad one to spread."""
        return -1 if self.strategy == "binpack" else 1

    def offsets(self, asked: Ints) -> Ints:
        """requests × resources → requests × shapes: what each request adds to the keys of each shape's nodes."""
        most = np.where(self.steps > 0, 2 * SCALE // np.maximum(self.steps, 1), 0)
        share = np.full((len(asked), len(self.steps)), EACH, dtype=np.int64)
        for resource in (0, 1):
            share += self.steps[:, resource] * np.minimum(asked[:, resource, None], most[None, :, resource])
        return (self.sign * share) << ORDER_BITS

    def take(self, node: int, asked: Ints, offset: int, times: int = 1) -> None:
        """`offset` is that of the request on this node's shape; `times` below zero gives it back."""
        self.free[:, node] -= asked * times
        self.key[node] += offset * times


def table(candidates: Sequence[Candidate], strategy: Strategy, resources: Sequence[str] = ()) -> Table:
    """
    Args:
        resources: counted ones that requests will ask for, beside those that nodes have.
    """
    if len(candidates) > rank.MOST_NODES:
        raise ValueError(f"{len(candidates)} nodes; ranks are made for {rank.MOST_NODES}")
    shape_of = dict(zip((node.name for node in candidates), rank.shapes(candidates), strict=True))
    places = {name: place for place, name in enumerate(sorted(shape_of))}
    kinds = sorted(set(shape_of.values()), key=lambda shape: (shape.cpus, shape.memory))
    number = {kind: n for n, kind in enumerate(kinds)}
    nodes = tuple(sorted(candidates, key=lambda node: (number[shape_of[node.name]], node.name)))
    shape = np.array([number[shape_of[node.name]] for node in nodes], dtype=np.int32)
    there, left = [amounts.total(node) for node in nodes], [amounts.free(node) for node in nodes]
    counted = {name for each in left for name in each} | set(resources)
    names = (CPUS, MEMORY, *sorted(counted - {CPUS, MEMORY}))
    return Table(
        nodes=nodes,
        resources=names,
        strategy=strategy,
        size=_rows(there, names),
        free=_rows(left, names),
        key=np.array([_key(n, shape_of[n.name], strategy, places[n.name]) for n in nodes], dtype=np.int64),
        shape=shape,
        starts=np.searchsorted(shape, np.arange(len(kinds) + 1)).astype(np.int64),
        steps=np.array([(kind.cpus, kind.memory) for kind in kinds], dtype=np.int64).reshape(-1, 2),
        rows={node.name: row for row, node in enumerate(nodes)},
    )


def _rows(found: Sequence[amounts.Amount], names: Sequence[str]) -> Ints:
    """Slots that a node does not declare are not counted there; of anything else it then has none."""
    rows = [[one.get(name, UNLIMITED if name == amounts.SLOTS else 0) for one in found] for name in names]
    return np.array(rows, dtype=np.int64).reshape(len(names), -1)


def _key(node: Candidate, shape: Shape, strategy: Strategy, place: int) -> int:
    share = rank.share(node, shape)
    return (FULL - share if strategy == "binpack" else share) << ORDER_BITS | place
