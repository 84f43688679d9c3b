"""Versions of releases, their order, and which of a repository's tags a channel takes.

Source: Neco. A tag is `<prefix>-<version>`, a version `YYYY.MM.DD-ID`. A release is newer only when its date is no
earlier and its number is greater; whatever else is a downgrade, and happens by nobody's silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import total_ordering

from appserver.errors import Invalid

CHANNELS: Mapping[str, str] = {"none": "", "test": "test", "dev": "test", "staging": "release", "prod": "prod"}
"""`config/env` to the prefix of the tags it takes. What staging has proven is tagged again for prod."""
FIXED = "9999.12.31-99999"
"""The one version of the channel `test`: later than any other."""
_VERSION = re.compile(r"([0-9]{4})\.([0-9]{2})\.([0-9]{2})-([0-9]{1,9})")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    day: date
    number: int

    def __str__(self) -> str:
        return f"{self.day.year:04}.{self.day.month:02}.{self.day.day:02}-{self.number}"

    def __lt__(self, other: Version) -> bool:
        return (self.day, self.number) < (other.day, other.number)

    def newer(self, other: Version) -> bool:
        return self.day >= other.day and self.number > other.number


def parse(text: str, where: str = "version") -> Version:
    """
    Raises:
        Invalid: it is no version.
    """
    found = _VERSION.fullmatch(text)
    try:
        if found:
            return Version(date(int(found[1]), int(found[2]), int(found[3])), int(found[4]))
    except ValueError:
        pass
    raise Invalid(where, "is no version such as 2026.11.22-17")


def is_version(text: str) -> bool:
    try:
        parse(text)
    except Invalid:
        return False
    return True


def tagged(tag: str) -> tuple[str, Version] | None:
    """Prefix and version of a release's tag; None for any other tag."""
    prefix, _, rest = tag.partition("-")
    if prefix not in CHANNELS.values() or not prefix:
        return None
    try:
        return prefix, parse(rest)
    except Invalid:
        return None


def newest(tags: Iterable[str], channel: str, aside: Iterable[str] = ()) -> str | None:
    """The tag that a channel is at, of a repository's; None where it has none.

    Args:
        aside: versions that are not to be taken.
    """
    left = frozenset(aside)
    found = [
        (version, tag)
        for tag in tags
        if (known := tagged(tag)) and known[0] == CHANNELS.get(channel) and str(version := known[1]) not in left
        if (str(version) == FIXED) == (channel == "test")
    ]
    return max(found)[1] if found else None


def why_not(wanted: str, current: str) -> str:
    """The reason against taking a release on its own, "" where it is newer than what is in force."""
    if not current:
        return ""
    new, old = parse(wanted), parse(current)
    if new.newer(old):
        return ""
    return f"{wanted} is not newer than {current}, which is in force" if new != old else f"{wanted} is in force"
