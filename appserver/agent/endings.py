"""Which containers ended by themselves, and which somebody stopped: only the engine's events tell them apart."""

from __future__ import annotations

from threading import Lock

from appserver.core.containers import EngineEvent


class Endings:
    """What was not seen happen is taken for a stop, so that at worst something is reported that need not be."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._told_to: set[str] = set()
        self._ended: set[str] = set()

    def note(self, event: EngineEvent) -> None:
        with self._lock:
            if event.action in ("kill", "stop", "restart"):
                self._told_to.add(event.container_id)
            elif event.action == "die" and event.container_id not in self._told_to:
                self._ended.add(event.container_id)
            elif event.action in ("start", "destroy"):
                self._told_to.discard(event.container_id)
                self._ended.discard(event.container_id)

    def ids(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._ended)

    def forget_all(self) -> None:
        """Events may have been missed."""
        with self._lock:
            self._told_to.clear()
            self._ended.clear()
