"""Acting on a plan, and waiting until what was acted on is up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

from appserver.agent.hands import Hands
from appserver.agent.lanes import Turn
from appserver.agent.looks import Looks
from appserver.agent.project import Projects
from appserver.agent.saying import Saying
from appserver.agent.wishes import Wishes
from appserver.core.containers import ContainerState
from appserver.core.entities import AppKey, Cause, Phase, Revision
from appserver.core.health import Failure, Verdict, given_up, verdict
from appserver.core.leaving import stopped_by
from appserver.core.reconcile import ReconcilePlan
from appserver.errors import ComposeError, EngineError
from appserver.ports import Clock, Compose

log = logging.getLogger(__name__)

_LOG_LINES = 50


class Superseded(Exception):
    """What is being done is not wanted any more: something newer is, or the program ends."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What acting stands on. `ended` tells the ids of containers known to have ended by themselves.

    `leave` waits until no proxy asks anything of containers; see `Proxies.until_left`.
    """

    wishes: Wishes
    looks: Looks
    compose: Compose
    projects: Projects
    hands: Hands
    clock: Clock
    ended: Callable[[], frozenset[str]]
    leave: Callable[[AppKey, Collection[str], float, Event], None]
    in_swarm: bool = False
    """It is Swarm that stops what is replaced, when its successor is up or before."""


class Gate:
    """Of one application, for one turn. Everything here ends with `Superseded` when the turn is over."""

    def __init__(self, parts: Parts, key: AppKey, saying: Saying, turn: Turn) -> None:
        self._parts = parts
        self._key = key
        self._saying = saying
        self._turn = turn

    def wait_for_others(self) -> None:
        """An agent that was killed may have left a compose process: what it is making now is not to be judged yet."""
        try:
            self._parts.compose.wait(self._key.name, self._turn.over)
        except ComposeError as error:
            raise Superseded from error

    def containers(self) -> tuple[ContainerState, ...]:
        return self._parts.looks.containers(self._key.name)

    def bring_about(
        self, revision: Revision, plan: ReconcilePlan, waits: Sequence[str], settling: Phase = "settling"
    ) -> tuple[Cause, ...]:
        """Act, then wait for `waits`; why they are not up, else nothing.

        Args:
            settling: the phase in which it is waited.
        """
        limit_s = revision.options.timeout_s
        limit = datetime.max.replace(tzinfo=UTC)
        try:
            images = self._images(revision, plan.services)
            limit = self._parts.clock.now() + timedelta(seconds=limit_s)
            self.carry_out(revision, images, plan, limit_s)
        except (ComposeError, EngineError) as error:
            self.go_on()
            self._parts.hands.check_engine()
            return self.given_up(revision, waits, limit, error)
        return self.until_up(revision, waits, limit, settling)

    def until_up(
        self,
        revision: Revision,
        waits: Sequence[str],
        limit: datetime,
        settling: Phase = "settling",
        but: Collection[str] = (),
    ) -> tuple[Cause, ...]:
        """Wait for services; why they are not up, else nothing.

        Args:
            but: ids of containers that do not count.
        """
        while (found := self._look(revision, waits, limit, but)).state == "waiting":
            self._saying.say(settling, "; ".join(found.waits_for))
            self._turn.news.wait(found.again_s)
            self.go_on()
        return self._explained(found.failures)

    def scale(self, revision: Revision, scale: Mapping[str, int]) -> None:
        """See `Hands.scale`; says what is being done."""
        images = self._images(revision, tuple(scale))
        try:
            limit_s = revision.options.timeout_s
            self._see_through(self._parts.hands.scale(self._key, revision, images, scale, self._turn.over, limit_s))
        finally:
            self._parts.looks.forget(self._key.name, tuple(scale))

    def pause(self, seconds: float) -> None:
        """
        Raises:
            Superseded: it is over before.
        """
        self._turn.over.wait(seconds)
        self.go_on()

    def carry_out(self, revision: Revision, images: dict[str, str], plan: ReconcilePlan, limit_s: float) -> None:
        """Act alone, saying what is being done. What it stops has left the proxies before."""
        containers = self._parts.looks.containers(self._key.name)
        going = stopped_by(plan, revision, containers, self._saying.now.adopted)
        self.leave(revision, None if plan.verb else frozenset() if self._parts.in_swarm else going)
        try:
            doing = self._parts.hands.carry_out(self._key, revision, images, plan, self._turn.over, limit_s)
            self._see_through(self._seen(revision, doing) if self._parts.in_swarm and not plan.verb else doing)
        finally:
            self._saying.leaving = frozenset()
            self._parts.looks.forget(self._key.name, plan.services)

    def leave(self, revision: Revision | None, containers: frozenset[str] | None) -> None:
        """Until the proxies send these containers no requests and have their answers; no wait where none is exposed.

        Args:
            containers: ids; None for all.
        Raises:
            Superseded
        """
        if revision is None or not revision.options.expose or containers == frozenset():
            return
        self._saying.leaving = containers
        self._saying.say(self._saying.now.phase, "what is to be stopped gets no more requests")
        ids = {c.id for c in self.containers()} if containers is None else containers
        self._parts.leave(self._key, ids, revision.options.drain_s, self._turn.over)
        self.go_on()

    def take_down(self, revision: Revision | None, volumes: bool = False) -> None:
        """See `Hands.take_down`."""
        self.leave(revision, None)
        try:
            self._parts.hands.take_down(self._key, revision, self._turn.over, volumes)
        except ComposeError:
            self.go_on()
            raise

    def _see_through(self, doing: Iterable[str]) -> None:
        """Until it is done, saying each line of it. What fails since the turn is over ends with `Superseded`."""
        try:
            for line in doing:
                self.go_on()
                self._saying.say(self._saying.now.phase, line)
        except ComposeError:
            self.go_on()
            raise

    def _seen(self, revision: Revision, doing: Iterable[str]) -> Iterator[str]:
        """With a look at each line: what takes requests changes all the time."""
        for line in doing:
            try:
                self._saying.see(revision, self.containers())
            except EngineError as error:
                log.info("event=stack_not_seen application=%s reason=%s", self._key, error)
            yield line

    def _look(self, revision: Revision, waits: Sequence[str], limit: datetime, but: Collection[str] = ()) -> Verdict:
        self._turn.news.clear()
        containers = self.containers()
        self._saying.see(revision, containers)
        counted = [c for c in containers if c.id not in but]
        return verdict(revision, waits, counted, self._parts.clock.now(), limit)

    def _images(self, revision: Revision, services: Sequence[str]) -> dict[str, str]:
        held: dict[str, str] = {}
        for service, name, doing in self._parts.projects.images(revision, services):
            self.go_on()
            if doing:
                self._saying.say(self._saying.now.phase, f"{service}: {doing}")
            held[service] = name
        return held

    def given_up(
        self,
        revision: Revision,
        waits: Sequence[str],
        limit: datetime,
        error: ComposeError | EngineError,
        but: Collection[str] = (),
    ) -> tuple[Cause, ...]:
        """What is not up, then what acting ended with: that alone where nothing else is to be seen, with its lines.

        Args:
            but: ids of containers that do not count.
        """
        judged = self._look(revision, waits, limit, but).failures
        told = {failure.service for failure in judged}
        counted = [c for c in self._saying.containers if c.id not in but]
        more = given_up(revision, waits, counted, self._parts.clock.now(), str(error))
        found = self._explained((*judged, *(failure for failure in more if failure.service not in told)))
        return (*found, Cause("", self._saying.masked(str(error)), logs=() if found else self._said(error)))

    def _explained(self, failures: Sequence[Failure]) -> tuple[Cause, ...]:
        return tuple(
            self._saying.cause(f, self._parts.hands.last_lines(f.container, _LOG_LINES) if f.container else ())
            for f in failures
        )

    def _said(self, error: ComposeError | EngineError) -> tuple[str, ...]:
        return tuple(map(self._saying.masked, error.output)) if isinstance(error, ComposeError) else ()

    def go_on(self) -> None:
        """
        Raises:
            Superseded
        """
        if self._turn.over.is_set():
            raise Superseded
