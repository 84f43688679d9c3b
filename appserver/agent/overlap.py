"""Start-first on one node: new containers beside the old ones, which go when the new ones are up, or else stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from appserver.agent.gate import Gate, Parts
from appserver.agent.saying import Saying
from appserver.core.beside import Beside
from appserver.core.containers import ContainerState
from appserver.core.entities import AppKey, Cause, Revision
from appserver.errors import ComposeError, EngineError

LEAVES_S = 1.0
"""Between an old container's leaving the record and its stop: whoever sends it requests has read it by then."""


class Overlap:
    def __init__(self, parts: Parts, key: AppKey, gate: Gate, saying: Saying) -> None:
        self._parts = parts
        self._key = key
        self._gate = gate
        self._saying = saying

    def __call__(self, revision: Revision, asked: Beside) -> tuple[Cause, ...]:
        """Why the new ones did not come up, and are gone again; nothing where they did, and the old ones are gone.

        Raises:
            Superseded, EngineError
        """
        before = {c.id for c in self._gate.containers()}
        causes = self._start(revision, asked)
        if causes:
            made = tuple(c.id for c in self._gate.containers() if c.service in asked.scale and c.id not in before)
            self._remove(made, revision)
            return causes
        fresh = [c for c in self._gate.containers() if c.id not in asked.old]
        self._saying.see(revision, fresh)
        self._saying.say(self._saying.now.phase, "the new containers are up; the old ones leave")
        if revision.options.expose:
            self._gate.leave(revision, frozenset(asked.old))
        else:
            self._gate.pause(LEAVES_S)
        self._remove(asked.old, revision)
        return ()

    def _start(self, revision: Revision, asked: Beside) -> tuple[Cause, ...]:
        try:
            self._gate.scale(revision, asked.scale)
        except (ComposeError, EngineError) as error:
            self._gate.go_on()
            self._parts.hands.check_engine()
            return self._gate.given_up(revision, asked.services, self._parts.clock.now(), error, asked.old)
        # From here on: images may have been fetched before.
        limit = self._parts.clock.now() + timedelta(seconds=revision.options.timeout_s)
        return self._gate.until_up(revision, asked.services, limit, but=asked.old)

    def _remove(self, ids: Sequence[str], revision: Revision) -> None:
        there: dict[str, ContainerState] = {c.id: c for c in self._gate.containers()}
        for container_id in ids:
            if found := there.get(container_id):
                self._gate.go_on()
                self._saying.say(self._saying.now.phase, f"removing {found.name}")
                self._parts.hands.remove(container_id)
        self._parts.looks.forget(self._key.name, {c.service for c in there.values()})
        self._saying.see(revision, self._gate.containers())
