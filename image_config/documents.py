"""One configuration file, read without a thought for its neighbours."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from image_config import properties, yaml_safe
from image_config.errors import ConfigError
from image_config.kinds import quoted
from image_config.model import Path
from image_config.options import INCLUDE
from image_config.reader import read_options, tree_of
from image_config.reading import Found, Reading
from image_config.tree import Node

YAML = (".yml", ".yaml")
PROPERTIES = (".properties",)
EXTENSIONS = YAML + PROPERTIES
MOST_INCLUDES = 64


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, by line; `includes` are as written, each with its line."""

    found: tuple[Found, ...] = ()
    marks: tuple[tuple[Path, int], ...] = ()
    includes: tuple[tuple[str, int], ...] = ()
    faults: tuple[ConfigError, ...] = ()


def read(file: str, text: str) -> Document:
    """Never raises: what is wrong with the file is in its faults."""
    into = Reading(file, "git")
    try:
        tree = _tree(file, text, into)
    except ConfigError as fault:
        return Document(faults=(fault,))
    read_options(tree, into)
    includes = _includes(tree, into)
    return Document(tuple(into.found.values()), tuple(into.marks), includes, tuple(into.faults))


def extension(path: str) -> str:
    """`.yml` of `dev/web:1.2.yml`; empty where the file is no configuration."""
    found = posixpath.splitext(path)[1]
    return found if found in EXTENSIONS else ""


def _tree(file: str, text: str, into: Reading) -> Node | None:
    if extension(file) in PROPERTIES:
        return tree_of(properties.pairs(text, file), into)
    return yaml_safe.load_tree(text, file)


def _includes(tree: Node | None, into: Reading) -> tuple[tuple[str, int], ...]:
    named = tree.value.get(INCLUDE) if tree and isinstance(tree.value, dict) else None
    if named is None or named.value is None:
        return ()
    items = named.value if isinstance(named.value, tuple) else (named,)
    if len(items) > MOST_INCLUDES:
        into.fault(INCLUDE, named.line, f"names more than {MOST_INCLUDES} files")
        return ()
    found = []
    for number, item in enumerate(items):
        if isinstance(item.value, str) and not item.tag:
            found.append((item.value, item.line))
        else:
            into.fault(f"{INCLUDE}/{number}", item.line, f"{quoted(item)}is not the path of a file")
    return tuple(found)
