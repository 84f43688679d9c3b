"""Kinds of value: how each is read from a tree, from one line of text, and written for Compose.

The kinds themselves are in `scalars.py` (one value), `shapes.py` (records, maps, lists) and the modules
of the options that have a syntax of their own: `ports.py`, `mounts.py`, `environment.py`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from image_config.errors import plain
from image_config.model import Path, Value, thaw
from image_config.reading import Reading
from image_config.tree import RESET, Node
from image_config.yaml_scalars import go_text

Built = Sequence[tuple[Path, Value]]
"""Values of one option, by what is below it."""


class Kind(ABC):
    """`rule` and `syntax` are for people: how layers meet, and what may be written."""

    rule: str
    syntax: str
    dotted: ClassVar[bool] = False
    """Whether a further name may follow it in properties: `nofile` has `.soft` below it."""

    @abstractmethod
    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        """Put what the node says at and below `path`, or its faults."""

    @abstractmethod
    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        """The tree of one line of properties: `below` is what follows the option's name and its dot."""

    @abstractmethod
    def build(self, found: Built, for_compose: bool) -> object:
        """The option's value from its parts, weaker parts first; as Compose takes it, or as we hold it."""

    def write(self, value: Value) -> object:
        """A whole value of this kind as Compose takes it."""
        return thaw(value)

    def part(self, name: str) -> Kind:
        """The kind of what is below a name; itself where names lead no further."""
        return self

    def show(self, value: Value) -> str:
        """One part, for people."""
        return show(value)


def descend(kind: Kind, node: Node, path: Path, said: str, into: Reading) -> None:
    """Read a node that may be tagged `!reset` or `!override`."""
    if node.tag:
        into.mark(path, node.line)
    if node.tag != RESET:
        kind.read(node, path, said, into)


def show(value: Value) -> str:
    """Text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(thaw(value), sort_keys=True, ensure_ascii=False)


def quoted(node: Node) -> str:
    """A scalar before the sentence about it; nothing for a list, a mapping or no value."""
    if isinstance(node.value, tuple | dict) or node.value is None:
        return ""
    return f'"{plain(show(node.value))}" '


def scalar_text(node: Node) -> str:
    """A scalar as Compose prints it.

    Raises:
        ValueError: it is no scalar, or none at all.
    """
    if isinstance(node.value, tuple | dict):
        raise ValueError("takes one value, not a list or mapping")
    if node.value is None:
        raise ValueError("has no value; write one, or !reset null to remove what weaker layers say")
    return go_text(node.value)


@dataclass(frozen=True)
class Leaf(Kind):
    """One value that a stronger layer replaces as a whole. `parse` raises ValueError with the reason."""

    parse: Callable[[Node], Value]
    syntax: str
    rule: str = "the stronger replaces"
    render: Callable[[Value], object] = thaw
    shown: Callable[[Value], str] = show

    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        if into.kind == "compose" and node.value is None:
            return
        try:
            into.put(path, self.parse(node), node.line, said)
        except ValueError as e:
            into.fault(said, node.line, f"{quoted(node)}{e}")

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        if below:
            into.fault(said, text.line, "has nothing below it")
            return None
        return text

    def build(self, found: Built, for_compose: bool) -> object:
        return self.write(found[-1][1]) if for_compose else found[-1][1]

    def write(self, value: Value) -> object:
        return self.render(value)

    def show(self, value: Value) -> str:
        return self.shown(value)
