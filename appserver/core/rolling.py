"""The next step of a roll-out over several nodes, from one snapshot. Pure; whoever has the answer may write it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from appserver.core.entities import (
    MOST_FAILED_RESTARTS,
    Application,
    Cause,
    Desired,
    FailedRestart,
    Observed,
    Outcome,
)
from appserver.core.finish import Finish
from appserver.core.operations import at_rest
from appserver.core.updates import Rollout

Wanted = Mapping[str, tuple[Desired, int]]
"""Node to desired record, and the store revision that wrote it."""
Passed = Callable[[datetime], float]
"""For how many seconds the roll-out's moment has been watched; 0 of one that is new."""
_PATIENCE_S = 15.0
"""After a batch began, before a node without its agent is not waited for any more: longer than a lease."""
Verdict = Literal["up", "failed", "away", "open"]


@dataclass(frozen=True, slots=True)
class Move:
    """What to write next: `rollout` as it is from now on, and what is wanted of more nodes. `over`: it has ended."""

    rollout: Rollout
    desired: Mapping[str, Desired] = field(default_factory=dict)
    over: Literal["", "done", "failed"] = ""


def move(
    rollout: Rollout,
    desired: Wanted,
    observed: Mapping[str, Observed],
    on: Collection[str],
    now: datetime,
    passed: Passed,
    known: Collection[str] | None = None,
) -> Move:
    """
    Args:
        now: what happens now is noted as of then.
        on: nodes whose agent is alive.
        known: nodes that are on record, all of them where nothing is said: one that was retired is left out.
    """
    rollout = _seen_up(rollout, desired, observed, on, now)
    found = {node: _verdict(rollout, node, desired, observed, on, now, passed) for node in rollout.acting}
    now_on = _counted(rollout, found, now)
    if known is not None:
        now_on = replace(now_on, waiting=tuple(node for node in now_on.waiting if node in known or node in desired))
    if len(now_on.failed) > now_on.update.max_failures:
        return Move(now_on, over="failed")
    if now_on.acting:
        return Move(now_on)
    if not now_on.waiting:
        if now_on.done:
            return Move(now_on, over="done")
        return Move(now_on, over="failed" if now_on.failed else "")  # up nowhere is not deployed
    if _is_held(now_on, desired) or passed(now_on.since) < now_on.update.delay_s:
        return Move(now_on)
    through = len(now_on.nodes) - len(now_on.waiting)
    first = now_on.update.first(len(now_on.nodes))
    if not now_on.resumed and through >= first:
        return Move(replace(now_on, paused=f"{through} of {len(now_on.nodes)} are updated, as its author wants"))
    size = now_on.update.batch(len(now_on.nodes))
    if not now_on.resumed:
        size = min(size, first - through)
    return _begin(now_on, now_on.waiting[:size], desired, now)


def begin(rollout: Rollout, wanted: Desired, present: Mapping[str, Desired]) -> Move:
    """The first batch, of a roll-out of which nothing has begun.

    Args:
        wanted: what each node is to have in the end.
        present: what is wanted of each node now.
    """
    size = min(rollout.update.batch(len(rollout.nodes)), rollout.update.first(len(rollout.nodes)))
    of_all: Wanted = {n: (present.get(n, wanted), 0) for n in rollout.nodes}
    return _begin(rollout, rollout.waiting[:size], of_all, rollout.since)


def conclude(
    rollout: Rollout,
    application: Application,
    desired: Wanted,
    observed: Mapping[str, Observed],
    over: Literal["done", "failed"],
    now: datetime,
    written: tuple[int, int] = (0, 0),
) -> Finish:
    """What ends it: in force on all, or the revision before back where the new one is. A restart just ends.

    Args:
        written: store revisions that wrote its record first and last.
    """
    if rollout.restart:
        failed = (FailedRestart(*written, _causes(rollout, observed)),) if over == "failed" else ()
        kept = (*application.failed_restarts, *failed)[-MOST_FAILED_RESTARTS:]
        return Finish(rollout.revision, application=replace(application, failed_restarts=kept), ended=True)
    if over == "done":
        names = (c for n in rollout.nodes if n in observed for s in observed[n].services for c in s.containers)
        in_force = replace(application, revision=rollout.revision, containers=tuple(sorted({*names})))
        outcome = Outcome("deployed", now, _causes(rollout, observed))
        going = [node for node in rollout.leaving if node in desired and node in rollout.fresh]
        missing = len({*rollout.fresh} - {*rollout.done, *going})  # so many that leave have nobody in their place
        going += [node for node in rollout.leaving if node in desired and node not in rollout.fresh][missing:]
        left = {node: replace(desired[node][0], run="removed", deleted=False) for node in going}
        stays = dict.fromkeys(rollout.nodes, rollout.revision)
        stays |= {node: 0 if node in rollout.fresh else rollout.before for node in rollout.failed}
        return Finish(rollout.revision, outcome, in_force, left, (), stays)
    held = tuple(node for node in (*rollout.nodes, *rollout.leaving) if node in desired)
    back = {node: _back(rollout, node, desired[node][0]) for node in held}
    stays = {node: rollout.before for node in held if node not in rollout.fresh}
    never = tuple(node for node in rollout.nodes if node not in desired)
    there = replace(application, nodes=tuple(node for node in application.nodes if node not in never))
    return Finish(rollout.revision, Outcome("failed", now, _causes(rollout, observed)), there, back, never, stays)


