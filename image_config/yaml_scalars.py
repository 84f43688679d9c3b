"""Plain YAML scalars as Compose reads them.

Compose uses Go's yaml.v3, PyYAML the older YAML 1.1: to the latter `22:22` is 1342, `no` is false and
`2001-01-01` is a date. The rules below are yaml.v3's, except that a date stays text.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = re.compile(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER_STARTS = frozenset("+-.0123456789")
_LONGEST_NUMBER = 128


def resolve(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar.

    Raises:
        ValueError: an infinity or not a number, which JSON cannot hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > _LONGEST_NUMBER:
        return text
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a number that JSON can hold")
    number = text.replace("_", "")
    if _DECIMAL.fullmatch(number):
        return _bounded(int(number))
    if based := _BASED.fullmatch(number):
        sign, hexadecimal, binary, octal = based.groups()
        amount = int(hexadecimal, 16) if hexadecimal else int(binary, 2) if binary else int(octal, 8)
        return _bounded(-amount if sign == "-" else amount)
    if _FLOAT.fullmatch(number):
        return _finite(number)
    return text


def go_text(value: bool | int | float | str) -> str:
    """A value as Compose prints it where it wants text: 1e3 is `1000`, 1.10 is `1.1`, true is `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    shortest = repr(value)
    exponent = Decimal(shortest).adjusted()
    if value and not -4 <= exponent < 6:
        mantissa, _, power = f"{Decimal(shortest):e}".partition("e")
        digits = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{digits}e{power[0]}{power[1:]:0>2}"
    fixed = format(Decimal(shortest), "f")
    return fixed.rstrip("0").rstrip(".") if "." in fixed else fixed


def _bounded(amount: int) -> int | float:
    return amount if -(2**63) <= amount < 2**64 else _finite(str(amount))


def _finite(number: str) -> float:
    amount = float(number)
    if not math.isfinite(amount):
        raise ValueError(f"{number} is more than a number can hold")
    return amount
