"""Kinds made of others by name: records of known fields, maps of names of the author's choosing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from image_config.kinds import Built, Kind, Leaf, descend, scalar_text
from image_config.lists import commas
from image_config.model import Path, Value, freeze, thaw
from image_config.reading import Reading, nearest
from image_config.scalars import ANY, TEXT
from image_config.tree import RESET, Node, wholly_at_line

_EMPTY_TEXT = Node("")


@dataclass(frozen=True)
class Record(Kind):
    """Known fields, each of its own kind; `x-…` is let through as in Compose."""

    fields: Mapping[str, Kind]
    syntax: str = ""
    rule: str = "field by field"
    dotted: ClassVar[bool] = True

    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        if not isinstance(node.value, dict):
            if node.value is not None:
                into.fault(said, node.line, f"takes a mapping of {', '.join(self.fields)}")
            return
        if not node.value:
            into.put(path, {}, node.line, said)
        for name, value in node.value.items():
            kind = self._field(name)
            if kind is None:
                into.fault(f"{said}/{name}", value.line, "unknown key", nearest(name, self.fields))
            elif value.value is not None or value.tag or into.strict:
                descend(kind, value, (*path, name), f"{said}/{name}", into)

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        name, _, rest = below.partition(".")
        kind = self._field(name) if name else None
        if kind is None:
            why = f"takes one of {', '.join(self.fields)} after a dot"
            into.fault(said, text.line, why, nearest(name, self.fields))
            return None
        inner = kind.flat(rest, text, said, into)
        return None if inner is None else Node({name: inner}, text.line)

    def build(self, found: Built, for_compose: bool) -> object:
        built: dict[str, object] = {}
        for name, parts in split(found).items():
            kind = self._field(name) or ANY
            built[name] = kind.build(parts, for_compose)
        return dict(sorted(built.items()))

    def whole(self, item: Node, said: str, into: Reading) -> dict[str, Value]:
        """The record as one value, for a list whose items are replaced as a whole."""
        apart = Reading(into.file, into.kind)
        self.read(item, (), said, apart)
        into.faults.extend(apart.faults)
        built = freeze(self.build([(found.path, found.value) for found in apart.found.values()], False))
        return dict(built) if isinstance(built, Mapping) else {}

    def write(self, value: Value) -> object:
        if not isinstance(value, Mapping):
            return thaw(value)
        return {name: (self._field(name) or ANY).write(value[name]) for name in sorted(value)}

    def part(self, name: str) -> Kind:
        return self._field(name) or ANY

    def _field(self, name: str) -> Kind | None:
        return self.fields.get(name) or (ANY if name.startswith("x-") else None)


@dataclass(frozen=True)
class Map(Kind):
    """Values by names of the author's choosing; a list of `name=value` as well where Compose has one.

    `bare` stands in for a name without a value. With `present`, a name counts by itself, whatever is below it.
    """

    of: Kind = TEXT
    syntax: str = "map, or list of `name=value`"
    rule: str = "by name, the stronger wins"
    from_list: bool = True
    bare: Node | None = _EMPTY_TEXT
    present: bool = False
    dotted: ClassVar[bool] = True

    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        if node.value is None:
            return
        pairs = self._pairs(node, said, into)
        if isinstance(node.value, dict) and not pairs:
            into.put(path, {}, node.line, said)
        for name, value in pairs:
            if not name or "\0" in name:
                into.fault(said, value.line, "a name is missing before the value")
                continue
            if self.present and value.tag != RESET:
                into.put((*path, name), None, value.line, f"{said}/{name}")
                if value.value == {} and not value.tag:
                    continue
            if value.value is None and not value.tag:
                if self.bare is None:
                    continue
                value = wholly_at_line(self.bare, value.line)
            descend(self.of, value, (*path, name), f"{said}/{name}", into)

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        if below:
            name, _, rest = below.partition(".") if self.of.dotted else (below, "", "")
            inner = self.of.flat(rest, text, said, into)
            return None if inner is None else Node({name: inner}, text.line)
        listed = commas(str(text.value))
        if isinstance(self.of, Leaf):
            return Node(dict(_named(item, text.line) for item in listed), text.line)
        return Node({name: Node(None, text.line) for name in listed}, text.line)

    def build(self, found: Built, for_compose: bool) -> object:
        built: dict[str, object] = {}
        for name, parts in sorted(split(found).items()):
            below = [part for part in parts if part[0]] if self.present else parts
            built[name] = self.of.build(below, for_compose) if below else None
        return built

    def part(self, name: str) -> Kind:
        return self.of

    def _pairs(self, node: Node, said: str, into: Reading) -> list[tuple[str, Node]]:
        if isinstance(node.value, dict):
            return list(node.value.items())
        if isinstance(node.value, tuple) and self.from_list:
            return [pair for n, item in enumerate(node.value) if (pair := _listed(item, f"{said}/{n}", into))]
        into.fault(said, node.line, f"takes a {self.syntax}")
        return []


def split(found: Built) -> dict[str, list[tuple[Path, Value]]]:
    """Parts by their first name; a name that stands alone, without a value, has no parts."""
    parts: dict[str, list[tuple[Path, Value]]] = {}
    for path, value in found:
        if not path:
            continue
        mine = parts.setdefault(path[0], [])
        mine.append((path[1:], value))
    return parts


def _listed(item: Node, said: str, into: Reading) -> tuple[str, Node] | None:
    try:
        name, equals, value = scalar_text(item).partition("=")
    except ValueError as e:
        into.fault(said, item.line, str(e))
        return None
    return name, Node(value if equals else None, item.line)


def _named(item: str, line: int) -> tuple[str, Node]:
    """`name=value`, or Haven's `name:value`, whichever sign comes first; a name alone has no value."""
    at = min((item.find(sign) for sign in "=:" if sign in item), default=-1)
    return (item, Node(None, line)) if at < 0 else (item[:at].strip(), Node(item[at + 1 :].strip(), line))
