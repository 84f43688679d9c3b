"""What goes with a node that leaves for good: all that stands under its name, its number and its address."""

from __future__ import annotations

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.access import Caller
from appserver.core.fleet import Node
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.retire import Retire
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import HandClock

ROOT = Caller("root", "admin")


def site(*nodes: Node, known: tuple[str, ...]) -> MemoryKV:
    """Nodes on record, and addresses under which some ever came up."""
    kv = MemoryKV()
    kv.commit({}, {keys.node(node.name): encode(node) for node in nodes} | {keys.allnode(ip): "ok" for ip in known})
    return kv


def retire(kv: MemoryKV, name: str) -> None:
    clock = HandClock()
    Retire(kv=kv, clock=clock, audit=Audit(kv=kv, clock=clock), events=Events(kv=kv, clock=clock))(ROOT, name)


@pytest.mark.parametrize(
    ("node", "ip"),
    [
        (Node("n1", "192.0.2.1:8090", "default"), "192.0.2.1"),
        (Node("n1", "[2001:DB8:0::1]:8090", "default"), "2001:db8::1"),
        (Node("n1", "n1.example.net:8090", "default", ip="192.0.2.1"), "192.0.2.1"),
        (Node("n1", "192.0.2.7:8090", "default", ip="192.0.2.1"), "192.0.2.1"),
    ],
    ids=["address", "v6", "name", "another"],
)
def test_the_address_that_a_node_stood_under_goes_with_it(node: Node, ip: str) -> None:
    """However its agent is reached: by an address in whatever form, by a name, or at another address than its own."""
    kv = site(node, Node("n2", "192.0.2.2:8090", "default"), known=(ip, "192.0.2.2"))
    retire(kv, "n1")
    assert set(kv.snapshot("nodes/", "machines/").items) == {"nodes/n2", "machines/allnodes/192.0.2.2"}


@pytest.mark.parametrize(
    "other", [Node("n2", "192.0.2.1:8091", "default"), Node("n2", "n2:8090", "default", ip="192.0.2.1")]
)
def test_an_address_that_another_node_has_too_stays(other: Node) -> None:
    """A host that was replaced under a new name has come up before."""
    kv = site(Node("n1", "192.0.2.1:8090", "default"), other, known=("192.0.2.1",))
    retire(kv, "n1")
    assert "machines/allnodes/192.0.2.1" in kv.snapshot("machines/").items


def test_a_name_whose_address_nobody_recorded_takes_nothing_with_it() -> None:
    """Better a line too many than one of another node's."""
    kv = site(Node("n1", "n1:8090", "default"), known=("192.0.2.1",))
    retire(kv, "n1")
    assert set(kv.snapshot("nodes/", "machines/").items) == {"machines/allnodes/192.0.2.1"}
