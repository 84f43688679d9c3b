"""A service as Docker Compose rendered it, where its values stand in the author's text, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from image_config.bounds import Limits
from image_config.errors import ConfigError, fail
from image_config.model import Layer, Path, Source
from image_config.reader import kind_named, layer_of, read_options
from image_config.reading import Reading
from image_config.tree import Node, from_plain
from image_config.yaml_safe import load_tree

LIMITS = Limits(bytes=4 << 20, nodes=400_000)
"""A compose file of ten thousand services is still read."""

_IMPLIED = {"default": None}
"""What Compose adds to every service that names no network: nobody's word."""


def from_compose(
    service: Mapping[str, object], *, where: Mapping[str, str] | None = None, file: str = "compose.yaml"
) -> Layer:
    """One service of `docker compose config`, as JSON or YAML values; Compose's `$$` becomes `$` again.

    Args:
        where: option, or option and what is below it (`environment/FOO`), to `compose.yaml:12`.
        file: the source of what is not in `where`.
    Raises:
        ConfigError: an option or value that this version does not know.
    """
    lines = where or {}
    into = Reading(file, "compose")
    tree = from_plain(unescaped({name: value for name, value in service.items() if value is not None}), tags=False)
    read_options(tree, into)
    if into.faults:
        fail([_placed(fault, lines) for fault in into.faults])
    sources: dict[str, Source] = {}

    def at(path: Path, _: int) -> Source:
        place = _place(path, lines) or file
        return sources.setdefault(place, _source(place))

    layer = layer_of(_source(file), into.found.values(), (), at)
    if service.get("networks") != _IMPLIED:
        return layer
    implied = tuple(entry for entry in layer.entries if entry.path[0] == "networks")
    return replace(layer, entries=tuple(e for e in layer.entries if e not in implied), defaults=implied)


def compose_lines(text: str, file: str) -> Mapping[tuple[str, str], str]:
    """Where each option of each service stands: (service, option) and (service, `environment/FOO`) to `file:line`.

    Best effort: what Compose makes of the text (`extends`, `include`, interpolation) is not followed, and a
    text that cannot be read has no lines. Of several files, the later one's lines go over the earlier one's.
    """
    try:
        tree = load_tree(text, file, LIMITS)
    except ConfigError:
        return {}
    found: dict[tuple[str, str], str] = {}
    services = _fields(tree).get("services") if tree else None
    for name, service in _fields(services).items() if services else ():
        into = Reading(file, "compose")
        for option, value in _fields(service).items():
            found[name, option] = f"{file}:{value.line}"
        read_options(Node(_fields(service), service.line), into)
        for path, value_found in into.found.items():
            found[name, "/".join(path)] = f"{file}:{value_found.line}"
    return found


def escaped(value: object) -> object:
    """`$` doubled in every text, as Compose wants it where it interpolates; names of a mapping it leaves alone."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escaped(item) for item in value]
    return value


def unescaped(value: object) -> object:
    """The reverse for what `docker compose config` prints, which doubles `$` in names as well."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, Mapping):
        return {str(key).replace("$$", "$"): unescaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unescaped(item) for item in value]
    return value


def _fields(node: Node | None) -> dict[str, Node]:
    return node.value if node and isinstance(node.value, dict) else {}


def _place(path: Path, lines: Mapping[str, str]) -> str:
    """The closest place known: of the value, else of what holds it."""
    for depth in range(len(path), 0, -1):
        if place := lines.get("/".join(path[:depth])):
            return place
    return ""


def _placed(fault: ConfigError, lines: Mapping[str, str]) -> ConfigError:
    parts = fault.key.split("/")
    known = kind_named(parts[0])
    place = _place(tuple(parts), lines) or (_place(known[0], lines) if known else "")
    source = _source(place or fault.file)
    return ConfigError(source.file, source.line, fault.key, fault.why, fault.nearest)


def _source(place: str) -> Source:
    file, colon, line = place.rpartition(":")
    if colon and line.isdecimal():
        return Source("compose", file=file, line=int(line))
    return Source("compose", file=place)
