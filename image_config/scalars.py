"""Kinds of one value. The table is at the end; what its parsers refuse, they refuse with the reason."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from image_config import units, yaml_safe
from image_config.errors import ConfigError
from image_config.kinds import Leaf, scalar_text, show
from image_config.model import Value, freeze
from image_config.reading import Reading, nearest
from image_config.tree import Node, plain_value

_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_REAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")
_LONGEST_NUMBER = 40


class AnyTree(Leaf):
    """A value handed on as it is; in properties it is written as YAML."""

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        if below:
            return super().flat(below, text, said, into)
        try:
            tree = yaml_safe.load_tree(str(text.value), into.file)
        except ConfigError as e:
            into.fault(said, text.line, e.why)
            return None
        return Node(None if tree is None else tree.value, text.line)


def text(pattern: str = "", syntax: str = "text", why: str = "") -> Leaf:
    """Text; where `pattern` is given it must match, else `why` says what it must be."""
    known = re.compile(pattern)

    def parse(node: Node) -> Value:
        found = scalar_text(node)
        if pattern and not known.fullmatch(found):
            raise ValueError(why or f"is not {syntax}")
        if "\0" in found:
            raise ValueError("holds a NUL byte")
        return found

    return Leaf(parse, syntax)


def choice(*words: str) -> Leaf:
    def parse(node: Node) -> Value:
        found = scalar_text(node)
        if found not in words:
            close = nearest(found, words)
            raise ValueError(f"is not one of {', '.join(words)}" + (f"; did you mean {close}?" if close else ""))
        return found

    return Leaf(parse, ", ".join(f"`{word}`" for word in words))


def integer(least: int = -(2**63), most: int = 2**63 - 1, unit: str = "") -> Leaf:
    def parse(node: Node) -> Value:
        amount = _number(node)
        if not isinstance(amount, int):
            raise ValueError("is not a whole number")
        if not least <= amount <= most:
            raise ValueError(f"is not between {least} and {most}")
        return amount

    return Leaf(parse, f"whole number{f' of {unit}' if unit else ''}{_range(least, most)}")


def amount_of(parse: Callable[[str], Value], syntax: str) -> Leaf:
    """Text in one of the forms of `units`."""
    return Leaf(lambda node: parse(_unambiguous(node)), syntax)


def size(minus_one: bool = False) -> Leaf:
    """Bytes. Compose prints them as text, but takes -1 only as a number."""

    def parse(node: Node) -> Value:
        found = _unambiguous(node)
        return -1 if minus_one and found == "-1" else units.size(found)

    syntax = "size: `512M`, `1.5g`, bytes; units are powers of 1024" + ("; `-1` for no limit" if minus_one else "")
    return Leaf(
        parse,
        syntax,
        render=lambda value: str(value) if isinstance(value, int) and value >= 0 else value,
        shown=lambda value: units.show_size(value) if isinstance(value, int) and value >= 0 else show(value),
    )


def any_tree(syntax: str = "as in Compose") -> AnyTree:
    def parse(node: Node) -> Value:
        if node.value is None:
            raise ValueError("has no value")
        return freeze(plain_value(Node(node.value)))

    return AnyTree(parse, syntax)


def _boolean(node: Node) -> Value:
    if isinstance(node.value, bool):
        return node.value
    found = scalar_text(node).lower()
    if found not in ("true", "false"):
        raise ValueError("is not true or false")
    return found == "true"


def _number(node: Node) -> int | float:
    found = _unambiguous(node)
    if len(found) <= _LONGEST_NUMBER and re.fullmatch(r"[-+]?[0-9]+", found):
        return int(found)
    if len(found) > _LONGEST_NUMBER or not _REAL.fullmatch(found):
        raise ValueError("is not a number")
    return units.whole(float(found))


def _microseconds(node: Node) -> Value:
    found = _unambiguous(node)
    return int(found) if re.fullmatch(r"-?[0-9]{1,18}", found) else units.microseconds(found)


def _duration(node: Node) -> Value:
    found = _unambiguous(node)
    if re.fullmatch(r"[1-9][0-9.]*", found):
        raise ValueError(f"has no unit; write {found}s for seconds")
    return units.duration(found)


def _command(node: Node) -> Value:
    if isinstance(node.value, tuple):
        return tuple(scalar_text(item) for item in node.value)
    line = scalar_text(node)
    try:
        return tuple(shlex.split(line))
    except ValueError as e:
        raise ValueError(f"cannot be split into words: {e}") from e


def _test(node: Node) -> Value:
    if not isinstance(node.value, tuple):
        return ("CMD-SHELL", scalar_text(node))
    words = tuple(scalar_text(item) for item in node.value)
    if not words or words[0] not in ("NONE", "CMD", "CMD-SHELL"):
        raise ValueError("must begin with NONE, CMD or CMD-SHELL")
    return words


def _mode(node: Node) -> Value:
    """Permission bits: YAML's 0440 is octal already; the text of a properties line is octal as well."""
    found = node.value
    if isinstance(found, str) and re.fullmatch(r"0o?[0-7]{1,5}", found):
        return int(found.replace("o", ""), 8)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    if isinstance(found, str) and re.fullmatch(r"[0-9]{1,5}", found):
        return int(found)
    raise ValueError("is not a file mode; write 0440")


def _unambiguous(node: Node) -> str:
    """A number's text, unless it is one that Compose reads as octal and people read as decimal."""
    if _LEADING_ZERO.fullmatch(node.raw) or (isinstance(node.value, str) and _LEADING_ZERO.fullmatch(node.value)):
        raise ValueError("begins with a zero, which Compose reads as octal; write it without")
    return scalar_text(node)


def _range(least: int, most: int) -> str:
    if least == -(2**63) and most == 2**63 - 1:
        return ""
    return f" from {least}" if most == 2**63 - 1 else f", {least} to {most}"


TEXT = text()
BOOLEAN = Leaf(_boolean, "`true` or `false`")
INTEGER = integer()
NUMBER = Leaf(_number, "number")
CORES = amount_of(units.cores, "cores: `0.5`, `2`")
SIZE = size()
DURATION = Leaf(_duration, "duration: `30s`, `1m30s`, `500ms`")
MICROSECONDS = Leaf(_microseconds, "microseconds, or a duration: `50ms`")
COMMAND = Leaf(_command, "list of words, or one line that is split as a shell would")
TEST = Leaf(_test, "one line for a shell, or a list that begins with `CMD`, `CMD-SHELL` or `NONE`")
MODE = Leaf(_mode, "file mode: `0440`")
ANY = any_tree()
RESTART = text(
    r"no|always|unless-stopped|on-failure(:[0-9]{1,6})?",
    "`no`, `always`, `unless-stopped`, `on-failure[:n]`",
    "is not a restart policy; write no, always, unless-stopped, on-failure or on-failure:3",
)
