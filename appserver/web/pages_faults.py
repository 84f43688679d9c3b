"""From the `where` of an error to the field and line of the form that is to be mended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from appserver.errors import Invalid, InvalidMany, NoPlacement, UserError
from appserver.web.pages_drafts import Draft
from image_config.errors import ConfigError
from image_config.tree import Node
from image_config.yaml_safe import load_tree

_LINE = re.compile(r"\bline (\d{1,6})\b")
_FIELDS: Mapping[str, str] = {"name": "name", "application": "name", "cluster": "cluster", "reason": "reason"}


@dataclass(frozen=True, slots=True)
class Fault:
    """`field` is the form's field ("" where none is meant), `line` counts from 1 (0: none), `place` is for reading."""

    field: str
    line: int
    place: str
    why: str


def faults(error: UserError, draft: Draft) -> tuple[Fault, ...]:
    """Every fault an error tells of, at its place in the draft."""
    if isinstance(error, InvalidMany):
        return tuple(_fault(where, why, draft) for where, why in error.faults)
    if isinstance(error, Invalid):
        return (_fault(error.where, error.why, draft),)
    if isinstance(error, NoPlacement):
        return tuple(Fault("", 0, node, why) for node, why in sorted(error.reasons.items())) or (
            Fault("", 0, "", str(error)),
        )
    return (Fault("", 0, "", str(error)),)


def by_field(found: tuple[Fault, ...]) -> Mapping[str, str]:
    """Field to its first fault, for those that are shown at a plain input."""
    told: dict[str, str] = {}
    for fault in found:
        if fault.field in _FIELDS.values():
            told.setdefault(fault.field, fault.why)
    return told


def _fault(where: str, why: str, draft: Draft) -> Fault:
    if where in _FIELDS:
        return Fault(_FIELDS[where], 0, where, why)
    if where.startswith("overrides."):
        return Fault("overrides", 0, where, why)
    path, line = _file_and_line(where, why, draft)
    if path == ".env":
        return Fault("env", line, f".env:{line}" if line else ".env", why)
    if path and line:
        return Fault(f"text:{path}", line, f"{path}:{line}", why)
    for path in draft.compose_files:
        if found := _line_of(where, draft.files.get(path, ""), path):
            return Fault(f"text:{path}", found, f"{path}:{found}", why)
    return Fault("", 0, where, why)


def _file_and_line(where: str, why: str, draft: Draft) -> tuple[str, int]:
    """`compose.yaml:4`, or a file without a line whose reason says `line 4`."""
    path, _, number = where.rpartition(":")
    if path in draft.files or path == ".env":
        return path, int(number) if number.isdecimal() else 0
    said = _LINE.search(why)
    if where in draft.files or where == ".env":
        return where, int(said[1]) if said else 0
    if said and where in ("", "compose"):
        return draft.compose_files[0], int(said[1])
    return "", 0


def _line_of(where: str, text: str, path: str) -> int:
    """The line of the deepest part of `web.ports/0` or `networks.back.driver` that the text holds; 0: none."""
    try:
        root = load_tree(text, path)
    except ConfigError:
        return 0
    parts = [part for part in re.split(r"[./\[\]]", where) if part]
    ways = [_deepest(root, way) for way in (parts, ["services", *parts])]
    return max(ways, key=lambda found: found[1])[0]


def _deepest(node: Node | None, parts: list[str]) -> tuple[int, int]:
    """Line and how many parts were followed. `services` alone leads nowhere worth showing."""
    line = depth = 0
    for part in parts:
        child = _child(node, part)
        if child is None:
            break
        node, line, depth = child, child.line, depth + 1
    return (0, 0) if depth == 1 and parts[0] == "services" else (line, depth)


def _child(node: Node | None, part: str) -> Node | None:
    if node is None:
        return None
    if isinstance(node.value, Mapping):
        return node.value.get(part)
    if isinstance(node.value, tuple) and part.isdecimal() and int(part) < len(node.value):
        return node.value[int(part)]
    return None
