"""What containers on a node forbid or offer to others, beside the room that they take: ports, names, images, labels.

A mark is a tuple of words, such as ("port", "tcp", "80", ""). Those that some request is about have a row of numbers by
node: how many containers there have it. The others are only remembered, until some request is about them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import ip_address

import numpy as np
from numpy.typing import NDArray

from appserver.core.placement.request import Candidate, Port, Request, Resident
from appserver.errors import Invalid

Mark = tuple[str, ...]
Shorts = NDArray[np.int32]
EVERY = ""
"""In place of an address: every one of the host's."""
_ANY = "any"
"""In place of an address: whichever. A port that is bound has this mark too, so that one for every address sees it."""
_WIDEST_RANGE = 128


class Marks:
    """Rows and what is remembered. `rows` has room for more than are used."""

    def __init__(self, nodes: Sequence[Candidate]) -> None:
        self._nodes = nodes
        self._numbers: dict[Mark, int] = {}
        self._row_of: Shorts = np.full(1024, -1, dtype=np.int32)
        self._taken: list[tuple[Shorts, Shorts, int]] = []
        self._before: dict[Mark, list[int]] | None = None
        self.rows: Shorts = np.zeros((4, len(nodes)), dtype=np.int32)
        self.used = 0

    def number(self, mark: Mark) -> int:
        """Of a mark that a request has; the same as long as this lives."""
        found = self._numbers.setdefault(mark, len(self._numbers))
        if found >= len(self._row_of) - 1:
            self._row_of = np.concatenate([self._row_of, np.full_like(self._row_of, -1)])
        return found

    def row(self, mark: Mark) -> int:
        """The row of a mark that a request is about; made now, if it has none."""
        number = self.number(mark)
        if self._row_of[number] < 0:
            self._row_of[number] = self._make(mark, number)
        return int(self._row_of[number])

    def there(self, mark: Mark) -> Shorts:
        """By node, how many have it; changes with what is placed, until another row is made."""
        row = self.row(mark)
        counts: Shorts = self.rows[row]
        return counts

    def rows_of(self, numbers: Shorts) -> Shorts:
        """Of numbers, with -1 where there is none; -1 stays."""
        found: Shorts = self._row_of[numbers]
        return found

    def known(self, kind: str) -> list[Mark]:
        """All marks of a kind, on any node or of any request."""
        return [mark for mark in {**self._numbers, **dict.fromkeys(self._known_before())} if mark[0] == kind]

    def remember(self, numbers: Shorts, nodes: Shorts, times: int) -> None:
        """Requests × marks were put on `nodes`, or taken away. Rows are not changed by this."""
        if numbers.shape[1]:
            self._taken.append((numbers, nodes, times))

    def _make(self, mark: Mark, number: int) -> int:
        if self.used == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        row = self.rows[self.used]
        for node in self._known_before().get(mark, ()):
            row[node] += 1
        for numbers, nodes, times in self._taken:
            held = nodes[(numbers == number).any(axis=1) & (nodes >= 0)]
            np.add.at(row, held, times)
        self.used += 1
        return self.used - 1

    def _known_before(self) -> dict[Mark, list[int]]:
        if self._before is None:
            self._before = defaultdict(list)
            for row, node in enumerate(self._nodes):
                for mark in _marks_before(node):
                    self._before[mark].append(row)
        return self._before


def of_request(wanted: Request) -> dict[Mark, None]:
    """What it will be marked with where it runs, each once."""
    return dict.fromkeys((*of_ports(wanted.claim.ports), *of_resident(resident(wanted))))


def resident(wanted: Request) -> Resident:
    """What a request is for others, once it is placed."""
    return Resident(
        name=wanted.name,
        image=wanted.image,
        labels=wanted.container_labels,
        group=wanted.group,
        holder=wanted.holder,
    )


def of_resident(one: Resident) -> Iterator[Mark]:
    if one.name:
        yield ("container", one.name)
        yield ("name", one.name.lstrip("/"))
    if one.id and one.id != one.name:
        yield ("container", one.id)
    if one.image and one.running:
        yield ("running", one.image)
    if one.group:
        yield ("group", one.group)
    for label, value in one.labels.items():
        yield ("label", label, value)


def of_ports(ports: Iterable[Port], widest: int = _WIDEST_RANGE) -> Iterator[Mark]:
    for host, numbers, protocol in ports:
        for number in _each(numbers, widest):
            yield ("port", protocol, number, _address(host))
            yield ("port", protocol, number, _ANY)


def forbidden_by_ports(ports: Iterable[Port]) -> Iterator[Mark]:
    """Marks that must not be where these ports are to be bound."""
    for host, numbers, protocol in ports:
        address = _address(host)
        for number in _each(numbers):
            if address == EVERY:
                yield ("port", protocol, number, _ANY)
            else:
                yield ("port", protocol, number, address)
                yield ("port", protocol, number, EVERY)


def _marks_before(node: Candidate) -> Iterator[Mark]:
    for claim in node.reserved.values():
        yield from dict.fromkeys(of_ports(claim.ports, 2**16))
    for one in node.residents:
        yield from dict.fromkeys(of_resident(one))


@lru_cache(maxsize=4096)
def _each(numbers: str, widest: int = _WIDEST_RANGE) -> tuple[str, ...]:
    """
    Raises:
        Invalid: a range so wide that marking each port of it would cost more than it is worth.
    """
    first, _, last = numbers.partition("-")
    if last and int(last) - int(first) >= widest:
        raise Invalid("ports", f"{numbers} is a range of more than {widest} ports")
    return tuple(str(number) for number in range(int(first), int(last or first) + 1))


@lru_cache(maxsize=4096)
def _address(host: str) -> str:
    if not host:
        return EVERY
    address = ip_address(host.strip("[]"))
    return EVERY if address.is_unspecified else str(address)
