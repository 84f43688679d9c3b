"""YAML from strangers: Compose's values, every line known, nothing constructed, nothing unbounded.

libyaml's events are taken one by one, so that a file is refused at the first event past a limit. A
loader that builds first and checks afterwards has by then expanded, or recursed into, whatever it was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import yaml
import yaml.reader

from image_config import yaml_scalars
from image_config.bounds import LIMITS, Limits, checked
from image_config.errors import ConfigError, plain
from image_config.model import Scalar
from image_config.tree import TAGS, Node, at_line, plain_value

_CORE = "tag:yaml.org,2002:"
_KNOWN_TAGS = {f"{_CORE}{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_MERGE = "<<"


def load(text: str | bytes, file: str, limits: Limits = LIMITS) -> object:
    """The document as plain values; keys are their own text, `None` for an empty document.

    `!reset` and `!override` become mappings of one key (`{"!reset": None}`).

    Raises:
        ConfigError: not YAML, not UTF-8, ambiguous, or past a limit; with file and line.
    """
    node = load_tree(text, file, limits)
    return None if node is None else plain_value(node)


def load_tree(text: str | bytes, file: str, limits: Limits = LIMITS) -> Node | None:
    """As `load`, with the line of every value."""
    return _Builder(file, limits).document(checked(text, file, limits))


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come. `weight` is what it costs when every alias is written out."""

    line: int
    tag: str
    anchor: str | None
    items: list[Node] | None = None
    pairs: dict[str, Node] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)
    key: str | None = None
    key_line: int = 0
    weight: int = 1


