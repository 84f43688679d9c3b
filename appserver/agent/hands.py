"""The only lines that change this host: a plan carried out on the engine, through Compose where containers are made."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from threading import Event

from appserver.agent.project import Projects
from appserver.core.containers import ContainerState
from appserver.core.entities import AppKey, Revision
from appserver.core.owned import of_others
from appserver.core.reconcile import ReconcilePlan
from appserver.errors import ComposeError, EngineError
from appserver.ports import Compose, Engine

log = logging.getLogger(__name__)

_NAME_TAKEN = "is already in use by container"
"""The engine's words."""


class Hands:
    """Does what a plan says, in its order, and says what it is doing."""

    def __init__(self, engine: Engine, compose: Compose, projects: Projects) -> None:
        self._engine = engine
        self._compose = compose
        self._projects = projects

    def carry_out(
        self, key: AppKey, revision: Revision, images: dict[str, str], plan: ReconcilePlan, over: Event, limit_s: float
    ) -> Iterator[str]:
        """What is being done, line by line. No compose process where the plan needs none.

        Raises:
            ComposeError, EngineError: it could not be done; look what is there, and plan again.
        """
        for container_id in plan.remove:
            yield "removing what is not in the project"
            self._engine.remove(container_id)
        if plan.verb:
            yield {"stop": "stopping"}.get(plan.verb, "removing")
            self._compose.run(plan.verb, key.name, self._projects.bare_text(revision), stop=over)
            return
        if not (plan.up or plan.force or plan.resume or plan.restart):
            return
        text = self._projects.text(key, revision, images)
        if plan.resume:
            yield "resuming"
            self._compose.run("unpause", key.name, text, plan.resume, over)
        if plan.force or plan.up:
            self._check_owners(revision)
        if plan.force:
            yield from self._up(key, text, plan.force, over, limit_s, force=True)
        if changed := tuple(name for name in plan.up if name not in plan.keep):
            yield from self._up(key, text, changed, over, limit_s)
        if plan.keep:
            yield from self._up(key, text, plan.keep, over, limit_s, keep=True)
        if plan.force or plan.up:
            self._check_owners(revision)
        if plan.restart:
            # Not in one: an engine told to restart what has a grace period of 0 s unmounts the container's files once
            # too often, under the program that it has started, and no healthcheck or exec enters it any more.
            yield "restarting"
            self._compose.run("stop", key.name, text, plan.restart, over)
            yield from self._up(key, text, plan.restart, over, limit_s, keep=True)

    def scale(
        self,
        key: AppKey,
        revision: Revision,
        images: dict[str, str],
        scale: Mapping[str, int],
        over: Event,
        limit_s: float,
    ) -> Iterator[str]:
        """So many containers of each service: new ones as the revision has them, and those that are there as they are.

        Raises:
            ComposeError, EngineError
        """
        text = self._projects.text(key, revision, images)
        self._check_owners(revision)
        yield from self._compose.up(key.name, text, sorted(scale), over, keep=True, limit_s=limit_s, scale=scale)

    def remove(self, container_id: str) -> None:
        """
        Raises:
            EngineError
        """
        self._engine.remove(container_id)

    def _up(
        self,
        key: AppKey,
        text: str,
        services: Sequence[str],
        over: Event,
        limit_s: float,
        force: bool = False,
        keep: bool = False,
    ) -> Iterator[str]:
        """Once more where a name is taken: by what a run stopped a moment ago was still having the engine make.

        The engine finishes what it was asked for, so that container can appear after the plan was made. Compose
        clears it away itself, yet wants its name before it is gone.
        """
        try:
            yield from self._compose.up(key.name, text, services, over, force=force, keep=keep, limit_s=limit_s)
        except ComposeError as error:
            if over.is_set() or _NAME_TAKEN not in str(error):
                raise
            yield "a name was still taken; once more"
            yield from self._compose.up(key.name, text, services, over, force=force, keep=keep, limit_s=limit_s)

    def _check_owners(self, revision: Revision) -> None:
        """Before anything is made, and after: another application may have made it meanwhile."""
        if faults := tuple(of_others(revision.project, self._engine.owners())):
            raise ComposeError("; ".join(faults))

    def take_down(self, key: AppKey, revision: Revision | None, over: Event, volumes: bool = False) -> None:
        """Stop and remove the project's containers and networks.

        By the labels of what is there where Compose does not take the text: it was never started then. So always with
        volumes: by the text, Compose removes what bears the name, whosever it is.

        Raises:
            ComposeError: it could not be done, or `over` was set.
        """
        verb = "down-volumes" if volumes else "down"
        if revision and not volumes:
            try:
                return self._compose.run(verb, key.name, self._projects.bare_text(revision), stop=over)
            except ComposeError as error:
                if over.is_set():
                    raise
                self.check_engine()
                log.warning("event=taken_down_by_labels application=%s reason=%s", key, error)
        return self._compose.run(verb, key.name, "", stop=over)

    def check_engine(self) -> None:
        """
        Raises:
            EngineError: it is away, so what failed just now need not be the application's fault.
        """
        self._engine.info()

    def last_lines(self, container: ContainerState, count: int) -> tuple[str, ...]:
        """Of a container's log; nothing where it cannot be read any more."""
        try:
            return tuple(self._engine.logs(container.id, count))
        except EngineError:
            return ()
