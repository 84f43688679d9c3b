"""`x-moorage:` of a project: how it is to be run, as its author says it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from appserver.core import expose
from appserver.core.compose import EXTENSION, Project
from appserver.core.entities import Options
from appserver.core.updates import STRATEGIES, Mode, Order, Update
from appserver.errors import Invalid
from image_config import units
from image_config.errors import ConfigError

Reader = Callable[[str, object], Any]
"""Told where a value stands, and the value. Raises Invalid."""
MOST_REPLICAS = 1000
LEAST_GRACE_S = 20.0


def options(project: Project) -> Options:
    """What is not said is as `Options` has it.

    Raises:
        Invalid: an unknown key, with the nearest known one, or a value of the wrong kind.
    """
    given = project.get(EXTENSION) or {}
    if not isinstance(given, Mapping):
        raise Invalid(EXTENSION, "is a mapping")
    read = _fields(EXTENSION, given, _OPTIONS)
    if read.get("mode") == "global" and "replicas" in read:
        raise Invalid(f"{EXTENSION}.replicas", "a global application has a copy on every node")
    return Options(**read)


def options_text(said: Options) -> Mapping[str, str]:
    """By the names that authors use."""
    flat = {
        **{name: getattr(said, field) for name, (field, _) in _OPTIONS.items() if name != "update"},
        **{f"update.{n}": getattr(said.update, field) for n, (field, _) in _UPDATE.items() if n != "strategy"},
    }
    if said.update.share:
        flat["update.parallelism"] = f"{said.update.share}%"
    return {name: _shown(value) for name, value in flat.items()}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}s"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def _fields(where: str, given: Mapping[Any, Any], known: Mapping[str, tuple[str, Reader]]) -> dict[str, Any]:
    """By the names of the values' fields."""
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise Invalid(f"{where}.{name}", f"unknown; did you mean {near[0]}?" if near else "unknown")
        field, reader = known[name]
        read[field] = reader(f"{where}.{name}", value)
    return read


def _update(where: str, value: object) -> Update:
    if not isinstance(value, Mapping):
        raise Invalid(where, "is a mapping")
    read = _fields(where, value, _UPDATE)
    if strategy := read.pop("strategy", None):
        if said := sorted({"parallelism", "order"} & {*value}):
            raise Invalid(f"{where}.{said[0]}", f"is what strategy {value['strategy']} says already")
        read |= dict(zip(("parallelism", "order"), strategy, strict=True))
    if isinstance(share := read.get("parallelism"), str):
        read |= {"parallelism": 1, "share": int(share)}
    return Update(**read)


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


def _grace(where: str, value: object) -> float:
    """Shorter, and a node that has lost the store could not have stopped in time what runs elsewhere by then."""
    seconds = _seconds(where, value)
    if seconds < LEAST_GRACE_S:
        raise Invalid(where, f"is at least {LEAST_GRACE_S:g}s")
    return seconds


def _number(least: int, most: int) -> Reader:
    def read(where: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Invalid(where, f"is a whole number from {least} to {most}")
        return value

    return read


def _parallelism(where: str, value: object) -> int | str:
    """A number of copies, or the digits of a share."""
    if isinstance(value, str) and (found := re.fullmatch(r"([1-9][0-9]?|100)%", value)):
        return found[1]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_REPLICAS:
        raise Invalid(where, f"is a number of copies from 1 to {MOST_REPLICAS}, 0 for all, or a share such as 25%")
    return value


def _one_of(values: Mapping[str, Any]) -> Reader:
    def read(where: str, value: object) -> Any:
        if not isinstance(value, str) or value not in values:
            raise Invalid(where, f"is one of {', '.join(values)}")
        return values[value]

    return read


def _label(where: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}", value):
        raise Invalid(where, "is the name of a label of nodes")
    return value


def _names(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) and name for name in value):
        raise Invalid(where, "is a list of environment names")
    return tuple(value)


_UPDATE: Mapping[str, tuple[str, Reader]] = {
    "parallelism": ("parallelism", _parallelism),
    "order": ("order", _one_of({order: order for order in get_args(Order)})),
    "delay": ("delay_s", _seconds),
    "monitor": ("monitor_s", _seconds),
    "max_failures": ("max_failures", _number(0, MOST_REPLICAS)),
    "percentage": ("percentage", _number(1, 100)),
    "strategy": ("strategy", _one_of(STRATEGIES)),
}
_OPTIONS: Mapping[str, tuple[str, Reader]] = {
    "heal": ("heal", _flag),
    "settle": ("settle_s", _seconds),
    "timeout": ("timeout_s", _seconds),
    "secrets": ("secrets", _names),
    "replicas": ("replicas", _number(1, MOST_REPLICAS)),
    "mode": ("mode", _one_of({mode: mode for mode in get_args(Mode)})),
    "spread": ("spread", _label),
    "grace": ("grace_s", _grace),
    "update": ("update", _update),
    "expose": ("expose", expose.read),
    "drain": ("drain_s", _seconds),
}
"""A key's field, and how its value is read."""
