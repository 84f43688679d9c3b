"""Three boot servers on record, for the pages: a real service over a store in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from appserver.adapters.memory import MemoryKV
from appserver.core.bmc import Board, Seen, differences
from appserver.core.events import NODE, Happening
from appserver.core.fleet import Node
from appserver.services.bmc import BmcView
from appserver.services.boot_servers import BootServers
from appserver.store import keys
from appserver.store.codec import encode

DEBS: dict[int, dict[str, str]] = {
    0: {"curl": "7.88.1-10+deb12u12", "docker.io": "26.1.5+dfsg1-9", "etcd-server": "3.5.16-4"},
    1: {"curl": "7.88.1-10+deb12u14", "docker.io": "26.1.5+dfsg1-9", "jq": "1.6-2.1"},
    10: {},
}
CONTAINERS: dict[int, dict[str, str]] = {
    0: {"shop-web-1": "registry.lan:5000/shop/web:4.2"},
    1: {"odd": "busybox:1.36"},
    10: {},
}


CHANGED_AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
BOARD = Board("192.0.2.101", "redfish", 0, "admin", "", {"admin": "administrator", "ops": "operator"})


def boards() -> SimpleNamespace:
    """Of boot server 0, where somebody added a user; of 1, that does not answer."""
    users = {**BOARD.wanted, "mallory <b>": "administrator"}
    views = {
        0: BmcView(BOARD, Seen(True, "on"), users, differences(BOARD.wanted, users)),
        1: BmcView(BOARD, Seen(False, "", "192.0.2.101 does not answer by Redfish"), BOARD.wanted, ()),
    }
    return SimpleNamespace(show=lambda _, lrn: views.get(lrn))


def boot_servers() -> BootServers:
    kv = MemoryKV()
    for lrn, debs in DEBS.items():
        puts = {keys.installed_deb(lrn, name): version for name, version in debs.items()}
        puts |= {keys.installed_container(lrn, name): image for name, image in CONTAINERS[lrn].items()}
        kv.commit({}, {**puts, keys.bootserver(lrn): ""})
    for lrn in (0, 1):
        node = Node(f"harbour-{lrn + 1}", f"198.18.0.{lrn + 2}:8443", "default", lrn)
        kv.commit({}, {keys.node(node.name): encode(node)})
    changes = [
        ["deb", "jq <b>", "1.6-2.1", ""],
        ["container", "odd", "", "busybox:1.36"],
        ["bmc", "ops", "user", "operator"],
    ]
    changed = Happening(NODE, "update", "INFO", "harbour-1", "", CHANGED_AT, "", {"changes": changes})
    kv.commit({}, {keys.alive("harbour-1"): "198.18.0.2:8443", keys.event(CHANGED_AT, "00000001"): encode(changed)})
    return BootServers(kv=kv)
