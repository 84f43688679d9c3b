"""Which node of a Swarm is made a manager or a worker next, so that as many manage it as the site asked for. Pure.

The role `engine` says of each node, by a label, what it is to be. Where a manager stays away, a worker stands in for
it; when it is back, it is a manager again. One change at a time, and none that could cost the majority.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from appserver.core.swarm_nodes import Mark, Member

Role = Literal["manager", "worker"]

ROLE = "moorage.role"
"""A label: what the site asked the node to be."""
STANDS_IN = "moorage.stands-in"
"""A label: it is a manager because one that was asked for is away. Whom somebody promoted by hand stays one."""


def change(members: Sequence[Member], lost: Collection[str]) -> Mark | None:
    """The next step, seen from the manager that leads; None where all is as it should be, or may not be touched.

    Args:
        lost: ids of managers that have been down for so long that they are not waited for any more.
    """
    managers = [one for one in members if one.manager and (one.votes or one.ready)]
    asked = [one for one in members if one.labels.get(ROLE) == "manager"]
    if not asked or not _holds(managers):
        return None
    if back := _first(one for one in asked if not one.manager and _is_fit(one)):
        return _told(back, "manager")
    if len(managers) < len(asked):
        stand_in = _stand_in(members)
        return _told(stand_in, "manager", stands_in=True) if stand_in else None
    # One that votes: Swarm refuses to demote whom it promoted and who never came.
    gone = _first(one for one in managers if one.id in lost and one.votes and not one.ready)
    if gone and _stand_in(members) and _holds([one for one in managers if one.id != gone.id]):
        return _told(gone, "worker")  # before its stand-in is there: a member that is dead counts in each majority
    if all(one.manager and one.reachable for one in asked):
        spare = _first(one for one in managers if STANDS_IN in one.labels and one not in asked)
        return _told(spare, "worker") if spare and _holds([one for one in managers if one.id != spare.id]) else None
    return None


def _stand_in(members: Sequence[Member]) -> Member | None:
    return _first(one for one in members if not one.manager and one.labels.get(ROLE) == "worker" and _is_fit(one))


def _is_fit(one: Member) -> bool:
    """One that was taken out, by us or by hand, is not to be counted on."""
    return one.ready and one.availability == "active"


def _holds(managers: Sequence[Member]) -> bool:
    """Whether a majority of those that vote is reachable."""
    return sum(one.reachable for one in managers) > sum(one.votes for one in managers) // 2


def _first(found: Iterable[Member]) -> Member | None:
    """The leader last: its Swarm would have to choose another."""
    return min(found, key=lambda one: (one.leader, one.id), default=None)


def _told(one: Member, role: Role, stands_in: bool = False) -> Mark:
    labels = {name: value for name, value in one.labels.items() if name != STANDS_IN}
    return Mark(one.id, {**labels, STANDS_IN: "1"} if stands_in else labels, one.availability, role)
