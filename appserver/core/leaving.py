"""Which containers a plan stops: they are to be asked nothing any more before that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appserver.core.containers import ContainerState
from appserver.core.differences import hash_of
from appserver.core.entities import Revision
from appserver.core.reconcile import ReconcilePlan


def stopped_by(
    plan: ReconcilePlan, revision: Revision, containers: Sequence[ContainerState], adopted: Mapping[str, str]
) -> frozenset[str]:
    """Ids. Of a service that Compose brings up, those that were made from another definition.

    Args:
        adopted: id of a container without our label to the service hash it stands for.
    """
    anew = {*plan.force, *plan.restart}
    changed = {name for name in plan.up if name not in plan.keep}
    return frozenset(
        one.id
        for one in containers
        if one.id in plan.remove
        or one.service in anew
        or (one.service in changed and hash_of(one, adopted) != revision.hashes.get(one.service))
    )