def _verdict(
    rollout: Rollout,
    node: str,
    desired: Wanted,
    observed: Mapping[str, Observed],
    on: Collection[str],
    now: datetime,
    passed: Passed,
) -> Verdict:
    if node not in desired:
        return "away"
    if node not in on:  # an agent that is started again is there within its lease
        return "away" if rollout.begun is None or passed(rollout.begun) >= _PATIENCE_S else "open"
    if desired[node][0].run != "running":
        return "open"
    seen = observed.get(node)
    if seen is not None and at_rest(seen, desired[node][1]) and seen.phase == "failed":
        return "failed"
    if not _is_up(rollout, node, desired, observed):
        # it was up, and is not any more before its time to prove that is over
        return "failed" if node in rollout.up_since else "open"
    since = rollout.up_since.get(node, now)
    return "up" if passed(since) >= rollout.update.monitor_s else "open"


def _is_up(rollout: Rollout, node: str, desired: Wanted, observed: Mapping[str, Observed]) -> bool:
    seen = observed.get(node)
    if seen is None or not at_rest(seen, desired[node][1]):
        return False
    watched = rollout.update.monitor_s > 0
    return seen.phase == "done" and seen.revision == rollout.revision and not (watched and seen.drift)


def _seen_up(
    rollout: Rollout, desired: Wanted, observed: Mapping[str, Observed], on: Collection[str], now: datetime
) -> Rollout:
    """By our own clock, and not by that of a node."""
    if not rollout.update.monitor_s:
        return rollout
    up = [n for n in rollout.acting if n in desired and n in on and _is_up(rollout, n, desired, observed)]
    known = {node: at for node, at in rollout.up_since.items() if node in rollout.acting}
    return replace(rollout, up_since={**dict.fromkeys(up, now), **known})


def _counted(rollout: Rollout, found: Mapping[str, Verdict], now: datetime) -> Rollout:
    def those(verdict: Verdict) -> tuple[str, ...]:
        return tuple(node for node, one in found.items() if one == verdict)

    acting = those("open")
    return replace(
        rollout,
        acting=acting,
        done=(*rollout.done, *those("up")),
        failed=(*rollout.failed, *those("failed")),
        away=(*rollout.away, *those("away")),
        since=now if rollout.acting and not acting else rollout.since,
    )


def _is_held(rollout: Rollout, desired: Wanted) -> bool:
    """By a person: paused, or the application is stopped meanwhile."""
    return bool(rollout.paused) or any(desired[n][0].run != "running" for n in rollout.nodes if n in desired)


def _begin(rollout: Rollout, batch: tuple[str, ...], desired: Wanted, now: datetime) -> Move:
    """A node that has no record yet gets one as the others have it."""
    other = replace(next(iter(desired.values()))[0], restart=0, restart_services=())
    puts = {node: _wanted(rollout, node, desired[node][0] if node in desired else other) for node in batch}
    begun = replace(rollout, waiting=rollout.waiting[len(batch) :], acting=batch, begun=now, up_since={})
    return Move(begun, puts)


def _wanted(rollout: Rollout, node: str, present: Desired) -> Desired:
    if rollout.restart:
        return replace(present, restart=present.restart + 1, restart_services=rollout.services, by=rollout.by)
    previous = 0 if node in rollout.fresh else rollout.before
    return replace(
        present, revision=rollout.revision, previous=previous, run="running", by=rollout.by, deleted=False, adopt=False
    )


def _back(rollout: Rollout, node: str, wanted: Desired) -> Desired:
    if node in rollout.fresh:
        return replace(wanted, run="removed")
    return replace(wanted, revision=rollout.before, previous=0, adopt=False)


def _causes(rollout: Rollout, observed: Mapping[str, Observed]) -> tuple[Cause, ...]:
    """Each with the node that tells it."""
    return tuple(
        replace(cause, why=f"{node}: {cause.why}")
        for node in rollout.failed
        for cause in (observed[node].causes if node in observed else ()) or (Cause("", "did not come up"),)
    )
