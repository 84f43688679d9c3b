"""Nodes and the clusters that group them, as they are on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
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
    ip: str = ""
    """Under which it last stood in `machines/`; `address` may be a name."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """`clusters/<name>`."""

    name: str
    kind: Literal["engines", "swarm"] = "engines"
    strategy: Literal["spread", "binpack", "random"] = "spread"
    labels: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


def host_of(node: Node) -> str:
    """Host of its address, a name or an IP address without brackets."""
    return node.address.rpartition(":")[0].strip("[]")


def ip_of(node: Node) -> str:
    """Under which it stands in `machines/`, written shortest; empty where nobody recorded it."""
    try:
        return str(ip_address(node.ip or host_of(node)))
    except ValueError:
        return ""
