"""Which node of a Swarm is made a manager or a worker next, so that as many manage it as the site asked for. Pure.

The role `engine` says of each node, by a label, what it is to be. Where a manager of the site stays down, a worker
stands in for it; when it is back for good, it is a manager again. One change at a time: none after which the majority
would hang by a node that is not there yet, and none while Swarm is still at the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from appserver.core.swarm_nodes import Mark, Member

Role = Literal["manager", "worker"]

ROLE = "moorage.role"
"""A label: what the site asked the node to be."""
STANDS_IN = "moorage.stands-in"
"""A label: `1` of one that is a manager because another is down. Whom somebody promoted by hand stays one. `never` of
one that is not to be: a manager holds the keys and the secrets of its Swarm."""


def change(members: Sequence[Member], lost: Collection[str], steady: Collection[str]) -> Mark | None:
    """The next step, seen from the manager that leads; None where all is as it should be, or may not be touched.

    Args:
        lost: ids of managers that have been down for so long that they are not waited for any more.
        steady: ids of nodes that have been up for so long that one may count on them.
    """
    listed = [one for one in members if one.votes]
    asked = [one for one in members if one.labels.get(ROLE) == "manager"]
    if not asked or not _holds(listed) or any(not one.manager for one in listed):
        return None
    may_grow = _holds(listed, and_one_more=True)
    fit = [one for one in members if not one.manager and one.id in steady and _is_fit(one)]
    back = _first(one for one in fit if one in asked)
    if back and may_grow:
        return _told(back, "manager")
    stand_in = _first(one for one in fit if one.labels.get(ROLE) == "worker" and one.labels.get(STANDS_IN) != "never")
    coming = [one for one in members if one.manager and (one.votes or one.ready)]
    if stand_in and may_grow and len(coming) < len(asked):
        return _told(stand_in, "manager", stands_in=True)
    ours = [one for one in listed if one in asked or _stands_in(one)]
    gone = _first(one for one in ours if one.id in lost and not one.ready and not one.reachable)
    if gone and (back or stand_in) and _holds([one for one in listed if one != gone]):
        return _told(gone, "worker")  # before its stand-in is there: a member that is dead counts in each majority
    if all(one.manager and one.reachable for one in asked):
        spare = _first(one for one in listed if _stands_in(one) and one not in asked)
        return _told(spare, "worker") if spare and _holds([one for one in listed if one != spare]) else None
    return None


def _is_fit(one: Member) -> bool:
    """One that was taken out, by us or by hand, is not to be counted on."""
    return one.ready and one.availability == "active"


def _stands_in(one: Member) -> bool:
    return one.labels.get(STANDS_IN) == "1"


def _holds(listed: Sequence[Member], and_one_more: bool = False) -> bool:
    """Whether a majority of them is reachable; with one more, even if that never comes. One that is alone may grow."""
    reachable = sum(one.reachable for one in listed)
    return reachable > (len(listed) + and_one_more) // 2 or (and_one_more and reachable == len(listed) > 0)


def _first(found: Iterable[Member]) -> Member | None:
    """The leader last: its Swarm would have to choose another."""
    return min(found, key=lambda one: (one.leader, one.id), default=None)


def _told(one: Member, role: Role, stands_in: bool = False) -> Mark:
    labels = {name: value for name, value in one.labels.items() if name != STANDS_IN or value != "1"}
    return Mark(one.id, {**labels, STANDS_IN: "1"} if stands_in else labels, one.availability, role, one.version)
