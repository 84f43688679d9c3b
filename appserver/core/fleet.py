"""Nodes and the clusters that group them, as they are on record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Literal

from appserver.core.containers import EngineInfo
from appserver.core.in_use import InUse
from appserver.errors import Invalid

WARNINGS = frozenset({"certificates"})
"""Conditions that, while they are bad, ask for somebody's hand in time, and keep nobody from using the node."""


SWARM = "swarm"
"""The condition of a manager that reaches its Swarm."""

CONDITIONS = frozenset(
    {
        "certificates",
        "clock",
        "disk",
        "engine",
        "handshake",
        "identity",
        "memory",
        "shared-storage",
        "smart",
        SWARM,
    }
)
"""Those that are known here; an agent of another version may tell of more."""


Kind = Literal["engines", "swarm", "group"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to trust a node or not. `since` is when `ok` last changed."""

    name: str
    ok: bool
    reason: str
    since: datetime

    @property
    def speaks_against(self) -> bool:
        """Whether nothing more is to be placed there."""
        return not self.ok and self.name not in WARNINGS


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
    certificates_end: datetime | None = None
    """When the first of its host's certificates ends; None where its agent can read none."""
    in_use: InUse | None = None
    """None where nobody measures it."""


@dataclass(frozen=True, slots=True)
class Cordon:
    """`cordons/<node>`: nothing new is placed there. Drained, what is there is placed elsewhere too."""

    by: str
    at: datetime
    reason: str = ""
    drain: bool = False

    def __str__(self) -> str:
        told = f"{'drained' if self.drain else 'cordoned'} by {self.by}"
        return f"{told}: {self.reason}" if self.reason else told


@dataclass(frozen=True, slots=True)
class Loss:
    """`losses/<node>`: its agent is gone; removed when it is back.

    `at` is for people, by the clock of the app server that noticed. What is decided is decided by `waited_s`: so long
    app servers have been looking since, each by a clock that nobody sets; a little less, never more.
    """

    at: datetime
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """`clusters/<name>`. A `group` has no nodes of its own: it is those that `selector` holds for, of any cluster."""

    name: str
    kind: Kind = "engines"
    strategy: Literal["spread", "binpack", "random"] = "spread"
    labels: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    selector: tuple[str, ...] = ()
    """Classic Swarm's expressions on labels of nodes, all of which must hold."""
    live: bool = False
    """What is in use on a node beyond what is reserved counts in its rank."""
    going: bool = False
    """Somebody deletes it: nothing more comes there."""


def reached_at(address: str) -> tuple[str, int]:
    """Host and port of what an agent says that it is reached at: a name, or an IP address without brackets.

    An agent writes that itself, and others make commands and URLs of it: nothing passes here that one of those could
    take for an option, a user or a path.

    Raises:
        Invalid: it is none.
    """
    host, _, port = address.rpartition(":")
    known = _NAME.fullmatch(host) or _is_v6(host[1:-1] if host[:1] + host[-1:] == "[]" else host)
    if not known or not _PORT.fullmatch(port) or not 0 < int(port) < 1 << 16:
        raise Invalid("address", f"{address[:80]!r} is not host:port")
    return host.strip("[]"), int(port)


def host_of(node: Node) -> str:
    """Host of its address.

    Raises:
        Invalid: it has none.
    """
    return reached_at(node.address)[0]


def ip_of(node: Node) -> str:
    """Under which it stands in `machines/`, written shortest; empty where nobody recorded it."""
    try:
        return str(ip_address(node.ip or host_of(node)))
    except (ValueError, Invalid):
        return ""


def _is_v6(host: str) -> bool:
    address, scoped, scope = host.partition("%")
    try:
        return bool(IPv6Address(address)) and bool(_NAME.fullmatch(scope) if scoped else True)
    except ValueError:
        return False


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_PORT = re.compile(r"[0-9]{1,5}")
