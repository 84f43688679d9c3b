"""Literals in, text out: layers from a few lines, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping

from image_config import ConfigError, Layer, Repository, Resolved, Target, from_compose, from_overrides, resolve

AT = "2026-11-21T10:00:00Z"


def git(text: str, file: str = "web.yml", commit: str = "3f2c1abcde") -> Layer:
    """The layer of one file at the root, for the image of its name."""
    (layer,) = Repository({file: text}, commit).layers(Target(file.partition(".")[0]))
    return layer


def form(**values: object) -> Layer:
    return from_overrides(values, user="alice", at=AT)


def compose(**service: object) -> Layer:
    return from_compose(service)


def service(*layers: Layer) -> dict[str, object]:
    return resolve(layers).to_compose()


def faults(text: str, file: str = "web.yml") -> list[str]:
    try:
        git(text, file)
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


def origins(resolved: Resolved) -> Mapping[str, str]:
    """`option/key` to its source."""
    return {"/".join(row.path): str(row.source) for row in resolved.explain()}
