"""Durations as Go writes them, `1h30m0s`, to whole nanoseconds and back: etcd holds a decimal number of those."""

from __future__ import annotations

import re

from appserver.errors import Invalid

LONGEST = 2**63 - 1
"""Nanoseconds: some 292 years, the most that Go's own type holds."""
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "\u03bcs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?([a-z\u00b5\u03bc]+)")
_WHOLE = re.compile(rf"[+-]?(?:{_PART.pattern})+")
_MOST_CHARACTERS = 100


def parse(text: str, where: str = "") -> int:
    """Nanoseconds of `1h30m`, `1.5s`, `-2m`, `0`. What is less than a nanosecond is cut off, as Go does.

    Raises:
        Invalid: it is no duration, or longer than one can be.
    """
    if text in ("0", "+0", "-0"):
        return 0
    if len(text) > _MOST_CHARACTERS or not _WHOLE.fullmatch(text):
        raise Invalid(where, "is no duration such as 90s, 10m or 1h30m")
    total = sum(_nanoseconds(found, where) for found in _PART.finditer(text))
    if total > LONGEST:
        raise Invalid(where, f"is longer than a duration can be, which is {told(LONGEST)}")
    return -total if text[0] == "-" else total


def told(nanoseconds: int) -> str:
    """As Go prints it: `1h30m0s`, `1.5s`, `2µs`, `0s`."""
    sign, rest = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
    if rest < _UNITS["s"]:
        unit = next((name for name in ("ms", "µs", "ns") if rest >= _UNITS[name]), "s")
        return f"{sign}{_decimal(rest, _UNITS[unit])}{unit}"
    hours, rest = divmod(rest, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["m"])
    larger = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{larger}{_decimal(rest, _UNITS['s'])}s"


def _nanoseconds(part: re.Match[str], where: str) -> int:
    whole, fraction, unit = part.groups()
    if unit not in _UNITS:
        raise Invalid(where, f"units of a duration are {', '.join(('ns', 'us', 'ms', 's', 'm', 'h'))}")
    scale: int = 10 ** len(fraction or "")
    return int(whole or 0) * _UNITS[unit] + int(fraction or 0) * _UNITS[unit] // scale


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
