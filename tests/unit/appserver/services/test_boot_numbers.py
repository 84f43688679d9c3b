"""Numbers of boot servers that come free: a host that got another one, and a host that is gone without a word."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.access import Caller
from appserver.core.fleet import Node
from appserver.errors import Conflict, Forbidden, NotFound
from appserver.services.audit import Audit
from appserver.services.boot_numbers import BootNumbers
from appserver.services.boot_servers import BootServers
from appserver.services.events import Events
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import HandClock

ROOT = Caller("root", "admin")
OLD = (keys.bootserver(1), keys.installed_deb(1, "git"), keys.basefs_on("v1", 1), keys.bmc_board(1), keys.bmc_seen(1))
NEIGHBOURS = (keys.bootserver(10), keys.installed_deb(10, "git"), keys.basefs_on("v1", 10), keys.basefs("v1"))


def site(*nodes: Node) -> MemoryKV:
    """With all that can stand under the numbers 1 and 10."""
    kv = MemoryKV()
    kv.commit({}, {keys.node(node.name): encode(node) for node in nodes} | dict.fromkeys((*OLD, *NEIGHBOURS), "x"))
    return kv


def node(name: str, lrn: int) -> Node:
    return Node(name, f"192.0.2.{lrn}:8090", "default", lrn=lrn)


def service(kv: MemoryKV) -> BootNumbers:
    clock = HandClock()
    return BootNumbers(kv=kv, audit=Audit(kv=kv, clock=clock), events=Events(kv=kv, clock=clock))


def held(kv: MemoryKV) -> set[str]:
    return {key for key in kv.snapshot("").items if not key.startswith(("audit/", "events/", "nodes/"))}


def numbers(kv: MemoryKV) -> list[int]:
    return [one.lrn for one in BootServers(kv=kv).list(ROOT)]


def renumber(kv: MemoryKV, lrn: int, taken: Collection[int] = (), was: int = -1) -> tuple[int, int]:
    return service(kv).renumber(ROOT, "boot-1", lrn, taken, was)


def test_a_node_that_got_another_number_leaves_no_ghost_behind() -> None:
    """All that stood under the old one goes, at once; boot server 10 is not 1. A second time there is nothing."""
    kv = site(node("boot-1", 1))
    assert numbers(kv) == [1, 10]
    assert renumber(kv, 5) == (1, len(OLD))
    assert held(kv) == set(NEIGHBOURS)
    assert numbers(kv) == [5, 10]
    assert renumber(kv, 5) == (-1, 0)


def test_what_its_old_agent_wrote_in_its_last_moments_goes_too() -> None:
    """Where the store does not keep it from writing under the number that it had."""
    kv = site(node("boot-1", 5))
    assert renumber(kv, 5, was=1) == (1, len(OLD))
    assert numbers(kv) == [5, 10]


@pytest.mark.parametrize("other", [(node("boot-2", 1),), ()])
def test_a_number_that_another_host_has_is_left_to_it(other: tuple[Node, ...]) -> None:
    """Be it a node, or a host of the inventory that is none yet: two hosts may change their numbers with each other."""
    kv = site(node("boot-1", 1), *other)
    assert renumber(kv, 5, () if other else (1,)) == (1, 0)
    assert held(kv) == {*OLD, *NEIGHBOURS}


@pytest.mark.parametrize("nodes", [(), (node("boot-1", -1),), (node("boot-1", 5),)])
def test_a_node_that_had_no_other_number_changes_nothing(nodes: tuple[Node, ...]) -> None:
    """A new host, one that was no boot server, one that has its number already."""
    kv = site(*nodes)
    before = kv.snapshot("").revision
    assert renumber(kv, 5) == (-1, 0)
    assert kv.snapshot("").revision == before


def test_asking_changes_nothing() -> None:
    """And tells how much would go."""
    kv = site(node("boot-1", 1))
    before = kv.snapshot("").revision
    assert service(kv).renumber(ROOT, "boot-1", 5, (), check_mode=True) == (1, len(OLD))
    assert kv.snapshot("").revision == before


def test_a_number_that_no_host_has_is_taken_off_the_record() -> None:
    """By an administrator, with an account of it."""
    kv = site(node("boot-10", 10))
    assert service(kv).retire(ROOT, 1) == len(OLD)
    assert held(kv) == set(NEIGHBOURS)
    (entry,) = [item.value for item in kv.snapshot("audit/").items.values()]
    assert "bootserver:1" in entry
    with pytest.raises(NotFound, match="there is no boot server 1"):
        service(kv).retire(ROOT, 1)


def test_a_number_that_a_node_has_stays() -> None:
    """The node is what is retired, and how is said."""
    kv = site(node("boot-1", 1))
    with pytest.raises(Conflict, match="boot-1 is boot server 1: retire that host"):
        service(kv).retire(ROOT, 1)
    with pytest.raises(Forbidden):
        service(kv).retire(Caller("olga", "operator"), 10)
    assert held(kv) == {*OLD, *NEIGHBOURS}
