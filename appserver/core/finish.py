"""How a roll-out ended, from what the agents observed: the outcome of a revision, or the end of an application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from appserver.core.entities import Application, Desired, Observed, Outcome
from appserver.core.operations import at_rest


@dataclass(frozen=True, slots=True)
class Finish:
    """What is to be recorded. `outcome` belongs to revision `number`; `forget` ends the application itself."""

    number: int = 0
    outcome: Outcome | None = None
    application: Application | None = None
    desired: Mapping[str, Desired] = field(default_factory=dict)
    released: tuple[str, ...] = ()
    """Nodes whose desired record and reservation go: the application has left them."""
    stays: Mapping[str, int] = field(default_factory=dict)
    """Node to the revision that stays there, 0 for none: its claim alone is reserved from now on."""
    forget: bool = False
    ended: bool = False
    """A roll-out that changed no revision is over."""

    @property
    def is_empty(self) -> bool:
        return not (self.outcome or self.released or self.forget or self.ended)


def decide(
    application: Application,
    desired: Mapping[str, tuple[Desired, int]],
    observed: Mapping[str, Observed],
    settled: Outcome | None,
    now: datetime,
) -> Finish:
    """
    Args:
        desired: node to record and the store revision that wrote it.
        settled: the outcome of the revision wanted now, where there is one already.
    """
    through = {
        node: observed[node]
        for node, (_, commit) in desired.items()
        if node in observed and at_rest(observed[node], commit)
    }
    gone = tuple(n for n, seen in through.items() if seen.phase == "removed" and desired[n][0].run == "removed")
    if desired and len(gone) == len(desired):
        return Finish(released=gone, forget=True)
    staying = {node: wanted for node, (wanted, _) in desired.items() if wanted.run != "removed"}
    left = replace(application, nodes=tuple(n for n in application.nodes if n not in gone))
    number = max((wanted.revision for wanted in staying.values()), default=0)
    failed = {node: seen for node, seen in through.items() if node in staying and seen.phase == "failed"}
    # one that failed, and was started once what it stood on was mended, is in force after all
    mended = settled is not None and settled.state == "failed" and not failed and application.revision != number
    if (settled and not mended) or not staying or not set(staying) <= set(through):
        rests = {node: seen for node, seen in through.items() if node in staying and settled and not mended}
        return Finish(application=left, released=gone, stays={n: _stays(staying[n], s) for n, s in rests.items()})
    if failed:
        causes = tuple(cause for seen in failed.values() for cause in seen.causes)
        back = {node: _put_back(wanted) for node, wanted in staying.items() if wanted.previous}
        stays = {node: wanted.previous or wanted.revision for node, wanted in staying.items()}
        return Finish(number, Outcome("failed", now, causes), left, back, gone, stays)
    if not all(_came_up(through[node], number) for node in staying):
        return Finish(application=left, released=gone)
    names = tuple(sorted(c for n in staying for service in through[n].services for c in service.containers))
    in_force = replace(left, revision=number, containers=names)
    return Finish(number, Outcome("deployed", now), in_force, {}, gone, dict.fromkeys(staying, number))


def _stays(wanted: Desired, seen: Observed) -> int:
    """The revision whose containers are there, though they may be stopped."""
    return seen.revision if seen.phase == "failed" else wanted.revision


def _came_up(seen: Observed, number: int) -> bool:
    """One that was stopped before it was up stays open, until it is started or another takes its place."""
    return seen.phase == "done" or seen.revision == number


def _put_back(wanted: Desired) -> Desired:
    return replace(wanted, revision=wanted.previous, previous=0, adopt=False)
