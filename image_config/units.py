"""Amounts as people write them, and back: "512M" and bytes, "0.2" and cores, "1m30s" and seconds."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?(?:([kmgtp])(?:i?b)?|b)?", re.IGNORECASE | re.ASCII)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_LETTERS = (("P", 5), ("T", 4), ("G", 3), ("M", 2), ("K", 1))
_LARGEST = 2**63 - 1

_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip


def size(text: str) -> int:
    """Bytes of `512M`, `1g`, `1.5GiB`, `1024`: every unit is a power of 1024, as Docker reads it.

    Raises:
        ValueError: not an amount, or more than 63 bits hold.
    """
    if len(text) > 40 or not (found := _SIZE.fullmatch(text.strip())):
        raise ValueError("is not a size; write 512M, 1.5g or a number of bytes")
    number, letter = found.group(1), (found.group(2) or "").lower()
    if not letter and "." in number:
        raise ValueError("is not a whole number of bytes; write its unit, 1.5g")
    amount = int(Decimal(number) * 1024 ** _POWER[letter])
    if amount > _LARGEST:
        raise ValueError("is more than 63 bits hold")
    return amount


def show_size(amount: int) -> str:
    """The shortest exact form: 536870912 is `512M`, 1000 is `1000`."""
    for letter, power in _LETTERS:
        if amount and amount % 1024**power == 0:
            return f"{amount // 1024**power}{letter}"
    return str(amount)


def cores(text: str) -> int | float:
    """CPU cores: `0.2` is a fifth of one.

    Raises:
        ValueError: not a number, or negative.
    """
    try:
        amount = float(text)
    except ValueError:
        raise ValueError("is not a number of cores; write 0.5 or 2") from None
    if not math.isfinite(amount) or amount < 0:
        raise ValueError("is not a number of cores; write 0.5 or 2")
    return whole(amount)


def whole(number: float) -> int | float:
    """2.0 is 2: Compose prints it so."""
    return int(number) if float(number).is_integer() and abs(number) < 2**53 else number


def duration(text: str) -> str:
    """`90s` in the form Compose prints, `1m30s`.

    Raises:
        ValueError: not a duration.
    """
    return _show(_nanoseconds(text))


def seconds(text: str) -> float:
    """Seconds of a duration: `1m30s` is 90.0.

    Raises:
        ValueError: not a duration.
    """
    return _nanoseconds(text) / 10**9


def microseconds(text: str) -> int:
    """Whole microseconds of a duration: `50ms` is 50000.

    Raises:
        ValueError: not a duration.
    """
    return _nanoseconds(text) // 1000


def _nanoseconds(text: str) -> int:
    text = text.strip()
    parts = list(_PART.finditer(text)) if len(text) <= 60 else []
    if text == "0":
        return 0
    if not parts or "".join(part.group() for part in parts) != text:
        raise ValueError("is not a duration; write 30s, 1m30s or 500ms")
    total = int(sum(Decimal(part.group(1)) * _NANOSECONDS[part.group(2)] for part in parts))
    if total > _LARGEST:
        raise ValueError("is more than 292 years")
    return total


def _show(nanoseconds: int) -> str:
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 10**9:
        unit = "ms" if nanoseconds >= 10**6 else "µs" if nanoseconds >= 10**3 else "ns"
        return f"{_decimal(nanoseconds, _NANOSECONDS[unit])}{unit}"
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{_decimal(rest, 10**9)}s"


def _decimal(amount: int, unit: int) -> str:
    whole_part, rest = divmod(amount, unit)
    if not rest:
        return str(whole_part)
    return f"{whole_part}.{rest:0{len(str(unit)) - 1}d}".rstrip("0")
