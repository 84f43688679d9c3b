"""Which tag of an image is the newest, and what may be passed over. Pure.

Source: Neco's `generate-artifacts`: tags with two dots at least; for a release no pre-releases, and the major number
stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from appserver.errors import Invalid
from image_config import ConfigError
from image_config.yaml_safe import load

IGNORE_FILE = "release-ignore.yml"
_TAG = re.compile(r"(?P<v>v?)(?P<numbers>[0-9]{1,9}(?:\.[0-9]{1,9}){2,5})(?P<rest>(?:[-+_.][A-Za-z0-9_.+-]*)?)")
_PRE = re.compile(
    r"(?:^|[-+_.])(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly|unstable|canary|m)[-.]?([0-9]*)(?=$|[-+_.])", re.I
)
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Ignored:
    """`release-ignore.yml`: image or package to the versions of it that are passed over, `*` and `?` as in a shell."""

    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    debs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def image(self, name: str, tag: str) -> bool:
        return any(fnmatchcase(tag, one) for one in self.images.get(name, ()))

    def deb(self, name: str, version: str) -> bool:
        return any(fnmatchcase(version, one) for one in self.debs.get(name, ()))


@dataclass(frozen=True, slots=True)
class _Tag:
    """`variant` is what the text after the numbers says besides digits: `-alpine`, of which only its like is newer."""

    numbers: tuple[int, ...]
    variant: str
    pre: bool
    order: tuple[int, ...]


def read_ignored(text: str) -> Ignored:
    """
    Raises:
        Invalid
    """
    try:
        given = load(text, IGNORE_FILE) or {}
    except ConfigError as error:
        raise Invalid(IGNORE_FILE, str(error)) from error
    if not isinstance(given, dict) or not set(given) <= {"images", "debs"}:
        raise Invalid(IGNORE_FILE, "is a mapping of `images` and `debs`")
    return Ignored(*(_lists(given.get(name, {}), name) for name in ("images", "debs")))


def newest_tag(current: str, tags: Iterable[str], release: bool = False, ignored: Iterable[str] = ()) -> str:
    """The newest of an image's tags that is like the current one; that itself where none is newer.

    Args:
        release: no pre-release, and no other major number than the current one's.
        ignored: tags, or patterns of them, that are passed over.
    """
    now = _read(current)
    if now is None:
        return current  # `latest`, `stable`: it moves by itself, and its digest is looked up anew
    patterns = tuple(ignored)
    best, best_tag = now, current
    for tag in tags:
        found = _read(tag)
        if found is None or found.variant != now.variant or any(fnmatchcase(tag, one) for one in patterns):
            continue
        if release and (found.pre or found.numbers[0] != now.numbers[0]):
            continue
        if _key(found) > _key(best):
            best, best_tag = found, tag
    return best_tag


def _read(tag: str) -> _Tag | None:
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    rest = found["rest"]
    pre = _PRE.search(rest)
    variant = found["v"] + _DIGITS.sub("", _PRE.sub("", rest))
    numbers = tuple(int(number) for number in found["numbers"].split("."))
    return _Tag(numbers, variant, pre is not None, tuple(int(number) for number in _DIGITS.findall(rest)))


def _key(tag: _Tag) -> tuple[tuple[int, ...], bool, tuple[int, ...]]:
    """1.2.3 comes after 1.2.3-rc1, and before 1.2.3-1 and 1.2.3.1."""
    return tag.numbers, not tag.pre, tag.order


def _lists(given: object, name: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(given, dict):
        raise Invalid(f"{IGNORE_FILE}: {name}", "is a mapping of names to lists")
    found = {}
    for key, value in given.items():
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Invalid(f"{IGNORE_FILE}: {name}/{key}", 'is a list of versions in quotes, such as ["1.2.3", "2.*"]')
        found[str(key)] = tuple(value)
    return found
