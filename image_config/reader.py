"""From a tree, or from lines of `key=value`, to the options they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from image_config.kinds import Kind, descend
from image_config.lists import commas
from image_config.model import Entry, Layer, Mark, Path, Source
from image_config.options import HARMLESS, INCLUDE, NAMES, OPTIONS, REFUSED, Option
from image_config.reading import Found, Reading, nearest
from image_config.scalars import ANY
from image_config.tree import Node

Pair = tuple[str, str, int]
"""Key, text and line."""


def read_options(tree: Node | None, into: Reading) -> None:
    """Every option of a mapping; what it is not, is a fault. `include` is the caller's."""
    if tree is None:
        return
    if not isinstance(tree.value, dict) or tree.tag:
        what = f"is tagged {tree.tag} as a whole; tag an option" if tree.tag else "is not a mapping of options"
        if tree.value is not None or tree.tag:
            into.fault("", tree.line, what)
        return
    for name, value in tree.value.items():
        if name != INCLUDE or into.kind != "git":
            _read_option(name, value, into)


def kind_named(name: str) -> tuple[Path, Kind] | None:
    """Where a key's value goes and how it is read; None for a key that is not known."""
    if known := NAMES.get(name):
        return known.path, known.kind
    return ((name,), ANY) if name.startswith("x-") else None


def kind_at(path: Path) -> Kind:
    """The kind that shows and writes an option."""
    option = OPTIONS.get(path[0])
    return option.kind if option else ANY


def tree_of(pairs: Iterable[Pair], into: Reading) -> Node:
    """Lines of text as the tree that YAML would have given: the option says how its text is cut."""
    tree: dict[str, Node] = {}
    for key, text, line in pairs:
        name, _, below = key.partition(".")
        node: Node | None = Node(text, line)
        if name == INCLUDE and not below:
            node = Node(tuple(Node(item, line) for item in commas(text)), line)
        elif known := kind_named(name):
            node = known[1].flat(below, Node(text, line), key, into)
        if node is not None:
            tree[name] = _joined(tree[name], node, key, into) if name in tree else node
    return Node(tree)


def layer_of(
    source: Source, found: Iterable[Found], marks: Iterable[tuple[Path, int]], at: Callable[[Path, int], Source]
) -> Layer:
    """What was read, as a layer; `at` says who gave the value of a path on a line."""
    return Layer(
        source,
        tuple(Entry(each.path, each.value, at(each.path, each.line), each.spelled) for each in found),
        tuple(Mark(path, at(path, line)) for path, line in marks),
    )


def _read_option(name: str, value: Node, into: Reading) -> None:
    if into.kind == "compose" and name not in OPTIONS and not name.startswith("x-"):
        into.fault(name, value.line, "is an option of Compose that this version does not know", nearest(name, OPTIONS))
        return
    known = kind_named(name)
    if known is None:
        if name in REFUSED:
            if name not in HARMLESS or value.value not in (HARMLESS[name], str(HARMLESS[name]).lower()):
                into.fault(name, value.line, f"is not taken: {REFUSED[name]}")
        else:
            into.fault(name, value.line, "unknown key", nearest(name, NAMES))
        return
    path, kind = known
    option: Option | None = OPTIONS.get(path[0])
    if option and option.compose_only and into.strict:
        into.fault(name, value.line, option.compose_only)
    else:
        descend(kind, value, path, name, into)


def _joined(before: Node, after: Node, key: str, into: Reading) -> Node:
    """Two lines about one option: their names side by side, their list items one after the other."""
    if isinstance(before.value, dict) and isinstance(after.value, dict):
        both = dict(before.value)
        for name, value in after.value.items():
            both[name] = _joined(both[name], value, key, into) if name in both else value
        return Node(both, before.line)
    if isinstance(before.value, tuple) and isinstance(after.value, tuple):
        return Node(before.value + after.value, before.line)
    into.fault(key, after.line, f"is given a second time; it is given already on line {before.line}")
    return before
