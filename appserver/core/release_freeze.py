"""Freezes: times in which no release is taken, as people write them, one in a line.

Migration of the data centre            from now on, until the line is taken out
2026-12-20..2027-01-05 Turn of the year both days included
..2026-11-30 Audit                      until that day is over
2027-02-01.. Rebuilding                 from that day on
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from appserver.errors import Invalid

MOST = 50
_DATES = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})?\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})?(?: +(.*))?")
_LIKE_A_DATE = re.compile(r"[0-9.-]+(?: .*)?")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Freeze:
    """`first` and `last` are days that it holds on, None where it has no such end."""

    why: str
    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def __str__(self) -> str:
        until = f"until the end of {self.last}" if self.last else "until further notice"
        return f"frozen {until}: {self.why}"


def read(text: str) -> tuple[Freeze, ...]:
    """
    Raises:
        Invalid: the place is the line, where there are several.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not 1 <= len(lines) <= MOST:
        raise Invalid("", f"is 1 to {MOST} lines, each a reason with or without dates before it")
    return tuple(_line(line, f"line {at}" if len(lines) > 1 else "") for at, line in enumerate(lines, 1))


def _line(line: str, where: str) -> Freeze:
    found = _DATES.fullmatch(line)
    if found is None and _LIKE_A_DATE.fullmatch(line):
        raise Invalid(where, "dates are written 2026-12-20..2027-01-05, or with one end left out")
    why = (found[3] or "" if found else line).strip()
    if not why or len(why) > _LONGEST or not why.isprintable():
        raise Invalid(where, f"has to say why, in up to {_LONGEST} printable characters")
    if found is None:
        return Freeze(why)
    first, last = (_day(text, where) for text in found.groups()[:2])
    if first is None and last is None:
        raise Invalid(where, "names no day beside the two dots")
    if first and last and last < first:
        raise Invalid(where, "ends before it begins")
    return Freeze(why, first, last)


def _day(text: str | None, where: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid(where, "names a day that there is not") from error
