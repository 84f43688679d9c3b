"""The next `release.yml`: the same text with newer images, packages and version. Pure.

Lines are changed where their values stand, so that comments and order stay as their author has them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from appserver.core.release import FILE
from appserver.core.release_versions import Version, parse
from appserver.errors import Invalid
from image_config import ConfigError
from image_config.yaml_safe import load

_VERSION = re.compile(r"^version:[ \t]*[^\s#]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a manifest pins: name to image with tag and digest, package to version."""

    version: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    debs: Mapping[str, str] = field(default_factory=dict)


def parts(text: str) -> Parts:
    """
    Raises:
        Invalid: it cannot be read so far; `moorage update lint` says all that is wrong.
    """
    try:
        given = load(text, FILE)
    except ConfigError as error:
        raise Invalid(FILE, str(error)) from error
    if not isinstance(given, dict):
        raise Invalid(FILE, "is no mapping")
    found = {name: given.get(name, {}) for name in ("images", "debs")}
    for name, of in found.items():
        if not isinstance(of, dict) or not all(isinstance(one, str) for pair in of.items() for one in pair):
            raise Invalid(f"{FILE}: {name}", "is a mapping of names to texts in quotes")
    return Parts(str(given.get("version", "")), found["images"], found["debs"])


def next_version(before: str, today: date, number: int | None = None) -> str:
    """Of today, with the number after that of the release before.

    Args:
        before: "" for none.
    Raises:
        Invalid: it would not be newer.
    """
    last = parse(before) if before else None
    found = Version(max(today, last.day) if last else today, number or (last.number + 1 if last else 1))
    if last and not found.newer(last):
        raise Invalid("--id", f"is at least {last.number + 1}: the last release is {last}")
    return str(found)


def split(image: str) -> tuple[str, str]:
    """Name and tag of an image, without its digest."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


def rewritten(text: str, wanted: Parts) -> str:
    """The manifest with these versions; `wanted` names what `parts` finds in it.

    Raises:
        Invalid: a value stands where it cannot be changed by itself (an anchor, several lines).
    """
    before = parts(text)
    for section, old, new in (("images", before.images, wanted.images), ("debs", before.debs, wanted.debs)):
        text = _changed(text, section, {name: (value, new.get(name, value)) for name, value in old.items()})
    line = f"version: {wanted.version}"
    text = _VERSION.sub(line, text, count=1) if _VERSION.search(text) else _headed(text, line)
    if parts(text) != wanted:
        raise Invalid(FILE, "cannot be rewritten: give each image and package a line of its own, `name: value`")
    return text


def difference(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{FILE}", f"b/{FILE}")
    return "".join(lines)


def _changed(text: str, section: str, values: Mapping[str, tuple[str, str]]) -> str:
    """Values, old and new, where they stand below a name at the left edge: not in a step's variables."""
    found = re.search(rf"""^["']?{section}["']?[ \t]*:.*(?:\n(?:[ \t#].*|))*""", text, re.MULTILINE)
    if found is None:
        return text
    part = found[0]
    for name, (old, new) in values.items():
        part = _entry(name, old).sub(lambda entry, new=new: f"{entry[1]}{new}", part)  # type: ignore[misc]
    return text[: found.start()] + part + text[found.end() :]


def _entry(name: str, value: str) -> re.Pattern[str]:
    """A key with its value, in a line of its own or between braces."""
    key = rf"""((?:^|[\s{{,])["']?{re.escape(name)}["']?[ \t]*:[ \t]*["']?)"""
    return re.compile(rf"""{key}{re.escape(value)}(?=["']?[ \t]*(?:[,}}#]|$))""", re.MULTILINE)


def _headed(text: str, line: str) -> str:
    """With the line before the first that says something."""
    lines = text.splitlines(keepends=True)
    at = next((at for at, one in enumerate(lines) if one.strip() and not one.startswith(("#", "---", "%"))), len(lines))
    return "".join((*lines[:at], f"{line}\n", *lines[at:]))
