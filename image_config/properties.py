"""Java properties, read by `javaproperties`: keys, texts and lines, bounded first."""

from __future__ import annotations

import re

import javaproperties

from image_config.bounds import LIMITS, Limits, checked
from image_config.errors import ConfigError

MOST_CONTINUED = 64
LONGEST_ENTRY = 65_536
"""Characters, its continued lines together: joining them costs their number times their length."""

_LINE_END = re.compile(r"\r\n|\r|\n")


def pairs(text: str | bytes, file: str, limits: Limits = LIMITS) -> tuple[tuple[str, str, int], ...]:
    """Key, text and line of each entry, in order.

    Raises:
        ConfigError: not UTF-8, a bad escape, a key twice, or past a limit.
    """
    decoded = checked(text, file, limits)
    _check_entries(decoded, file)
    found: dict[str, tuple[str, str, int]] = {}
    line = 1
    try:
        for element in javaproperties.parse(decoded):
            if isinstance(element, javaproperties.KeyValue):
                if element.key in found:
                    already = f"is given a second time; it is given already on line {found[element.key][2]}"
                    raise ConfigError(file, line, element.key, already)
                found[element.key] = (element.key, element.value, line)
            line += len(_LINE_END.findall(element.source))
    except javaproperties.InvalidUEscapeError as e:
        raise ConfigError(file, line, "", "has \\u without four hexadecimal digits") from e
    return tuple(found.values())


def _check_entries(text: str, file: str) -> None:
    continued = length = 0
    for number, line in enumerate(_LINE_END.split(text), 1):
        length += len(line)
        if length > LONGEST_ENTRY:
            raise ConfigError(file, number - continued, "", f"has more than {LONGEST_ENTRY} characters")
        if not line.endswith("\\"):
            continued = length = 0
            continue
        continued += 1
        if continued > MOST_CONTINUED:
            raise ConfigError(file, number - continued + 1, "", f"is continued over more than {MOST_CONTINUED} lines")
