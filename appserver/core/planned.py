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
from appserver.core.entities import AppKey, Application, Desired, Options, Revision
from appserver.core.placement.filters import FILTERS, first_reason
from appserver.core.placement.request import Claim, Request
from appserver.core.plan import Step
from appserver.core.reserving import of_both
from appserver.core.rolling import begin
from appserver.core.steps import placed_otherwise, steps_between
from appserver.core.updates import Rollout
from appserver.errors import Conflict, NoPlacement


@dataclass(frozen=True, slots=True)
class Found:
    """What a plan is made of, whichever way its project came about. `record` is None where none is to be written."""

    key: AppKey
    seen: Seen
    result: Effective
    digest: str
    chosen: tuple[str, ...]
    """The nodes that run a copy each."""
    steps: tuple[Step, ...]
    claim: Claim
    """Of one copy."""
    record: Revision | None
    commits: Mapping[str, str]

    @property
    def moved(self) -> tuple[str, ...]:
        """Nodes that it leaves."""
        return tuple(name for name in self.seen.desired if name not in self.chosen)

    @property
    def nodes(self) -> tuple[str, ...]:
        return (*self.chosen, *self.moved)

    @property
    def latest(self) -> int:
        return self.record.number if self.record else latest_of(self.seen)


def planned(found: Found, author: Author, application: Application, token: str, adopt: bool = False) -> DeployPlan:
    """
    Raises:
        Conflict: `token` is of another plan than this.
        NoPlacement: a node has no room for old and new containers at once. What is put back is put back all the same.
    """
    if cramped := _cramped(found):
        if found.record is None or not found.record.restores:
            raise NoPlacement(cramped, "`order: stop-first` in x-moorage.update, which needs no room for both")
        found = _stop_first(found, found.record, cramped)
    seen, record = found.seen, found.record
    made = _token(seen.people_left_it, found.digest, found.chosen)
    if token and token != made:
        raise Conflict("the plan is stale: what it was made from has changed since; plan again")
    rollout, desired = _rollout(found, author, _desired(found, author, adopt))
    return DeployPlan(
        key=found.key,
        changed=record is not None or not plan.is_empty(found.steps),
        token=made,
        revision=seen.current.number if seen.current and not record else found.latest,
        nodes=found.chosen,
        steps=found.steps,
        warnings=found.result.warnings,
        diff=compose.diff(seen.current.project if seen.current else None, found.result.project),
        commits=found.commits,
        stood_on=seen.stood_on,
        record=record,
        application=application,
        desired=desired,
        claims={node: _reserved(found, node) for node in found.chosen},
        superseded=seen.unsettled if record else 0,
        rollout=rollout,
    )


def is_in_force(seen: Seen, result: Effective, nodes: tuple[str, ...], wanted: Options) -> bool:
    """Whether this project, placed and run as it says, is what is wanted on these nodes already."""
    return (
        seen.current is not None
        and seen.current.digest == compose.digest(result.project)
        and not placed_otherwise(seen, result)
        and seen.current.options == wanted
        and {*nodes} == {name for name, one in seen.desired.items() if one.run != "removed"}
        and not _gave_up(seen)
    )


def steps_of(seen: Seen, result: Effective, because: str = "") -> tuple[Step, ...]:
    if seen.current and _gave_up(seen):
        why = because or f"revision {seen.current.number} did not come up"
        return steps_between(None, result, seen.desired, seen.observed, why)
    return steps_between(seen.current, result, seen.desired, seen.observed, because)


def latest_of(seen: Seen) -> int:
    return seen.application.latest if seen.application else 0


def _gave_up(seen: Seen) -> bool:
    """Whether the revision wanted now did not come up, with nothing before it to put back."""
    if seen.current is None or (seen.application and seen.application.revision == seen.current.number):
        return False  # in force, though a copy of it may have failed
    return any(one.failed == seen.current.number != one.revision for one in seen.observed.values())


def _desired(found: Found, author: Author, adopt: bool) -> dict[str, Desired]:
    """What is wanted of every node in the end."""
    seen = found.seen
    in_force = seen.application.revision if seen.application else 0
    target = found.record.number if found.record else (seen.current.number if seen.current else 0)
    wanted = {
        node: _of_node(target, in_force, seen.desired.get(node), author, adopt, seen.in_swarm) for node in found.chosen
    }
    left = {
        name: replace(seen.desired[name], run="removed", handed_on=seen.in_swarm, deleted=False) for name in found.moved
    }
    return {**wanted, **left}


