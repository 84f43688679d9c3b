"""Cluman's event buses: their ids, the actions each carries, and how grave an action is.

Source: `bus.cluman.*` of Haven. Its misspelt `bus.cluman.erorrs` is spelt as its code meant it; the bus is no list of
its own but every event of at least WARNING on the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Severity = Literal["INFO", "WARNING", "ERROR"]

NODE = "bus.cluman.node"
SERVICE = "bus.cluman.dockerservice"
DOCKER = "bus.cluman.log.docker"
CLUSTERS = "bus.cluman.log.nodesGroup"
APPLICATION = "bus.cluman.log.application"
REGISTRY = "bus.cluman.log.registry"
PIPELINE = "bus.cluman.pipeline"
JOB = "bus.cluman.job"
ERRORS = "bus.cluman.errors"

_STANDARD = ("create", "update", "delete", "start", "stop", "die", "online", "offline")
ACTIONS: Mapping[str, tuple[str, ...]] = {
    NODE: _STANDARD,
    SERVICE: _STANDARD,
    DOCKER: _STANDARD,
    CLUSTERS: _STANDARD,
    APPLICATION: (*_STANDARD, "starting", "started", "failed", "drift"),
    REGISTRY: _STANDARD,
    PIPELINE: (*_STANDARD, "PROMOTE", "REJECT", "deploy"),
    JOB: _STANDARD,
}
"""The buses that are written to."""

GRAVE: tuple[Severity, ...] = ("INFO", "WARNING", "ERROR")
"""Least first."""

_SEVERITY: Mapping[tuple[str, str], Severity] = {
    ("*", "die"): "ERROR",
    ("*", "offline"): "WARNING",
    (REGISTRY, "offline"): "ERROR",
    (APPLICATION, "failed"): "ERROR",
    (APPLICATION, "drift"): "WARNING",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """`events/<at>-<id>`: one event on one of Cluman's buses."""

    bus: str
    action: str
    severity: Severity
    subject: str
    message: str
    at: datetime
    user: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)


def severity(bus: str, action: str) -> Severity:
    """How grave an action is on a bus, where its sender does not say."""
    return _SEVERITY.get((bus, action)) or _SEVERITY.get(("*", action), "INFO")


def belongs(event: Happening, bus: str) -> bool:
    """Whether a listener of `bus` (empty: all of them) hears the event."""
    return bus in ("", event.bus) or (bus == ERRORS and GRAVE.index(event.severity) >= GRAVE.index("WARNING"))
