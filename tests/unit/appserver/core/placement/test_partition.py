"""Nodes are shared out among schedulers without a word between them."""

from __future__ import annotations

from appserver.core.placement.index import Index
from appserver.core.placement.manager import approve, with_request
from appserver.core.placement.partition import owner, split
from appserver.core.placement.request import Candidate, Claim, Request

GIB = 2**30
NODES = [Candidate(f"n{n:03}", 8, 32 * GIB) for n in range(400)]
EIGHT = [f"app{n}" for n in range(8)]


def test_every_node_has_one_owner_and_each_has_its_share() -> None:
    """Whoever lists schedulers and nodes another way comes to the same."""
    parts = [split(NODES, EIGHT, own) for own in EIGHT]
    names = [node.name for mine, _ in parts for node in mine]
    assert sorted(names) == [node.name for node in NODES]
    assert all(25 <= len(mine) <= 80 and len(mine) + len(others) == 400 for mine, others in parts)
    assert split(NODES[::-1], EIGHT[::-1], "app3")[0] == parts[3][0][::-1]


def test_when_one_goes_only_its_nodes_change_hands() -> None:
    """The others' schedulers keep what they know."""
    left = [name for name in EIGHT if name != "app3"]
    moved = [n.name for n in NODES if owner(n.name, EIGHT) != owner(n.name, left)]
    assert moved == [n.name for n in NODES if owner(n.name, EIGHT) == "app3"]
    assert len({owner(name, left) for name in moved}) > 4


def test_who_is_alone_or_unknown_has_them_all() -> None:
    """A scheduler that has just started is not without nodes."""
    assert split(NODES, ["app0"], "app0") == split(NODES, EIGHT, "new") == (tuple(NODES), ())


def test_eight_that_decide_at_once_on_their_own_nodes_are_not_refused() -> None:
    """The manager says yes to all; deciding on the same nodes it would refuse most of what is packed."""

    def refused(shared: bool) -> int:
        by_name = {node.name: node for node in NODES}
        count = 0
        for own in EIGHT:
            index = Index(NODES if shared else split(NODES, EIGHT, own)[0], "binpack", accelerated=False)
            wanted = [Request(f"{own}/{n}", Claim(1.5, 4 * GIB)) for n in range(50)]
            for one, name in zip(wanted, index.names(index.place(index.read(wanted))), strict=True):
                assert name is not None
                if approve([one], by_name[name]).yes:
                    by_name[name] = with_request(by_name[name], one)
                else:
                    count += 1
        return count

    assert refused(shared=False) == 0
    assert refused(shared=True) > 300
