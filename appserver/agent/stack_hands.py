"""The lines that change a Swarm: a plan carried out on a stack, until Swarm has replaced what it must."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic

from appserver.agent.gate import Parts
from appserver.agent.hands import Hands
from appserver.agent.looks import Looks
from appserver.agent.stack_project import StackProjects
from appserver.core.containers import ContainerState
from appserver.core.differences import is_finished
from appserver.core.entities import AppKey, Revision
from appserver.core.reconcile import ReconcilePlan
from appserver.core.swarm_progress import Progress, is_moving, is_under_way, stuck
from appserver.errors import ComposeError, EngineError
from appserver.ports import Compose, Engine, Sealer, Stacks

_LOOK_S = 0.5
_REMOVE_S = 120.0
_TRIES = 5
_OUTRUN = "out of sequence"
"""Swarm's words."""


def with_stacks(parts: Parts, engine: Engine, stacks: Stacks, sealer: Sealer, state_dir: Path) -> Parts:
    """The same, for what Swarm runs."""
    projects = StackProjects(engine, sealer, state_dir, stacks.folder)
    hands = StackHands(engine, parts.compose, stacks, projects)
    looks = StackLooks(engine, stacks)
    return replace(parts, looks=looks, projects=projects, hands=hands, ended=looks.ended, in_swarm=True)


class StackHands(Hands):
    """Swarm takes a stack whole, and touches those of its services that differ."""

    def __init__(self, engine: Engine, compose: Compose, stacks: Stacks, projects: StackProjects) -> None:
        super().__init__(engine, compose, projects)
        self._stacks = stacks
        self._stack_projects = projects

    def carry_out(
        self, key: AppKey, revision: Revision, images: dict[str, str], plan: ReconcilePlan, over: Event, limit_s: float
    ) -> Iterator[str]:
        """See `Hands.carry_out`. Ends when no task of what was before is left.

        Raises:
            ComposeError: also where Swarm itself gave an update up.
        """
        until = monotonic() + limit_s
        if plan.is_empty:  # an agent before this one may have begun something
            yield from self._settled(key.name, None, over, until)
            return
        if why := self._not_ours(key):
            raise ComposeError(why)
        if plan.verb == "stop":
            yield "removing the services from the Swarm; networks and volumes stay"
            self._stacks.stop(key.name, over)
        elif plan.verb:
            yield "removing the stack"
            self.take_down(key, revision, over)
        else:
            if plan.services != plan.restart or plan.remove:
                with self._stack_projects.stack(key, revision) as (text, kept):
                    yield from self._deployed(key.name, text, over, limit_s)
                yield from self._settled(key.name, plan.services, over, until)
                yield from self._tidied(key.name, kept)
            if again := {*plan.restart, *_ended(plan)}:
                yield "starting anew"
                self._stacks.restart(key.name, again, over)
                yield from self._settled(key.name, again, over, until)

    def take_down(self, key: AppKey, revision: Revision | None, over: Event, volumes: bool = False) -> None:
        """The whole stack, where it is ours. Its volumes are on the nodes that it ran on, and stay there."""
        if self._not_ours(key):
            return
        self._stacks.remove(key.name, over)
        until = monotonic() + _REMOVE_S
        while self._stacks.is_there(key.name):
            if monotonic() >= until:
                raise ComposeError(f"the stack {key.name} is not gone after {_REMOVE_S:g} s")
            if over.wait(_LOOK_S):
                raise ComposeError("stopped before the stack was gone")

    def check_engine(self) -> None:
        """
        Raises:
            EngineError: it is away, or manages no Swarm any more.
        """
        info = self._engine.info()
        if not (info.swarm and info.swarm.manager):
            raise EngineError("this node is no manager of a Swarm")

    def last_lines(self, container: ContainerState, count: int) -> tuple[str, ...]:
        """See `Hands.last_lines`."""
        try:
            return self._stacks.last_lines(container, count)
        except EngineError:
            return ()

    def _not_ours(self, key: AppKey) -> str:
        """Why the name is not to be used; a stack that runs nothing now is somebody's, too."""
        owners = {*self._stacks.owners(key.name)}
        if not owners or str(key) in owners:
            return ""
        others = sorted(owners - {""})
        if others:
            return f"the stack {key.name} in this Swarm is {others[0]}'s"
        return f"a stack {key.name} that is not Moorage's is in this Swarm; take another name"

    def _deployed(self, project: str, text: str, over: Event, limit_s: float) -> Iterator[str]:
        """Once more where Swarm, which was at an update, changed a service between being asked and being told."""
        for left in reversed(range(_TRIES)):
            try:
                yield from self._stacks.deploy(project, text, over, limit_s)
            except ComposeError as error:
                if not left or over.is_set() or _OUTRUN not in str(error):
                    raise
                yield "Swarm was changing a service itself; once more"
                over.wait(_LOOK_S)
            else:
                return

    def _tidied(self, project: str, kept: Collection[str]) -> Iterator[str]:
        """What cannot go now goes with the next deployment; this one is through."""
        try:
            self._stacks.tidy(project, kept)
        except EngineError as error:
            yield f"left for the next time: {error}"

    def _settled(self, project: str, names: Collection[str] | None, over: Event, until: float) -> Iterator[str]:
        """What Swarm is at, until it is through.

        Args:
            names: of services that were changed just now; None: none was, and what became of others is not judged.
        """
        while line := self._under_way(project, names):
            yield line
            if monotonic() >= until:
                raise ComposeError(f"Swarm is not through in time: {line}")
            if over.wait(_LOOK_S):
                raise ComposeError("stopped before Swarm was through")

    def _under_way(self, project: str, names: Collection[str] | None) -> str:
        """What is left to do; empty when nothing is. A Swarm without a leader is waited for: it has been told."""
        try:
            told = self._stacks.progress(project)
        except EngineError as error:
            return f"waiting for the Swarm: {error}"
        if names is None:
            left = {name: one for name, one in told.items() if is_moving(one)}
        else:
            left = {name: one for name, one in told.items() if name in names and _is_under_way(name, one)}
        return "; ".join(f"{name}: {one}" for name, one in left.items())


def _ended(plan: ReconcilePlan) -> Collection[str]:
    """Services that Swarm has given up: it sees nothing to do in a definition that it knows."""
    return {step.subject for step in plan.steps if step.action == "start"}.intersection(plan.up)


def _is_under_way(name: str, one: Progress) -> bool:
    """
    Raises:
        ComposeError: it came to no good end.
    """
    if why := stuck(one):
        raise ComposeError(f"{name}: {why}")
    return is_under_way(one)


class StackLooks(Looks):
    """Swarm is asked each time: no events tell of what runs on other nodes."""

    def __init__(self, engine: Engine, stacks: Stacks) -> None:
        super().__init__(engine)
        self._stacks = stacks
        self._ended: dict[str, frozenset[str]] = {}

    def containers(self, project: str) -> tuple[ContainerState, ...]:
        found = self._stacks.containers(project)
        self._ended[project] = frozenset(one.id for one in found if is_finished(one))
        return found

    def ended(self) -> frozenset[str]:
        """Those that ended well by themselves: what Swarm stops it does not call complete."""
        return frozenset[str]().union(*[*self._ended.values()])

    def forget(self, project: str, services: Collection[str]) -> None:
        """Nothing is remembered."""
