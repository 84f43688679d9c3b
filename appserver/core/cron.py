"""Lines of cron: at which minutes they fire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from appserver.errors import Invalid

SHORT: Mapping[str, str] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: Mapping[str, Mapping[str, int]] = {
    "month": {name: number for number, name in enumerate(_MONTHS, 1)},
    "weekday": {name: number for number, name in enumerate(_WEEKDAYS)},
}
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True, slots=True)
class Cron:
    """One line. `weekdays` count from Sunday, 0. `either`: a day that fits one of `days` and `weekdays` is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def fires(self, at: datetime) -> bool:
        """Whether it does in the minute of `at`, on the clock of the time zone that `at` is in."""
        if at.minute not in self.minutes or at.hour not in self.hours or at.month not in self.months:
            return False
        day, weekday = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return day or weekday if self.either else day and weekday


def parse(line: str, where: str = "") -> Cron:
    """A line of five fields (minute, hour, day, month, weekday), or one of `@hourly` and its like.

    As everywhere: where day and weekday are both restricted, either of them is enough.

    Raises:
        Invalid: it is no such line, or no day would ever fit.
    """
    fields = SHORT.get(line.strip().lower(), line).split()
    if len(fields) != len(_FIELDS):
        raise Invalid(where, "a line of cron has five fields: minute, hour, day, month, weekday")
    minutes, hours, days, months, weekdays = (
        frozenset(_values(text, *rule, where)) for text, rule in zip(fields, _FIELDS, strict=True)
    )
    either = not fields[2].startswith(("*", "?")) and not fields[4].startswith(("*", "?"))
    if not either and min(days) > max(_LONGEST_MONTH.get(month, 31) for month in months):
        raise Invalid(where, "never fires: no month it names has such a day")
    return Cron(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either)


def _values(text: str, field: str, least: int, most: int, where: str) -> Iterator[int]:
    for part in text.lower().split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, field, 1, most, where) if slash else 1
        if span in ("*", "?"):
            first, last = least, min(most, 6) if field == "weekday" else most
        else:
            begins, dash, ends = span.partition("-")
            first = _number(begins, field, least, most, where)
            last = _number(ends, field, least, most, where) if dash else most if slash else first
        if first > last:
            raise Invalid(where, f"{field}: a range goes from the lesser to the greater")
        yield from range(first, last + 1, step)


def _number(text: str, field: str, least: int, most: int, where: str) -> int:
    if text in _NAMES.get(field, {}):
        return _NAMES[field][text]
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and least <= int(text) <= most):
        raise Invalid(where, f"{field}: is a number of {least} to {most}")
    return int(text)
