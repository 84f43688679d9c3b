"""A plan put together: for a request and for a roll-back alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from appserver.core import compose, plan
from appserver.core.deployment import Author, DeployPlan, Seen
from appserver.core.effective import Effective
from appserver.core.entities import AppKey, Application, Desired, Revision
from appserver.core.placement.filters import FILTERS, first_reason
from appserver.core.placement.request import Claim, Request
from appserver.core.plan import Step
from appserver.core.steps import steps_between
from appserver.errors import Conflict


@dataclass(frozen=True, slots=True)
class Found:
    """What a plan is made of, whichever way its project came about. `record` is None where none is to be written."""

    key: AppKey
    seen: Seen
    result: Effective
    digest: str
    node: str
    steps: tuple[Step, ...]
    claim: Claim
    record: Revision | None
    commits: Mapping[str, str]

    @property
    def moved(self) -> tuple[str, ...]:
        """Nodes that it leaves."""
        return tuple(name for name in self.seen.desired if name != self.node)

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node, *self.moved)

    @property
    def latest(self) -> int:
        return self.record.number if self.record else latest_of(self.seen)


def planned(found: Found, author: Author, application: Application, token: str, adopt: bool = False) -> DeployPlan:
    """
    Raises:
        Conflict: `token` is of another plan than this.
    """
    seen, record = found.seen, found.record
    made = _token(seen.stood_on, found.digest, found.node)
    if token and token != made:
        raise Conflict("the plan is stale: what it was made from has changed since; plan again")
    return DeployPlan(
        key=found.key,
        changed=record is not None or not plan.is_empty(found.steps),
        token=made,
        revision=seen.current.number if seen.current and not record else found.latest,
        node=found.node,
        steps=found.steps,
        warnings=found.result.warnings,
        diff=compose.diff(seen.current.project if seen.current else None, found.result.project),
        commits=found.commits,
        stood_on=seen.stood_on,
        record=record,
        application=application,
        desired=_desired(seen, record, author, found.node, found.moved, adopt),
        claim=_reserved(found),
        superseded=seen.unsettled if record else 0,
    )


def is_in_force(seen: Seen, digest: str, node: str) -> bool:
    """Whether the project of this digest is what is wanted on this node already."""
    return seen.current is not None and seen.current.digest == digest and node in seen.desired and not _gave_up(seen)


def steps_of(seen: Seen, result: Effective, because: str = "") -> tuple[Step, ...]:
    if seen.current and _gave_up(seen):
        why = because or f"revision {seen.current.number} did not come up"
        return steps_between(None, result, seen.desired, seen.observed, why)
    return steps_between(seen.current, result, seen.desired, seen.observed, because)


def latest_of(seen: Seen) -> int:
    return seen.application.latest if seen.application else 0


def _gave_up(seen: Seen) -> bool:
    """Whether the revision wanted now did not come up, with nothing before it to put back."""
    return seen.current is not None and any(
        one.failed == seen.current.number != one.revision for one in seen.observed.values()
    )


def _desired(
    seen: Seen, record: Revision | None, author: Author, node: str, moved: tuple[str, ...], adopt: bool = False
) -> Mapping[str, Desired]:
    in_force = seen.application.revision if seen.application else 0
    present = seen.desired.get(node)
    target = record.number if record else (seen.current.number if seen.current else 0)
    wanted = Desired(
        revision=target,
        previous=in_force if in_force != target else (present.previous if present else 0),
        restart=present.restart if present else 0,
        by=author.name,
        adopt=adopt,
    )
    return {node: wanted, **{name: replace(seen.desired[name], run="removed") for name in moved}}


def _reserved(found: Found) -> Claim:
    """While it is open which revision stays, enough for either: the agent may put back what was there before.

    On a node that is new to it the revision before counts only where there is room: nothing of it runs there yet.
    """
    seen, holder = found.seen, str(found.key)
    if found.record is None and not seen.unsettled:
        return found.claim
    held = {node.name: node.reserved[holder] for node in seen.candidates if holder in node.reserved}
    here = found.claim | held.get(found.node, found.claim)
    both = reduce(or_, held.values(), here)
    node = next(one for one in seen.candidates if one.name == found.node)
    return here if first_reason(FILTERS, Request(holder, both), node) else both


def _token(stood_on: Mapping[str, int], digest: str, node: str) -> str:
    told = "\n".join([*(f"{key} {revision}" for key, revision in sorted(stood_on.items())), digest, node])
    return hashlib.sha256(told.encode()).hexdigest()[:32]
