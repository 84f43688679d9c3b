"""Why no node can take a request, and the nearest thing to ask for that one of them could."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from appserver.core.placement import amounts
from appserver.core.placement.amounts import CPUS, MEMORY
from appserver.core.placement.filters import Filter, first_reason, has_ports
from appserver.core.placement.request import Candidate, Claim, Request

_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Nearest:
    """`wanted` fits on `node`. `instead` says how it differs from what was asked for, one thing each."""

    node: str
    wanted: Request
    instead: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.node} could take it with {', '.join(self.instead)}"


def nearest(wanted: Request, nodes: Sequence[Candidate], filters: Sequence[Filter]) -> Nearest | None:
    """The node that asks for the least change; None where none could take it whatever was changed.

    Fewest demands given up first, since a demand is there for a reason, then the least of the amounts.
    """
    found = [(cost, one) for node in nodes if (made := _on(wanted, node, filters)) for cost, one in [made]]
    return min(found, key=lambda each: (*each[0], each[1].node))[1] if found else None


def _on(wanted: Request, node: Candidate, filters: Sequence[Filter]) -> tuple[tuple[int, float], Nearest] | None:
    """What would fit on this node, and what it costs: demands given up, then the shares of amounts."""
    if node.against:
        return None
    asks, instead, demands = wanted, [], 0
    for field, text in _demands(wanted):
        without = _with(asks, {field: tuple(one for one in getattr(asks, field) if one != text)})
        if _only(wanted, field, text, node, filters):
            asks, demands = without, demands + 1
            instead.append(f"no {_SAID[field]} {text}")
    claim, less, share = _amounts(asks.claim, node, asks.holder)
    ports = tuple(_free_port(asks, port, node) for port in claim.ports)
    for before, after in zip(claim.ports, ports, strict=True):
        if before != after:
            instead.append(f"port {after[1]} instead of {before[1]}")
            share += 0.01
    asks = replace(asks, claim=replace(claim, ports=ports))
    if first_reason(filters, asks, node) is not None:
        return None
    return (demands, share), Nearest(node.name, asks, (*less, *instead))


_SAID = {
    "constraints": "constraint", "affinities": "affinity", "labels": "label", "whitelist": "whitelisted node",
    "beside": "container beside it",
}  # fmt: skip


def _demands(wanted: Request) -> Iterator[tuple[str, str]]:
    for field in _SAID:
        yield from ((field, text) for text in getattr(wanted, field))


def _only(wanted: Request, field: str, text: str, node: Candidate, filters: Sequence[Filter]) -> bool:
    """Whether this demand, with no other and no amount, is against the node."""
    bare = _with(replace(wanted, claim=Claim()), dict.fromkeys(_SAID, ()))
    alone = _with(bare, {field: (text,)})
    return first_reason(filters, alone, node) is not None and first_reason(filters, bare, node) is None


def _with(wanted: Request, changed: Mapping[str, Any]) -> Request:
    return replace(wanted, **changed)


def _amounts(claim: Claim, node: Candidate, holder: str) -> tuple[Claim, list[str], float]:
    """What of it the node has free, what is said of that, and the sum of the shares that are missing."""
    free, less, share = amounts.free(node, holder), [], 0.0
    asked = dict(amounts.asked(claim))
    for name, much in asked.items():
        left = max(free.get(name, 0), 0)
        if much > left:
            less.append(f"{amounts.show(name, left)} instead of {amounts.show_left(name, much)}")
            share += 1 - left / much
            asked[name] = left
    counted = {name: much for name, much in asked.items() if name not in (CPUS, MEMORY)}
    fitted = Claim(
        claim.cpus if asked[CPUS] == amounts.asked(claim)[CPUS] else asked[CPUS] / 1000,
        claim.memory if asked[MEMORY] == amounts.asked(claim)[MEMORY] else asked[MEMORY] * 1024,
        claim.ports,
        counted,
    )
    return fitted, less, share


def _free_port(wanted: Request, port: tuple[str, str, str], node: Candidate) -> tuple[str, str, str]:
    """The same, or where it is taken the next single one above it that is not; ranges are left as they are."""
    host, number, protocol = port
    while "-" not in number and int(number) < _HIGHEST_PORT:
        if has_ports(replace(wanted, claim=Claim(ports=((host, number, protocol),))), node) is None:
            return host, number, protocol
        number = str(int(number) + 1)
    return port
