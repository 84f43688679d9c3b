"""What images were learned to use, beside what is asked for them: of all nodes together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from appserver.core import compose
from appserver.core.access import Caller
from appserver.core.deployment import DeployPlan
from appserver.core.entities import AppKey, Application, Revision
from appserver.core.learned import Learned, Usage, Used, by_image, period_of, used, used_by
from appserver.errors import NotFound
from appserver.ports import KV, Clock
from appserver.services.access import Access
from appserver.store import keys
from appserver.store.records import below, read

_FRESH_S = 30.0
"""Agents write every ten minutes at most."""


@dataclass(frozen=True, slots=True)
class ServiceUsage:
    """What one container of a service asks for, in cores and bytes, and what such containers used, if anybody knows."""

    service: str
    image: str
    cpus: float
    memory: int
    used: Used | None

    def to_json(self) -> Mapping[str, object]:
        return {
            "service": self.service,
            "image": self.image,
            "asked": {"cpus": self.cpus, "memory": self.memory},
            "used": self.used.to_json() if self.used else None,
        }


class LearnedUsage:
    """Reads only. What is on record of all nodes is read once in half a minute, when somebody asks."""

    def __init__(self, *, kv: KV, clock: Clock, access: Access, seconds: Callable[[], float] = time.monotonic) -> None:
        self._kv = kv
        self._clock = clock
        self._access = access
        self._seconds = seconds
        self._lock = Lock()
        self._known: Mapping[str, Usage] = {}
        self._read_at = float("-inf")

    def images(self, caller: Caller) -> tuple[Used, ...]:
        """All that are known, by name."""
        self._access.require(caller, "R", "placement:")
        return tuple(used(image, usage) for image, usage in sorted(self._usages().items()))

    def of_image(self, caller: Caller, image: str) -> Used | None:
        """Of this one, else of its repository; None where nobody ran it."""
        self._access.require(caller, "R", "placement:")
        return used_by(image, self._usages())

    def of_application(self, caller: Caller, key: AppKey) -> tuple[ServiceUsage, ...]:
        """By service; of the revision in force, or else of the newest.

        Raises:
            NotFound: there is no such application.
        """
        self._access.require(caller, "R", f"application:{key}")
        application = read(self._kv, keys.application(key), Application)
        if application is None:
            raise NotFound(f"there is no application {key}")
        number = application.record.revision or application.record.latest
        revision = read(self._kv, keys.revision(key, number), Revision) if number else None
        return self._of(revision.record) if revision else ()

    def of_plan(self, caller: Caller, plan: DeployPlan) -> tuple[ServiceUsage, ...]:
        """Nothing where the plan makes no revision."""
        self._access.require(caller, "R", f"application:{plan.key}")
        return self._of(plan.record) if plan.record else ()

    def _of(self, revision: Revision) -> tuple[ServiceUsage, ...]:
        usages = self._usages()
        found: list[ServiceUsage] = []
        for name, service in sorted(compose.services(revision.project).items()):
            facts = revision.images.get(name)
            image = facts.reference if facts else str(service.get("image", ""))
            asked = compose.cpus(service), compose.memory(service)
            found.append(ServiceUsage(name, image, *asked, used_by(image, usages)))
        return tuple(found)

    def _usages(self) -> Mapping[str, Usage]:
        with self._lock:
            if self._seconds() - self._read_at >= _FRESH_S:
                seen = self._kv.snapshot(keys.LEARNED)
                found = (one.record for _, one in below(seen, keys.LEARNED, Learned))
                self._known = by_image(found, period_of(self._clock.now().timestamp()))
                self._read_at = self._seconds()
            return self._known
