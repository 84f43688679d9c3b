"""Nodes as they are listed: each stands for itself."""

from __future__ import annotations

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.access import Caller
from appserver.core.containers import EngineInfo
from appserver.core.entities import AppKey
from appserver.core.fleet import Cluster, Condition, Node
from appserver.errors import BadRecord
from appserver.services.boot_servers import BootServers
from appserver.services.nodes import NodeList
from appserver.services.standing import standing_of
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import START

READER = Caller("test", "viewer", via="system")


@pytest.fixture
def kv() -> MemoryKV:
    """n1 is on; n2 says that it is n1, and elsewhere."""
    kv = MemoryKV()
    kv.commit(
        {},
        {
            keys.node("n1"): encode(Node("n1", "192.0.2.1:8090", "default", 1)),
            keys.node("n2"): encode(Node("n1", "192.0.2.2:8090", "default", 2)),
            keys.alive("n1"): "192.0.2.1:8090",
            keys.cluster("default"): encode(Cluster("default")),
        },
    )
    return kv


def test_a_node_that_gives_another_name_is_not_listed(kv: MemoryKV) -> None:
    """Neither under that nor under its own."""
    nodes = NodeList(kv=kv)
    assert [(view.node.name, view.node.lrn, view.on) for view in nodes.list(READER)] == [("n1", 1, True)]
    with pytest.raises(BadRecord, match="nodes/n2: is said to be 'n1'"):
        nodes.show(READER, "n2")
    assert nodes.show(READER, "n1").node.lrn == 1


def test_what_ends_soon_is_told_and_keeps_nobody_from_the_node(kv: MemoryKV) -> None:
    """Certificates are made on one day: a month before their end no node at all would take anything."""
    engine = EngineInfo("26.1.5", 2.0, 4 << 30, "2.26.1")
    for name, healthy in (("certificates", True), ("disk", False)):
        told = (Condition(name, False, "why", START),)
        kv.commit({}, {keys.node("n1"): encode(Node("n1", "h:1", "default", 1, {}, engine, told))})
        view = NodeList(kv=kv).show(READER, "n1")
        assert (view.healthy, view.conditions) == (healthy, told)
        (candidate,) = standing_of(kv, AppKey("default", "shop")).candidates
        assert candidate.against == ("" if healthy else "disk: why")


def test_nothing_is_placed_on_it(kv: MemoryKV) -> None:
    """What it says of another is no candidate, which would be the other twice."""
    assert [one.name for one in standing_of(kv, AppKey("default", "shop")).candidates] == ["n1"]


def test_its_boot_server_is_not_on_by_the_other_name(kv: MemoryKV) -> None:
    """A boot server's node is one that speaks for itself."""
    shown = {one.lrn: one for one in BootServers(kv=kv).list(READER)}
    assert list(shown) == [1]
