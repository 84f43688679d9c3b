"""Java properties, read by `javaproperties`: keys, texts and lines, bounded first."""

from __future__ import annotations

import re

import javaproperties

from image_config.errors import ConfigError
from image_config.yaml_safe import LIMITS, Limits, checked

LONGEST_LINE = 16_384
MOST_CONTINUED = 64
"""Lines in a row that end in a backslash: joining them costs their number times their length."""

_CONTINUED = re.compile(rf"(?:[^\n]*\\\r?\n){{{MOST_CONTINUED + 1}}}")


def pairs(text: str | bytes, file: str, limits: Limits = LIMITS) -> tuple[tuple[str, str, int], ...]:
    """Key, text and line of each entry, in order.

    Raises:
        ConfigError: not UTF-8, a bad escape, a key twice, or past a limit.
    """
    decoded = checked(text, file, limits)
    for number, line in enumerate(decoded.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            raise ConfigError(file, number, "", f"has more than {LONGEST_LINE} characters")
    if long := _CONTINUED.search(decoded):
        line_number = decoded.count("\n", 0, long.start()) + 1
        raise ConfigError(file, line_number, "", f"is continued over more than {MOST_CONTINUED} lines")
    found: dict[str, tuple[str, str, int]] = {}
    line_number = 1
    try:
        for element in javaproperties.parse(decoded):
            if isinstance(element, javaproperties.KeyValue):
                if element.key in found:
                    already = f"is given a second time; it is given already on line {found[element.key][2]}"
                    raise ConfigError(file, line_number, element.key, already)
                found[element.key] = (element.key, element.value, line_number)
            line_number += element.source.count("\n") or 1
    except javaproperties.InvalidUEscapeError as e:
        raise ConfigError(file, line_number, "", "has \\u without four hexadecimal digits") from e
    return tuple(found.values())
