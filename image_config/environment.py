"""Environment variables, and the placement constraints that stand among them.

Stand-alone Swarm read `constraint:storage==ssd` and `affinity:container==front` from the environment, and
so did Haven. Here they are kept apart: they steer placement, and no container sees them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from image_config.kinds import Built, Kind, descend, scalar_text
from image_config.model import Entry, Path, Value
from image_config.reading import Reading
from image_config.scalars import TEXT
from image_config.shapes import Map
from image_config.tree import Node

ENVIRONMENT_PATH = ("environment",)
_PREFIXES = ("constraint:", "affinity:")
_EXPRESSION = re.compile(
    r"(?P<kind>constraint|affinity):(?P<name>[A-Za-z0-9_.-]{1,128})"
    r"(?P<operator>==|!=|=~)(?P<soft>~?)(?P<value>[^\x00-\x1f\x7f]{1,256})"
)
_BARE = 'has no value, so Compose would take it from the machine it runs on; write "" for an empty one'


def constraints(entries: Iterable[Entry], kind: str) -> tuple[str, ...]:
    """The expressions of one kind, `constraint` or `affinity`, without their prefix: `storage==~ssd`, in order."""
    prefix = f"{kind}:"
    return tuple(
        str(entry.value).removeprefix(prefix)
        for entry in entries
        if entry.path[:1] == ENVIRONMENT_PATH and len(entry.path) == 2 and entry.path[1].startswith(prefix)
    )


def is_constraint(name: str) -> bool:
    return name.startswith(_PREFIXES)


def is_soft(expression: str) -> bool:
    """Whether `constraint:storage==~ssd` is a wish only."""
    found = _EXPRESSION.fullmatch(expression)
    return bool(found and found["soft"])


class Environment(Map):
    """Variables by name; constraints by their label, so that a stronger layer can change one."""

    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        if node.value is None:
            return
        pairs = self._pairs(node, said, into)
        if isinstance(node.value, dict) and not pairs:
            into.put(path, {}, node.line, said)
        for name, value in pairs:
            if is_constraint(name):
                _read_constraint(name, value, path, said, into)
            elif not name or "=" in name or "\0" in name:
                into.fault(f"{said}/{name}", value.line, "is not a variable's name")
            elif value.value is None and not value.tag:
                if into.strict:
                    into.fault(f"{said}/{name}", value.line, _BARE)
                else:
                    into.put((*path, name), None, value.line, f"{said}/{name}")
            else:
                descend(TEXT, value, (*path, name), f"{said}/{name}", into)

    def build(self, found: Built, for_compose: bool) -> object:
        return {path[0]: value for path, value in sorted(found, key=_first) if path and not is_constraint(path[0])}


class PlacedOn(Kind):
    """Haven's `node`: the node the container is to run on, as a constraint."""

    rule = "the stronger replaces"
    syntax = "a node's name"

    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        try:
            name = scalar_text(node)
        except ValueError as e:
            into.fault(said, node.line, str(e))
            return
        _put(f"constraint:node=={name}", path[:1], said, node.line, into)

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        return TEXT.flat(below, text, said, into)

    def build(self, found: Built, for_compose: bool) -> object:
        return None


def _read_constraint(name: str, value: Node, path: Path, said: str, into: Reading) -> None:
    """`constraint:a==b` comes cut at its first `=`, as Compose cuts it; in a map the operator may be in the value."""
    try:
        after = scalar_text(value) if value.value is not None else ""
    except ValueError as e:
        into.fault(f"{said}/{name}", value.line, str(e))
        return
    if value.tag:
        into.fault(f"{said}/{name}", value.line, f"{value.tag} is for the whole environment, or for a variable")
        return
    glue = "" if after.startswith(("==", "!=")) else "="
    _put(f"{name}{glue}{after}", path, said, value.line, into)


def _put(expression: str, path: Path, said: str, line: int, into: Reading) -> None:
    found = _EXPRESSION.fullmatch(expression)
    if not found:
        into.fault(said, line, f'"{expression[:80]}" is not a constraint; write constraint:storage==ssd, != or =~')
        return
    several = found["value"] if found["operator"] == "!=" else ""
    key = f"{found['kind']}:{found['name']}{found['operator']}{several}"
    into.put((*path, key), expression, line, said)


def _first(part: tuple[Path, Value]) -> str:
    return part[0][0] if part[0] else ""


ENVIRONMENT = Environment(syntax="map, or list of `NAME=value`; `constraint:…` and `affinity:…` steer placement")
PLACED_ON = PlacedOn()
