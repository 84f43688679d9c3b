"""What a person gave by form or API for one service: the strongest layer."""

from __future__ import annotations

from collections.abc import Mapping

from image_config.errors import fail
from image_config.model import Layer, Source
from image_config.reader import layer_of, read_options
from image_config.reading import Reading
from image_config.tree import from_plain


def from_overrides(values: Mapping[str, object], *, user: str, at: str) -> Layer:
    """The same keys and values as in a YAML file; `{"!reset": null}` and `{"!override": …}` stand for its tags.

    Args:
        at: when, as it is to be printed (`2026-11-21T10:00:00Z`).
    Raises:
        ConfigError: every fault; `file` is empty, `key` points into the values.
    """
    source = Source("form", user=user, at=at)
    into = Reading("", "form")
    read_options(from_plain(values), into)
    if into.faults:
        fail(into.faults)
    return layer_of(source, into.found.values(), into.marks, lambda path, line: source)
