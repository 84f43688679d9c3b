"""What goes with a node that leaves for good: all that stands under its name, its number and its address."""

from __future__ import annotations

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.access import Caller
from appserver.core.entities import Desired
from appserver.core.fleet import Node
from appserver.errors import Conflict, NotFound
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


def service(kv: MemoryKV) -> Retire:
    clock = HandClock()
    return Retire(kv=kv, clock=clock, audit=Audit(kv=kv, clock=clock), events=Events(kv=kv, clock=clock))


def retire(kv: MemoryKV, name: str, lrn: int = -1) -> int:
    return service(kv)(ROOT, name, lrn)


def held(kv: MemoryKV) -> set[str]:
    """Every key but the account of what was done."""
    return {key for key in kv.snapshot("").items if not key.startswith(("audit/", "events/"))}


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


def test_what_it_learned_of_images_goes_with_it() -> None:
    """And nothing of what another learned, whose name only begins alike."""
    kv = site(Node("n1", "192.0.2.1:8090", "default"), known=())
    kv.commit({}, {keys.learned("n1", "web:1"): "{}", keys.learned("n10", "web:1"): "{}"})
    retire(kv, "n1")
    assert set(kv.snapshot(keys.LEARNED).items) == {"learned/n10/web%3A1"}


def test_a_name_whose_address_nobody_recorded_takes_nothing_with_it() -> None:
    """Better a line too many than one of another node's."""
    kv = site(Node("n1", "n1:8090", "default"), known=("192.0.2.1",))
    retire(kv, "n1")
    assert set(kv.snapshot("nodes/", "machines/").items) == {"machines/allnodes/192.0.2.1"}


def test_what_stands_under_the_number_goes_with_it() -> None:
    """Also which versions of the base file system it had; boot server 30 is not 3."""
    kv = site(Node("n3", "192.0.2.1:8090", "default", lrn=3), known=())
    kv.commit({}, dict.fromkeys((keys.bootserver(3), keys.installed_deb(3, "git"), keys.basefs_on("v1", 3)), "x"))
    others = {keys.bootserver(30), keys.installed_deb(30, "git"), keys.basefs_on("v1", 30), keys.basefs("v1")}
    kv.commit({}, dict.fromkeys(others, "x"))
    assert retire(kv, "n3", 3) == 4
    assert held(kv) == others


def test_a_number_that_another_node_has_too_is_left_to_it() -> None:
    """The host that came in its place, under a name of its own."""
    both = (Node("old", "192.0.2.1:8090", "default", lrn=3), Node("new", "192.0.2.2:8090", "default", lrn=3))
    kv = site(*both, known=())
    kv.commit({}, {keys.bootserver(3): "", keys.installed_deb(3, "git"): "1"})
    retire(kv, "old", 3)
    assert held(kv) == {"nodes/new", keys.bootserver(3), keys.installed_deb(3, "git")}


def test_a_boot_server_that_is_no_node_leaves_by_its_number() -> None:
    """Its agent never came up, or a run was broken off; a second time there is nothing."""
    kv = site(known=())
    kv.commit({}, {keys.bootserver(3): "", keys.installed_deb(3, "git"): "1"})
    assert retire(kv, "n3", 3) == 2
    assert not held(kv)
    assert retire(kv, "n3", 3) == 0


def test_a_node_that_nobody_knows_is_told() -> None:
    """Where no number says what else it might be."""
    with pytest.raises(NotFound, match="no node n9"):
        retire(site(known=()), "n9")


def test_the_node_that_the_number_stands_for_is_not_left_behind() -> None:
    """A name that is mistaken takes nothing with it, neither that of a node nor that of nobody."""
    kv = site(Node("n3", "192.0.2.1:8090", "default", lrn=3), Node("n4", "192.0.2.2:8090", "default", lrn=4), known=())
    with pytest.raises(Conflict, match="boot server 3 is on record as n3, not as boot-3"):
        retire(kv, "boot-3", 3)
    with pytest.raises(Conflict, match="n4 is boot server 4 on record, not 3"):
        retire(kv, "n4", 3)
    assert held(kv) == {"nodes/n3", "nodes/n4"}


def test_a_node_that_calls_itself_by_another_name_takes_that_one_nowhere() -> None:
    """An agent may write what its own node is, and lie."""
    kv = site(Node("good", "192.0.2.1:8090", "default"), known=())
    kv.commit({}, {keys.node("bad"): encode(Node("good", "192.0.2.2:8090", "default"))})
    retire(kv, "bad")
    assert held(kv) == {"nodes/good"}


def test_asking_changes_nothing() -> None:
    """Not even the account of what was done. Whoever is going to stop the agent may ask while it runs."""
    kv = site(Node("n3", "192.0.2.1:8090", "default", lrn=3), known=())
    kv.commit({}, {keys.alive("n3"): "192.0.2.1:8090", keys.bootserver(3): ""})
    before = kv.snapshot("").revision
    assert service(kv).ask(ROOT, "n3", 3, stopped=True) == 2
    with pytest.raises(Conflict, match="n3 is on: stop its agent first"):
        service(kv).ask(ROOT, "n3", 3)
    assert kv.snapshot("").revision == before


def test_an_application_that_is_wanted_there_is_told_before_the_agent_is_stopped() -> None:
    """That it is on hides no other reason."""
    kv = site(Node("n3", "192.0.2.1:8090", "default", lrn=3), known=())
    wanted = encode(Desired(revision=1, previous=0, run="running", by="ada"))
    kv.commit({}, {keys.alive("n3"): "x", "desired/n3/default.shop": wanted})
    with pytest.raises(Conflict, match=r"default\.shop is wanted on n3"):
        service(kv).ask(ROOT, "n3", 3, stopped=True)
