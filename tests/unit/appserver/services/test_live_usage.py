"""Live usage in the rank of nodes, where the cluster wants it."""

from __future__ import annotations

import pytest

from appserver.core.access import Caller
from appserver.core.containers import EngineInfo
from appserver.core.entities import AppKey
from appserver.core.fleet import Cluster, Node
from appserver.core.in_use import InUse
from appserver.core.placement.place import place
from appserver.core.placement.request import Claim, Request, Reservation
from appserver.services.clusters import Clusters
from appserver.services.standing import standing_of
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import Desk

GIB = 1 << 30


@pytest.mark.parametrize(("live", "taken"), [(False, "a"), (True, "b")])
def test_of_two_alike_the_quieter_is_taken_where_that_counts(live: bool, taken: str) -> None:
    """What is reserved already is not counted twice: b's work is what was promised there, a's is nobody's."""
    desk = Desk()
    Clusters(kv=desk.kv, audit=desk.audit, events=desk.events).put(Caller("ann", "admin"), Cluster("c", live=live))
    engine = EngineInfo("26.1.5", 4.0, 8 * GIB)
    for name, cpus in (("a", 3.0), ("b", 1.0)):
        held = Reservation(holders={"c.old": Claim(1.0, GIB)})
        desk.kv.commit(
            {},
            {
                keys.node(name): encode(Node(name, f"{name}:1", "c", engine=engine, in_use=InUse(cpus, GIB))),
                keys.alive(name): f"{name}:1",
                keys.reservation(name): encode(held),
            },
        )
    found = standing_of(desk.kv, AppKey("c", "new")).candidates
    assert place(Request("c.new", Claim(0.5, GIB)), found, "spread").node == taken
