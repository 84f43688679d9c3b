"""What the engine's containers look like, in full, without asking about each of them anew at every look.

The engine's events tell which container may have changed; the others are known. So a look at a project of fifty
services costs one list, and one question for each container that something happened to.
"""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock

from appserver.core.containers import ContainerState, EngineEvent
from appserver.ports import Engine


class Looks:
    """Knows nothing at first, and forgets everything whenever events may have been missed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._known: dict[str, ContainerState] = {}
        self._touched: dict[str, int] = {}
        self._events = 0
        self._oldest = 0
        """Looks begun before this event are not remembered."""

    def containers(self, project: str) -> tuple[ContainerState, ...]:
        """As `Engine.containers` of one project.

        Raises:
            EngineError: the engine is away.
        """
        with self._lock:
            begun = self._events
            known = {container_id: one for container_id, one in self._known.items() if one.project == project}
        found = self._engine.containers(project, known)
        with self._lock:
            for container_id in known.keys() - {one.id for one in found}:
                self._drop(container_id)
            if begun >= self._oldest:
                self._known.update((one.id, one) for one in found if self._touched.get(one.id, 0) <= begun)
        return found

    def note(self, event: EngineEvent) -> None:
        """Something happened to a container: it is asked about at the next look."""
        with self._lock:
            self._events += 1
            self._known.pop(event.container_id, None)
            if event.action == "destroy":
                self._touched.pop(event.container_id, None)
            else:
                self._touched[event.container_id] = self._events

    def forget(self, project: str, services: Collection[str]) -> None:
        """These were acted on just now, and the events that tell may still be on their way."""
        with self._lock:
            for one in [*self._known.values()]:
                if one.project == project and one.service in services:
                    self._drop(one.id)

    def forget_all(self) -> None:
        with self._lock:
            self._events += 1
            self._oldest = self._events
            self._known.clear()
            self._touched.clear()

    def _drop(self, container_id: str) -> None:
        self._known.pop(container_id, None)
        self._touched.pop(container_id, None)
