"""Nodes and the clusters that group them, as they are on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from appserver.core.containers import EngineInfo


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to trust a node or not. `since` is when `ok` last changed."""

    name: str
    ok: bool
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Node:
    """`nodes/<name>`."""

    name: str
    address: str
    """host:port of the agent's live reads."""
    cluster: str
    lrn: int = -1
    labels: Mapping[str, str] = field(default_factory=dict)
    engine: EngineInfo | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """`clusters/<name>`."""

    name: str
    kind: Literal["engines", "swarm"] = "engines"
    strategy: Literal["spread", "binpack", "random"] = "spread"
    labels: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
