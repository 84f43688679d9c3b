"""Lists whose items have a key, by which layers meet: their own text, a target, a port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from image_config.kinds import Built, Kind, quoted, scalar_text, show
from image_config.model import Path, Value, thaw
from image_config.reading import Reading
from image_config.scalars import ANY
from image_config.tree import Node

Keys = Callable[[Node, str, Reading], Sequence[tuple[str, Value]]]
"""An item of a list as (key, value) pairs. Raises ValueError with the reason."""


@dataclass(frozen=True)
class Items(Kind):
    """A list whose items have a key: the item of a stronger layer replaces the one of the same key.

    `keys` reads one item; `from_pair` turns `name: value` of a mapping into an item's text. A key given
    twice in one source keeps both where `several`, and is refused otherwise.
    """

    keys: Keys
    syntax: str
    rule: str = "unite in order"
    from_pair: Callable[[str, str], str] | None = None
    render: Callable[[Value], object] = thaw
    shown: Callable[[Value], str] = show
    several: bool = False
    split: Callable[[str], Sequence[str]] = field(default=lambda text: commas(text))
    ordered: bool = True

    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        together: dict[str, tuple[Value, ...]] = {}
        lines: dict[str, int] = {}
        for name, item in self._items(node, said, into):
            for key, value in self._keyed(item, name, into):
                if not self.several:
                    into.put((*path, key), value, item.line, name)
                elif value not in together.get(key, ()):
                    together[key] = (*together.get(key, ()), value)
                    lines.setdefault(key, item.line)
        for key, values in together.items():
            into.put((*path, key), values, lines[key], said)

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        if not below:
            return Node(tuple(Node(item, text.line) for item in self.split(str(text.value))), text.line)
        if below.isdecimal() and not self.from_pair:
            return Node((text,), text.line)
        if self.from_pair:
            return Node({below: text}, text.line)
        into.fault(said, text.line, "takes a list; write its items with commas between, or number them .0, .1, …")
        return None

    def build(self, found: Built, for_compose: bool) -> object:
        values = [value for path, value in found if path]
        if self.several:
            values = [one for group in values if isinstance(group, tuple) for one in group]
        built = [self.render(value) if for_compose else value for value in values]
        return built if self.ordered else sorted(built, key=str)

    def show(self, value: Value) -> str:
        if self.several and isinstance(value, tuple):
            return ", ".join(self.shown(one) for one in value)
        return self.shown(value)

    def _items(self, node: Node, said: str, into: Reading) -> list[tuple[str, Node]]:
        if node.value is None:
            return []
        if isinstance(node.value, tuple):
            return [(f"{said}/{n}", item) for n, item in enumerate(node.value)]
        if not isinstance(node.value, dict):
            return [(said, node)]
        if not self.from_pair:
            into.fault(said, node.line, f"takes a list: {self.syntax}")
            return []
        pairs: list[tuple[str, Node]] = []
        for name, value in node.value.items():
            under = value.value if isinstance(value.value, tuple) and not value.tag else (value,)
            pairs.extend((f"{said}/{name}", self._pair(name, item)) for item in under)
        return pairs

    def _pair(self, name: str, value: Node) -> Node:
        if isinstance(value.value, tuple | dict) or value.value is None or self.from_pair is None or value.tag:
            return value
        return Node(self.from_pair(name, scalar_text(value)), value.line)

    def _keyed(self, item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
        if item.tag:
            into.fault(said, item.line, f"{item.tag} is for a whole list, or for a name of a mapping")
            return ()
        try:
            return self.keys(item, said, into)
        except ValueError as e:
            into.fault(said, item.line, f"{quoted(item)}{e}")
            return ()


def words(syntax: str = "list of texts", rule: str = "unite in order") -> Items:
    """Texts; one alone may be written without a list."""

    def keys(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
        found = scalar_text(item)
        return ((found, found),)

    return Items(keys, syntax, rule)


def trees(syntax: str = "list, as in Compose") -> Items:
    """Items handed on as they are; equal ones count once."""

    def keys(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
        value = ANY.parse(item)
        return ((show(value), value),)

    return Items(keys, syntax)


def commas(text: str) -> list[str]:
    return [item for part in text.split(",") if (item := part.strip())]