class _Builder:
    """One document's worth of state."""

    def __init__(self, file: str, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._spent = 0

    def document(self, text: str) -> Node | None:
        parser = yaml.CSafeLoader(text)
        take: dict[type, Callable[..., None]] = {
            yaml.DocumentStartEvent: self._start,
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.SequenceStartEvent: self._open_sequence,
            yaml.MappingStartEvent: self._open_mapping,
            yaml.SequenceEndEvent: self._close,
            yaml.MappingEndEvent: self._close,
        }
        try:
            while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
                if act := take.get(type(event)):
                    act(event)
        except yaml.MarkedYAMLError as e:
            raise self._not_yaml(e, text) from e
        except yaml.reader.ReaderError as e:
            line = text.encode()[: e.position].count(b"\n") + 1
            raise self._fault(line, f"is not YAML: {plain(str(e.reason))}") from e
        finally:
            parser.dispose()
        return self._root

    def _start(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._fault(_line(event), "holds more than one document; one is read")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, text = _line(event), event.value
        tag = self._tag(event.tag, line)
        parent = self._stack[-1] if self._stack else None
        if parent and parent.items is None and parent.key is None:
            self._key(parent, event, line)
            return
        plainly = not event.style
        typed = tag not in ("", "str", *TAGS)
        value: Scalar = self._resolve(text, line) if typed or (plainly and tag != "str") else text
        if tag == "float" and type(value) is int:
            value = float(value)
        if typed and tag != _type_name(value):
            raise self._fault(line, f"{plain(text)} is not what its tag !!{tag} says")
        node = Node(value, line, text if plainly else "", tag if tag in TAGS else "")
        self._add(node, 1, event.anchor)

    def _key(self, parent: _Open, event: yaml.ScalarEvent, line: int) -> None:
        text = event.value
        if event.anchor:
            raise self._fault(line, "an anchor on a key is not read")
        if event.style:
            if text == _MERGE:
                raise self._fault(line, 'write << without quotes, or another key than "<<"')
        elif self._resolve(text, line) is None:
            raise self._fault(line, "a key is missing before the colon")
        if text in parent.pairs or (text == _MERGE and parent.merged):
            raise self._fault(line, "is written twice in one mapping", text)
        parent.key, parent.key_line = text, line

    def _alias(self, event: yaml.AliasEvent) -> None:
        line = _line(event)
        name = str(event.anchor)
        if name not in self._anchors:
            raise self._fault(line, f"*{plain(name)} refers to no anchor above it")
        known = self._anchors[name]
        if known is None:
            raise self._fault(line, f"*{plain(name)} contains itself")
        parent = self._stack[-1] if self._stack else None
        if parent and parent.items is None and parent.key is None:
            raise self._fault(line, "an alias as a key is not read")
        self._add(at_line(known[0], line), known[1], None)

    def _open_sequence(self, event: yaml.SequenceStartEvent) -> None:
        self._open(event, [], "seq")

    def _open_mapping(self, event: yaml.MappingStartEvent) -> None:
        self._open(event, None, "map")

    def _open(self, event: yaml.CollectionStartEvent, items: list[Node] | None, type_name: str) -> None:
        line = _line(event)
        tag = self._tag(event.tag, line)
        if tag not in ("", type_name, *TAGS):
            raise self._fault(line, f"is not what its tag !!{tag} says")
        if len(self._stack) >= self._limits.depth:
            raise self._fault(line, f"is nested more than {self._limits.depth} deep")
        parent = self._stack[-1] if self._stack else None
        if parent and parent.items is None and parent.key is None:
            raise self._fault(line, "a key must be text")
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(line, tag if tag in TAGS else "", event.anchor, items))

    def _close(self, _: yaml.CollectionEndEvent) -> None:
        done = self._stack.pop()
        if done.items is not None:
            node = Node(tuple(done.items), done.line, "", done.tag)
        else:
            for source in done.merged:
                for key, value in source.value.items():  # type: ignore[union-attr]  # checked when it was added
                    done.pairs.setdefault(key, value)
            node = Node(done.pairs, done.line, "", done.tag)
        self._add(node, done.weight, done.anchor)

    def _add(self, node: Node, weight: int, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (node, weight)
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        self._charge(parent, weight, node.line)
        if parent.items is not None:
            parent.items.append(node)
        elif parent.key == _MERGE:
            parent.merged.extend(self._mappings(node))
            parent.key = None
        elif parent.key is not None:
            parent.pairs[parent.key] = at_line(node, parent.key_line)
            parent.key = None

    def _mappings(self, node: Node) -> tuple[Node, ...]:
        found = node.value if isinstance(node.value, tuple) else (node,)
        if not found or not all(isinstance(item.value, dict) for item in found):
            raise self._fault(node.line, "<< takes a mapping, or a list of mappings")
        return found

    def _charge(self, parent: _Open, weight: int, line: int) -> None:
        parent.weight += weight
        self._spent += 1
        if parent.weight > self._limits.nodes or self._spent > self._limits.nodes:
            raise self._fault(line, f"holds more than {self._limits.nodes} values once its aliases are written out")

    def _resolve(self, text: str, line: int) -> Scalar:
        try:
            return yaml_scalars.resolve(text)
        except ValueError as e:
            raise self._fault(line, str(e)) from e

    def _tag(self, tag: str | None, line: int) -> str:
        if tag is None or tag == "!" or tag in TAGS:
            return "" if tag is None else "str" if tag == "!" else tag
        if tag not in _KNOWN_TAGS:
            shown = tag.replace(_CORE, "!!")
            raise self._fault(line, f"the tag {plain(shown)} is not read; only !reset and !override are")
        return _KNOWN_TAGS[tag]

    def _not_yaml(self, error: yaml.MarkedYAMLError, text: str) -> ConfigError:
        mark = error.problem_mark or error.context_mark
        if mark is None:
            return self._fault(0, f"is not YAML: {plain(str(error), 200)}")
        lines = text.splitlines()
        if mark.line < len(lines) and lines[mark.line][: mark.column + 1].endswith("\t"):
            return self._fault(mark.line + 1, "is indented with a tab; YAML takes spaces")
        why = " ".join(part for part in (error.problem, error.context) if part)
        return self._fault(mark.line + 1, f"is not YAML: {plain(why, 200)}")

    def _fault(self, line: int, why: str, key: str = "") -> ConfigError:
        return ConfigError(self._file, line, key, why)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 0


def _type_name(value: Scalar) -> str:
    return "null" if value is None else type(value).__name__
