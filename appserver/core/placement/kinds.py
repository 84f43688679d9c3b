"""Kinds of JSON values: each reads one, or says where and why not, and writes it as Go's encoder would."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from appserver.core.placement.values import MB
from appserver.errors import Invalid
from image_config import units

_LONGEST = 4096
_MOST = 1024
_NAME = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9_.-]*(?::[0-9]+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` is given the value and where it stands; `write` what it read. An empty value is left out of JSON."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] = lambda value: value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise Invalid(where, "is not a text")
    if len(value) > _LONGEST:
        raise Invalid(where, f"has more than {_LONGEST} characters")
    return value


def _line(value: object, where: str) -> str:
    if _CONTROL.search(text := _text(value, where)):
        raise Invalid(where, "has a control character in it")
    return text


def _name(value: object, where: str) -> str:
    if (text := _line(value, where)) and not _NAME.fullmatch(text):
        raise Invalid(where, f"{text!r} is not a name of letters, digits, _ . and -")
    return text


def _reference(value: object, where: str) -> str:
    text = _line(value, where)
    if len(text) > 512 or not _REFERENCE.fullmatch(text):
        raise Invalid(where, f"{text[:80]!r} is not the name of an image")
    return text


def _number(value: object, where: str) -> float:
    if isinstance(value, str):
        try:
            value = float(_line(value, where))
        except ValueError:
            raise Invalid(where, f"{value!r} is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(where, "is not a number")
    if not math.isfinite(value) or not 0 <= value <= 2**40:
        raise Invalid(where, f"{value!r} is not between 0 and 2^40")
    return float(value)


def _megabytes(value: object, where: str) -> float:
    """512, "512" and "512M" are the same."""
    if isinstance(value, str) and value[-1:].isalpha() and value[-1:] not in "nNyYfF":
        try:
            return _number(units.size(value) / MB, where)
        except ValueError as error:
            raise Invalid(where, f"{value[:40]!r} {error}") from None
    return _number(value, where)


def _whole(most: int) -> Callable[[object, str], int]:
    def read(value: object, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise Invalid(where, f"is not a whole number between 0 and {most}")
        return value

    return read


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(where, "is neither true nor false")
    return value


def _address(value: object, where: str) -> str:
    text = _line(value, where)
    try:
        return text if not text else str(ip_address(text.strip("[]")))
    except ValueError:
        raise Invalid(where, f"{text!r} is not an IP address") from None


def _moment(value: object, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(_line(value, where))
    except ValueError:
        raise Invalid(where, "is not a time such as 2026-11-21T12:00:00Z") from None
    if found.tzinfo is None:
        raise Invalid(where, "has no time zone")
    return found


def one_of(*texts: str) -> Kind:
    def read(value: object, where: str) -> str:
        if (text := _line(value, where)) not in ("", *texts):
            raise Invalid(where, f"{text!r} is none of {', '.join(texts)}")
        return text

    return Kind(read)


def many(kind: Kind) -> Kind:
    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Invalid(where, "is not a list")
        if len(value) > _MOST:
            raise Invalid(where, f"has more than {_MOST} entries")
        return tuple(kind.read(one, f"{where}/{number}") for number, one in enumerate(value))

    return Kind(read, lambda values: [kind.write(one) for one in values])


def named(kind: Kind) -> Kind:
    def read(value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Invalid(where, "is not an object")
        if len(value) > _MOST:
            raise Invalid(where, f"has more than {_MOST} entries")
        return {_line(name, where): kind.read(one, f"{where}/{name}") for name, one in value.items()}

    return Kind(read, lambda values: {name: kind.write(one) for name, one in values.items()})


TEXT, LINE, NAME, REFERENCE, ADDRESS = Kind(_text), Kind(_line), Kind(_name), Kind(_reference), Kind(_address)
NUMBER, MEGABYTES = Kind(_number, units.whole), Kind(_megabytes, units.whole)
COUNT, PORT, AMOUNT = Kind(_whole(2**31)), Kind(_whole(65535)), Kind(_whole(2**62))
FLAG = Kind(_flag)
MOMENT = Kind(_moment, lambda time: time.isoformat().replace("+00:00", "Z"))
