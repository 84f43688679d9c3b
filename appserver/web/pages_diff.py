"""A unified difference as rows that a page can number and mark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `old` and `new` are its numbers on each side, 0 where it has none."""

    kind: Literal["hunk", "add", "del", "same"]
    text: str
    old: int = 0
    new: int = 0


def between(before: str, after: str, context: int = 3) -> str:
    """The unified difference of two texts, without file headers; empty when they are equal."""
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=context))
    return "\n".join(lines[2:])


def rows(diff: str) -> tuple[Row, ...]:
    """File headers are left out: the page says what is compared."""
    return tuple(_rows(diff))


def _rows(diff: str) -> Iterator[Row]:
    old = new = 0
    in_hunk = False
    for line in diff.splitlines():
        if found := _HUNK.match(line):
            old, new = int(found[1]), int(found[2])
            in_hunk = True
            yield Row("hunk", f"line {new}")
        elif not in_hunk:
            continue
        elif line.startswith("+"):
            yield Row("add", line[1:], new=new)
            new += 1
        elif line.startswith("-"):
            yield Row("del", line[1:], old=old)
            old += 1
        elif not line.startswith("\\"):
            yield Row("same", line[1:], old=old, new=new)
            old, new = old + 1, new + 1
