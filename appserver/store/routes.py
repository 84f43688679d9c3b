"""The table of routes as the store has it: for those who follow it, and those who show it."""

from __future__ import annotations

from appserver.core.entities import Desired
from appserver.core.routes import Held, Route, Serving, address_of, table
from appserver.ports import Snapshot
from appserver.store import keys
from appserver.store.records import below, nodes_below

PREFIXES = (keys.ROUTES, keys.SERVING, "desired/", "nodes/", "alive/")
"""What the table is made of."""


def table_of(seen: Snapshot) -> tuple[Route, ...]:
    held = {host: one.record for host, one in below(seen, keys.ROUTES, Held)}
    serving = {_placed(name): one.record for name, one in below(seen, keys.SERVING, Serving)}
    desired = {_placed(name): one.record for name, one in below(seen, "desired/", Desired)}
    wanted = {where for where, one in desired.items() if one.run == "running" or one.handed_on}
    handed_on = {where for where, one in desired.items() if one.handed_on}
    nodes = [one.record for one in nodes_below(seen)]
    addresses = {node.name: found for node in nodes if (found := address_of(node.ip, node.address))}
    alive = {name.removeprefix("alive/") for name in seen.items if name.startswith("alive/")}
    return table(held, serving, wanted, addresses, alive, handed_on)


def _placed(name: str) -> tuple[str, str]:
    """Node and application of the end of a key."""
    node, _, application = name.partition("/")
    return node, application
