"""Resources in whole numbers: thousandths of a core, KiB of memory, and what is counted as it is.

What is asked for is rounded up and what there is down, so that no sum is ever too much, and none drifts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from appserver.core.placement.request import Candidate, Claim
from image_config import units

CPUS, MEMORY = "cpus", "memory"
SLOTS = "slots"
"""Containers a node takes; its label is `containerslots`, as in Classic Swarm."""
SIZES = frozenset({"disk"})
"""Counted in bytes, and written with a unit."""
DECLARES = "resource."
"""A node's label `resource.<name>` says how much of a counted resource it has."""

Amount = Mapping[str, int]
_KIB = 1024
_MILLION, _BILLION = 10**6, 10**9
_MOST = 2**62


def asked(claim: Claim) -> Amount:
    return {CPUS: _thousandths(claim.cpus), MEMORY: -(-claim.memory // _KIB), **claim.counted}


def total(node: Candidate) -> Amount:
    """What the node has of each; what it does not name it does not have, slots apart, which are then not counted."""
    cpus, memory = size(node)
    return {CPUS: cpus, MEMORY: memory, **node.counted, **dict(_declared(node.labels))}


def size(node: Candidate) -> tuple[int, int]:
    """Its cpus and its memory."""
    return math.floor(round(node.cpus * 1000, 6)), node.memory // _KIB


def summed(claims: Iterable[Claim]) -> dict[str, int]:
    """Each is rounded by itself: what is taken is given back to the last unit."""
    cpus = memory = 0
    counted: dict[str, int] = {}
    for claim in claims:
        cpus -= -round(claim.cpus * _BILLION) // _MILLION  # `_thousandths`, of which this is most of the time
        memory -= -claim.memory // _KIB
        if claim.counted:
            for name, much in claim.counted.items():
                counted[name] = counted.get(name, 0) + much
    return {CPUS: cpus, MEMORY: memory, **counted}


def free(node: Candidate, but: str = "") -> dict[str, int]:
    """What is left of each; below zero where more is promised than there is. `but` is a holder not to count."""
    there = dict(total(node))
    for name, much in summed(node.taken_by_others(but)).items():
        there[name] = there.get(name, 0) - much
    if SLOTS in there:
        there[SLOTS] -= sum(not but or one.holder != but for one in node.residents)
    return there


def left(node: Candidate, name: str, but: str = "") -> int:
    """What is left of one resource: `free`, where that is all there is to know."""
    if name == CPUS:
        taken = sum(_thousandths(claim.cpus) for holder, claim in node.reserved.items() if holder != but)
        return size(node)[0] - taken
    if name == MEMORY:
        taken = sum(-(-claim.memory // _KIB) for holder, claim in node.reserved.items() if holder != but)
        return size(node)[1] - taken
    return free(node, but).get(name, 0)


def show(name: str, much: int) -> str:
    """As a person writes it: `0.2 cpus`, `512M of memory`, `2 gpus`."""
    return f"{show_left(name, much)} {'of memory' if name == MEMORY else name}"


def show_left(name: str, much: int) -> str:
    """The same without its name, where that has been said."""
    if name == CPUS:
        return f"{much / 1000:g}"
    much *= _KIB if name == MEMORY else 1
    return units.show_size(much) if much > 0 and name in (MEMORY, *SIZES) else str(much)


def _declared(labels: Mapping[str, str]) -> Iterable[tuple[str, int]]:
    """Labels that are no amount declare nothing: a node with a slip in a label has none of that resource."""
    for label, text in labels.items():
        name = SLOTS if label == "containerslots" else label.removeprefix(DECLARES) if DECLARES in label[:9] else ""
        if not name or name in (CPUS, MEMORY):
            continue
        much = _amount(name, text)
        if much is not None:
            yield name, much


def _amount(name: str, text: str) -> int | None:
    try:
        much = units.size(text) if name in SIZES else int(text, 10)
    except ValueError:
        return None
    return much if 0 <= much <= _MOST else None


def _thousandths(cpus: float) -> int:
    """Rounded up, where it is more than a millionth of one over."""
    return -(-round(cpus * _BILLION) // _MILLION)
