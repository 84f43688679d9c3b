"""A document as a tree of nodes, each knowing its line; YAML, properties and plain values all become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from image_config.errors import ConfigError
from image_config.model import Scalar

RESET = "!reset"
OVERRIDE = "!override"
TAGS = (RESET, OVERRIDE)

DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a tuple of nodes, or a dict of nodes by key text.

    `line` is that of its key where it is the value of a mapping. `raw` is a scalar's own text, for the
    few places where `0777` and `511` are not the same. `tag` is `!reset`, `!override` or empty.
    """

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    line: int = 0
    raw: str = ""
    tag: str = ""


def at_line(node: Node, line: int) -> Node:
    return replace(node, line=line)


def wholly_at_line(node: Node, line: int) -> Node:
    """For a tree that stands for something written on one line."""
    value = node.value
    if isinstance(value, tuple):
        value = tuple(wholly_at_line(item, line) for item in value)
    elif isinstance(value, dict):
        value = {name: wholly_at_line(item, line) for name, item in value.items()}
    return replace(node, value=value, line=line)


def plain_value(node: Node) -> object:
    """The node without positions; a tag becomes a mapping of one key, as in JSON: `{"!reset": null}`."""
    value: object = node.value
    if isinstance(node.value, tuple):
        value = [plain_value(item) for item in node.value]
    elif isinstance(node.value, dict):
        value = {key: plain_value(item) for key, item in node.value.items()}
    return {node.tag: value} if node.tag else value


def from_plain(value: object, key: str = "", depth: int = 0, tags: bool = True) -> Node:
    """The reverse of `plain_value`; without `tags` a mapping is a mapping, whatever its key.

    Raises:
        ConfigError: too deep, or a value that JSON does not have.
    """
    if depth > DEEPEST:
        raise ConfigError("", 0, key, f"is nested more than {DEEPEST} deep")
    if isinstance(value, Mapping):
        if tags and len(value) == 1 and (tag := next(iter(value))) in TAGS:
            return replace(from_plain(value[tag], key, depth + 1, tags), tag=tag)
        return Node({str(k): from_plain(item, key or str(k), depth + 1, tags) for k, item in value.items()})
    if isinstance(value, list | tuple):
        return Node(tuple(from_plain(item, key, depth + 1, tags) for item in value))
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise ConfigError("", 0, key, "is not a number that JSON can hold")
    if value is None or isinstance(value, bool | int | float | str):
        return Node(value)
    raise ConfigError("", 0, key, f"is a {type(value).__name__}, which no configuration holds")
