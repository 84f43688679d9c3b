"""One application's present moment, put together for the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import cast

from appserver.agent.report import Reports
from appserver.core import compose, health, secrets
from appserver.core.containers import ContainerState
from appserver.core.entities import AppKey, Cause, ContainerRecord, Observed, Phase, Revision, ServiceObserved
from appserver.core.expose import Expose
from appserver.core.health import Failure
from appserver.core.operations import is_resting
from appserver.core.plan import Step
from appserver.core.routes import Endpoint, endpoints
from appserver.ports import Clock

_LONGEST = 1_000


class Saying:
    """Keeps what does not change from one sentence to the next, and hides secrets in all of them."""

    def __init__(self, reports: Reports, clock: Clock, node: str, key: AppKey, begin: Observed) -> None:
        self._reports = reports
        self._clock = clock
        self._node = node
        self._key = key
        self._now = begin
        self._containers: tuple[ContainerState, ...] = ()
        self._suffix = ""
        self.hidden: tuple[str, ...] = ()
        """Opened secrets of the revisions at hand."""
        self.also: tuple[Expose, ...] = ()
        """Exposed by the revision that is in force until this one is: it stays so while this is on its way."""
        self.leaving: frozenset[str] | None = frozenset()
        """Ids of containers that are about to be stopped, None for all: no more requests for them."""
        self._exposes: tuple[Expose, ...] = ()
        self._looked = False

    @property
    def now(self) -> Observed:
        return self._now

    @property
    def containers(self) -> tuple[ContainerState, ...]:
        return self._containers

    @property
    def is_exposed(self) -> bool:
        """Whether proxies lead to what was seen last."""
        return bool(self._exposes)

    def see(
        self,
        revision: Revision,
        containers: Sequence[ContainerState],
        steps: Sequence[Step] = (),
        stopped: Collection[str] = (),
    ) -> None:
        """Take note of containers; said with the next sentence. Arguments as `health.services_seen`."""
        self._containers, self._looked = tuple(containers), True
        self._exposes = revision.options.expose
        in_swarm = any(c.node for c in containers)
        self._suffix = f".{self._node}" if revision.options.has_copies and not in_swarm else ""
        last = {service.name: service for service in self._now.services}
        ids = {c.id for c in containers}
        self._now = replace(
            self._now,
            services=tuple(
                replace(one, containers=tuple(f"{name}{self._suffix}" for name in one.containers))
                for one in health.services_seen(revision, containers, last, steps, stopped)
            ),
            adopted={known: as_hash for known, as_hash in self._now.adopted.items() if known in ids},
        )

    def made(self, stack: Mapping[str, str]) -> None:
        """Take note of what Swarm was told of each service."""
        self._now = replace(self._now, stack=stack)

    def gone(self) -> None:
        """No container is left."""
        self._containers, self._looked = (), True
        self._now = replace(self._now, services=(), adopted={}, stack={}, drift=())

    def say(self, phase: Phase, step: str = "", **changes: object) -> Observed:
        """Record this moment. `changes` are other fields of `Observed`."""
        given = cast("dict[str, str]", changes)
        self._now = replace(self._now, phase=phase, step=self.masked(step), at=self._clock.now(), **given)  # type: ignore[arg-type]
        told = records(self._containers, self._key, self._node, self._suffix)
        self._reports.say(self._key, self._now, told, self._served())
        return self._now

    def _served(self) -> tuple[Endpoint, ...] | None:
        """None: as it was said last, since nothing was looked at yet."""
        if self.leaving is None:
            return ()
        exposes = self._exposes if is_resting(self._now) else (*self._exposes, *self.also)
        return endpoints(exposes, self._containers, self.leaving) if self._looked else None

    def masked(self, text: str) -> str:
        for secret in self.hidden:
            text = text.replace(secret, secrets.MASK)
        return text[:_LONGEST]

    def cause(self, failure: Failure, logs: Sequence[str]) -> Cause:
        c = failure.container
        return Cause(
            service=failure.service,
            why=self.masked(failure.why),
            exit_code=c.exit_code if c and (c.state in ("exited", "dead", "restarting") or c.restart_count) else None,
            last_probe=self.masked(c.last_probe) if c else "",
            logs=tuple(map(self.masked, logs)),
        )


def begin(key: AppKey, acted_on: int, last: Observed | None, clock: Clock) -> Observed:
    """The first moment of acting on a desired record. One that was begun before goes on where it was."""
    if last is None:
        return Observed(acted_on, 0, "acting", clock.now())
    if last.acted_on == acted_on:
        return last
    quiet = tuple(replace(service, action="none", cause="") for service in last.services)
    return replace(last, acted_on=acted_on, phase="acting", services=quiet, failed=0, causes=(), attempts=0)


def records(
    containers: Sequence[ContainerState], key: AppKey, node: str, suffix: str = ""
) -> Mapping[str, ContainerRecord]:
    """`containers/<cluster>/<name>` of each.

    Args:
        suffix: to the name, which is the same for each copy of the application.
    """
    return {
        f"{c.name}{suffix}": ContainerRecord(
            c.id, c.image, c.image_id, c.state, c.node or node, str(key), node if c.node else ""
        )
        for c in containers
        if c.labels.get(compose.APPLICATION, str(key)) == str(key)
    }


def told(services: Sequence[ServiceObserved]) -> str:
    """`2 of 3 services are up`, for people."""
    up = sum(s.state in ("running", "finished") and s.health in ("none", "healthy") for s in services)
    return f"{up} of {len(services)} services are up"
