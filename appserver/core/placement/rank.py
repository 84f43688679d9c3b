"""How good a node is for a request, as a whole number: the least is the best, and no two nodes have the same.

The share of a node is the sum of the shares of its cpus and of its memory: 0 is an empty node, 2 a full one. It is
kept as a multiple of 1/SCALE, linear in what is reserved, so that an index may keep it up to date by adding, and that
two who compute it agree to the last bit. Who gets a container is decided by the share the node would have *with* it, as
in Citadel and Classic Swarm; of nodes that are alike by the number of what they hold, then by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from appserver.core.placement import amounts
from appserver.core.placement.amounts import CPUS, MEMORY
from appserver.core.placement.request import Candidate, Request

Strategy = Literal["spread", "binpack", "random"]
STRATEGIES: tuple[Strategy, ...] = ("spread", "binpack", "random")

SCALE = 2**38
EACH = 2**18
"""What a container adds to the share beside its size: a millionth, so that containers of no size are spread too."""
FULL = 2**42
"""More than any share comes to, with what is cut in `Shape.share`."""
ORDER_BITS = 20
"""The low bits of a rank are the node's place by name."""
MOST_NODES = 2**ORDER_BITS
MOST_SHAPES = 64
_MOST_COUNT = 2**18
_WORD = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Shape:
    """Nodes of one size: what a thousandth of a core and a KiB of memory are of a node, in 1/SCALE."""

    cpus: int
    memory: int

    def share(self, cpus: int, memory: int, count: int = 1) -> int:
        """Amounts beyond twice the node are cut: they do not fit, and whole numbers of 64 bits are to hold it."""
        return self._of(cpus, self.cpus) + self._of(memory, self.memory) + EACH * min(count, _MOST_COUNT)

    @staticmethod
    def _of(much: int, unit: int) -> int:
        return unit * min(much, 2 * SCALE // unit) if unit else 0


@dataclass(frozen=True, slots=True)
class Order:
    """What ranks are measured with: one value for all nodes of a decision."""

    shapes: Mapping[str, Shape]
    places: Mapping[str, int]
    """Place of each node by name."""


def order(nodes: Sequence[Candidate]) -> Order:
    places = {name: place for place, name in enumerate(sorted(node.name for node in nodes))}
    return Order(dict(zip((node.name for node in nodes), shapes(nodes), strict=True)), places)


def shapes(nodes: Sequence[Candidate]) -> list[Shape]:
    """One for each node. Sizes are rounded, for the rank alone, while there are more than MOST_SHAPES of them.

    Two hosts with the same memory seldom report the same number of bytes.
    """
    sizes = [amounts.size(node) for node in nodes]
    digits = 6
    while len(set(sizes)) > MOST_SHAPES and digits:
        sizes = [(_rounded(cpus, digits), _rounded(memory, digits)) for cpus, memory in sizes]
        digits -= 1
    known = {size: Shape(*(SCALE // much if much > 0 else 0 for much in size)) for size in set(sizes)}
    return [known[size] for size in sizes]


def share(node: Candidate, shape: Shape, but: str = "") -> int:
    """Of what is promised, and of what is in use beyond that. `but` is a holder not to count."""
    claims = node.taken_by_others(but)
    held = amounts.summed((*claims, node.beyond))
    return shape.share(held[CPUS], held[MEMORY], len(claims))


def share_with(wanted: Request, node: Candidate, shape: Shape) -> int:
    asks = amounts.asked(wanted.claim)
    return share(node, shape, wanted.holder) + shape.share(asks[CPUS], asks[MEMORY])


def rank(strategy: Strategy, wanted: Request, node: Candidate, by: Order, seed: int = 0) -> int:
    """Less is better. Every node has another one."""
    place = by.places[node.name]
    if strategy == "random":
        return scattered(word(wanted.holder, wanted.name), word(node.name), seed) << ORDER_BITS | place
    with_it = share_with(wanted, node, by.shapes[node.name])
    return (with_it if strategy == "spread" else FULL - with_it) << ORDER_BITS | place


def scattered(request: int, node: int, seed: int) -> int:
    """38 bits that are as good as random, and the same for the same three: each node is as likely as any other."""
    mixed = (request ^ node ^ seed * 0x9E3779B97F4A7C15) & _WORD
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _WORD
    return (mixed ^ mixed >> 31) >> 26


def word(*names: str) -> int:
    return int.from_bytes(sha256("\n".join(names).encode()).digest()[:8], "big")


def _rounded(much: int, digits: int) -> int:
    """Its first binary digits."""
    beyond = max(much.bit_length() - digits, 0)
    return much >> beyond << beyond