def _of_node(target: int, in_force: int, present: Desired | None, author: Author, adopt: bool, stack: bool) -> Desired:
    return Desired(
        revision=target,
        previous=in_force if in_force != target else (present.previous if present else 0),
        restart=present.restart if present else 0,
        by=author.name,
        stack=stack,
        adopt=adopt,
    )


def _rollout(found: Found, author: Author, desired: dict[str, Desired]) -> tuple[Rollout | None, Mapping[str, Desired]]:
    """Where several nodes are concerned and something is in force: a batch at a time. Else everything at once."""
    seen, record = found.seen, found.record
    running = {name for name, one in seen.desired.items() if one.run == "running"}
    before = seen.application.revision if seen.application else 0
    if record is None:  # whoever has not got the revision yet gets it in its turn
        return None, {node: one for node, one in desired.items() if _is_its_turn(seen, node, one)}
    if not before or not running or len({*found.chosen, *running}) < 2:
        return None, desired
    if len(found.chosen) == 1 and len(running) == 1:
        return None, desired  # one copy that moves: two of it would be two writers
    missing = tuple(name for name in found.chosen if name not in running)
    stays = tuple(sorted(name for name in found.chosen if name in running))
    rollout = Rollout(
        revision=record.number,
        before=before,
        update=replace(record.options.update, percentage=100) if record.restores else record.options.update,
        since=seen.now,
        waiting=(*missing, *stays),
        fresh=(*missing, *(name for name in (*stays, *found.moved) if name in seen.fresh)),
        leaving=found.moved,
        by=author.name,
    )
    move = begin(rollout, desired[found.chosen[0]], seen.desired)
    return move.rollout, move.desired


def _is_its_turn(seen: Seen, node: str, wanted: Desired) -> bool:
    present = seen.desired.get(node)
    return present is None or wanted.run == "removed" or present.revision == wanted.revision


def _both(found: Found) -> Claim | None:
    """Of a node on which new containers are started beside the old ones; None where nothing is, or nothing reserved."""
    current, record = found.seen.current, found.record
    if not current or not record or record.options.update.order != "start-first" or found.claim == Claim():
        return None
    return of_both(current.project, record.project)


def _runs(seen: Seen, node: str) -> bool:
    return node in seen.desired and seen.desired[node].run == "running"


def _cramped(found: Found) -> dict[str, str]:
    """Nodes without room for old and new containers at once, and what is missing there."""
    if (both := _both(found)) is None:
        return {}
    nodes = [replace(one, against="") for one in found.seen.candidates]
    refused = {
        node.name: first_reason(FILTERS, Request(str(found.key), both), node)
        for node in nodes
        if node.name in found.chosen and _runs(found.seen, node.name)
    }
    return {name: f"{why}, with the old containers beside the new ones" for name, why in refused.items() if why}


def _stop_first(found: Found, record: Revision, cramped: Mapping[str, str]) -> Found:
    """Better with a gap than not at all."""
    told = tuple(f"{node}: {why}: the old ones are stopped first" for node, why in sorted(cramped.items()))
    options = replace(record.options, update=replace(record.options.update, order="stop-first"))
    result = replace(found.result, warnings=(*found.result.warnings, *told))
    return replace(found, record=replace(record, options=options), result=result)


def _reserved(found: Found, name: str) -> Claim:
    """While it is open which revision stays, enough for either: the agent may put back what was there before.

    Where the only copy moves, the revision before counts on the node that is new to it only if there is room: nothing
    of it runs there yet.
    """
    seen, holder = found.seen, str(found.key)
    if found.record is None and not seen.unsettled:
        return found.claim
    held = {node.name: node.reserved[holder] for node in seen.candidates if holder in node.reserved}
    here = found.claim | held.get(name, found.claim)
    here |= (_both(found) if _runs(seen, name) else None) or here
    if len(found.chosen) > 1:
        return here
    both = reduce(or_, held.values(), here)
    node = next(one for one in seen.candidates if one.name == name)
    return here if first_reason(FILTERS, Request(holder, both), node) else both


def _token(left: str, digest: str, nodes: tuple[str, ...]) -> str:
    told = "\n".join([left, digest, *nodes])
    return hashlib.sha256(told.encode()).hexdigest()[:32]
