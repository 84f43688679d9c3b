"""Networks, links, host names and dependencies: options that Haven and Compose write differently."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from image_config.kinds import Built, Kind, scalar_text
from image_config.lists import Items, words
from image_config.model import Path, Value
from image_config.reading import Reading
from image_config.scalars import BOOLEAN, INTEGER, NUMBER, TEXT, choice
from image_config.shapes import Map, Record
from image_config.tree import Node

_MODES = ("bridge", "host", "none")
_HOST_SYNTAX = "map of name to address, or list of `name:address` or `name=address`"


class NetworkOrMode(Kind):
    """Haven's `network`: a mode of the engine, another container's network, or the name of a network."""

    rule = "the stronger replaces"
    syntax = "`bridge`, `host`, `none`, `container:<id>`, or a network's name"

    def read(self, node: Node, path: Path, said: str, into: Reading) -> None:
        try:
            name = scalar_text(node)
        except ValueError as e:
            into.fault(said, node.line, str(e))
            return
        if name in _MODES or name.startswith("container:"):
            into.put(("network_mode",), name, node.line, said)
        else:
            into.put(("networks", name), None, node.line, said)

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        return TEXT.flat(below, text, said, into)

    def build(self, found: Built, for_compose: bool) -> object:
        return None


def _link(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    """`service[:alias]`, by alias."""
    found = scalar_text(item)
    service, _, alias = found.partition(":")
    if not service or found.count(":") > 1:
        raise ValueError("is not a link; write service or service:alias")
    return ((alias or service, found),)


def _host(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    if isinstance(item.value, dict):
        raise ValueError(f"takes a {_HOST_SYNTAX}")
    found = scalar_text(item)
    at = min(found.find(sign) for sign in "=:" if sign in found) if "=" in found or ":" in found else -1
    name, address = found[:at], found[at + 1 :].strip("[]")
    if at < 1 or not _is_address(address):
        raise ValueError(f"is not a host; takes a {_HOST_SYNTAX}")
    return ((name, f"{name}={address}"),)


def _is_address(text: str) -> bool:
    if text == "host-gateway":
        return True
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _from_container(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    """Haven's `volumesFrom` names containers, where Compose's `volumes_from` names services."""
    found = scalar_text(item)
    named = found if found.startswith("container:") else f"container:{found}"
    return ((named, named),)


_NETWORK = Record({
    "aliases": words(),
    "interface_name": TEXT,
    "ipv4_address": TEXT,
    "ipv6_address": TEXT,
    "link_local_ips": words(),
    "mac_address": TEXT,
    "driver_opts": Map(),
    "priority": INTEGER,
    "gw_priority": NUMBER,
    "use_service_name_alias": BOOLEAN,
})  # fmt: skip
_DEPENDENCY = Record({
    "condition": choice("service_started", "service_healthy", "service_completed_successfully"),
    "restart": BOOLEAN,
    "required": BOOLEAN,
})  # fmt: skip
_STARTED = Node({"condition": Node("service_started"), "required": Node(True)})

NETWORKS = Map(_NETWORK, "list of names, or map of name to options", bare=None, present=True)
NETWORK_OR_MODE = NetworkOrMode()
DEPENDS_ON = Map(_DEPENDENCY, "list of services, or map of service to condition", bare=_STARTED)
LINKS = Items(
    _link,
    "list of `service:alias`, or Haven's map of alias to name",
    "by alias, the stronger wins",
    from_pair=lambda alias, name: f"{name}:{alias}",
)
EXTRA_HOSTS = Items(
    _host,
    _HOST_SYNTAX,
    "by host name, the stronger wins",
    from_pair=lambda name, address: f"{name}={address}",
    several=True,
    ordered=False,
)
VOLUMES_FROM_CONTAINERS = Items(_from_container, "`container[:ro]`", "unite in order")
