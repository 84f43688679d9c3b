"""`x-moorage:` of a project: how it is to be run, as its author says it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from appserver.core.compose import EXTENSION, Project
from appserver.core.entities import Options
from appserver.errors import Invalid
from image_config import units
from image_config.errors import ConfigError

_LATER = {
    "replicas": "one copy runs",
    "mode": "one copy runs, on one node",
    "update": "what changed is recreated at once",
}
"""Keys that have a meaning which this version cannot give them, and what it does instead."""


def options(project: Project) -> Options:
    """What is not said is as `Options` has it.

    Raises:
        Invalid: an unknown key, with the nearest known one, or a value of the wrong kind.
    """
    given = project.get(EXTENSION) or {}
    if not isinstance(given, Mapping):
        raise Invalid(EXTENSION, "is a mapping")
    known = {"heal": _flag, "settle": _seconds, "timeout": _seconds, "secrets": _names}
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name in _LATER:
            raise Invalid(f"{EXTENSION}.{name}", f"not yet; {_LATER[name]}")
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise Invalid(f"{EXTENSION}.{name}", f"unknown; did you mean {near[0]}?" if near else "unknown")
        read[name] = known[name](f"{EXTENSION}.{name}", value)
    default = Options()
    return Options(
        heal=read.get("heal", default.heal),
        settle_s=read.get("settle", default.settle_s),
        timeout_s=read.get("timeout", default.timeout_s),
        secrets=read.get("secrets", default.secrets),
    )


def _flag(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid(where, "is true or false")
    return value


def _seconds(where: str, value: object) -> float:
    try:
        seconds = units.seconds(str(value))
    except (ConfigError, ValueError, TypeError) as error:
        raise Invalid(where, f"{value!r} is not a duration such as 30s") from error
    if not 0 <= seconds <= 86_400:
        raise Invalid(where, "is between 0s and 24h")
    return seconds


def _names(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) and name for name in value):
        raise Invalid(where, "is a list of environment names")
    return tuple(value)
