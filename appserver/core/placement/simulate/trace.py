"""The two files of a simulation, read strictly: a slip in line 7,000 is told, and nothing is guessed.

    nodes.csv      name,cpus,memory,labels
    requests.csv   name,cpus,memory,labels,arrival,departure

Memory is in MB, or has a unit (`2G`). Labels are separated by `;`: of a node `key=value` or bare words, of a request
the same, which the node must have, or expressions such as `zone!=b`. Arrival and departure are seconds, the latter
empty for what stays.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from appserver.core.placement.expressions import parse
from appserver.core.placement.kinds import MEGABYTES, NUMBER
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.core.placement.translate import candidate
from appserver.core.placement.values import MB, Engine
from appserver.errors import Invalid

NODES = ("name", "cpus", "memory", "labels")
REQUESTS = (*NODES, "arrival", "departure")
_MOST_ROWS = 5_000_000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, and from when to when it is there; infinity for what stays."""

    request: Request
    arrival: float
    departure: float


def read_nodes(lines: Iterable[str], file: str = "nodes.csv") -> tuple[Candidate, ...]:
    """
    Raises:
        Invalid: `where` is file and line.
    """
    return _read(lines, file, NODES, _node, lambda node: node.name)


def read_requests(lines: Iterable[str], file: str = "requests.csv") -> tuple[Visit, ...]:
    """
    Raises:
        Invalid: `where` is file and line.
    """
    return _read(lines, file, REQUESTS, _visit, lambda visit: visit.request.holder)


def _read(
    lines: Iterable[str],
    file: str,
    columns: tuple[str, ...],
    made: Callable[[dict[str, str], str], _T],
    name: Callable[[_T], str],
) -> tuple[_T, ...]:
    found: list[_T] = []
    seen: dict[str, int] = {}
    for number, row in _rows(lines, file, columns):
        where = f"{file}:{number}"
        one = made(row, where)
        if name(one) in seen:
            raise Invalid(where, f"{name(one)!r} is in line {seen[name(one)]} already")
        seen[name(one)] = number
        found.append(one)
    if not found:
        raise Invalid(file, "has no rows")
    return tuple(found)


def _rows(lines: Iterable[str], file: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
        if header is None or tuple(cell.strip().removeprefix("\ufeff") for cell in header) != columns:
            raise Invalid(f"{file}:1", f"is not {','.join(columns)}")
        for row in reader:
            if len(row) != len(columns):
                raise Invalid(f"{file}:{reader.line_num}", f"has {len(row)} cells, not {len(columns)}")
            if reader.line_num > _MOST_ROWS:
                raise Invalid(f"{file}:{reader.line_num}", f"is beyond the {_MOST_ROWS} lines that are read")
            yield reader.line_num, dict(zip(columns, map(str.strip, row), strict=True))
    except csv.Error as error:
        raise Invalid(f"{file}:{reader.line_num}", f"is not CSV: {error}") from None


def _node(row: dict[str, str], where: str) -> Candidate:
    engine = Engine(
        id=_name(row, where),
        cpus=NUMBER.read(row["cpus"], f"{where}: cpus"),
        memory=MEGABYTES.read(row["memory"], f"{where}: memory"),
        labels=_labels(row),
    )
    return candidate(engine)


def _visit(row: dict[str, str], where: str) -> Visit:
    labels = _labels(row)
    expressions = tuple(label for label in labels if "==" in label or "!=" in label or "=~" in label)
    for text in expressions:
        parse(text, f"{where}: labels")
    claim = Claim(
        NUMBER.read(row["cpus"], f"{where}: cpus"), math.ceil(MEGABYTES.read(row["memory"], f"{where}: memory") * MB)
    )
    arrival = _seconds(row["arrival"], f"{where}: arrival")
    departure = _seconds(row["departure"], f"{where}: departure") if row["departure"] else math.inf
    if departure <= arrival:
        raise Invalid(f"{where}: departure", f"{row['departure']} is not after the arrival at {row['arrival']}")
    words = tuple(label for label in labels if label not in expressions)
    request = Request(
        holder=_name(row, where),
        claim=claim,
        constraints=expressions,
        type="service" if words else "",
        labels=words,
        reschedulable=True,
    )
    return Visit(request, arrival, departure)


def _name(row: dict[str, str], where: str) -> str:
    name = row["name"]
    if not name or len(name) > 253 or not name.isprintable():
        raise Invalid(f"{where}: name", "is empty, too long, or has characters that cannot be printed")
    return name


def _labels(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(label.strip() for label in row["labels"].split(";") if label.strip())


def _seconds(text: str, where: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise Invalid(where, f"{text[:40]!r} is not a number of seconds") from None
    if not math.isfinite(found):
        raise Invalid(where, f"{text[:40]!r} is not a number of seconds")
    return found
