"""Deployments: observe, decide, commit. The agents act; `services.finish` records how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from appserver.core import deploy as core
from appserver.core.access import Caller
from appserver.core.deployment import Author, DeployPlan, DeployRequest, Seen
from appserver.core.entities import AppKey, Revision
from appserver.core.fleet import Cordon
from appserver.core.operations import operation_id
from appserver.core.placement.request import Reservation
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Clock
from appserver.services.access import Access
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.observe import Observer
from appserver.services.routes_claims import Claims
from appserver.services.standing import Standing
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.names import check_app
from appserver.store.records import read
from image_config import Repository

_TRIES = 8
"""Commits tried when nobody changed the application itself meanwhile."""

Decided = tuple[DeployPlan, Standing]
"""A plan, and what it stood on."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """The plan, and the operation that carries it out; "" when there was nothing to do."""

    plan: DeployPlan
    operation: str


class Deploy:
    """Plans and applies. Two at once on one application: one wins, the other gets Conflict and changed nothing."""

    def __init__(
        self,
        kv: KV,
        observer: Observer,
        access: Access,
        audit: Audit,
        events: Events,
        clock: Clock,
        claims: Claims | None = None,
    ) -> None:
        self._kv = kv
        self._observer = observer
        self._access = access
        self._audit = audit
        self._events = events
        self._clock = clock
        self._claims = claims or Claims(kv)

    def plan(self, caller: Caller, wanted: DeployRequest) -> DeployPlan:
        check_app(wanted.key)
        self._access.require(caller, "R", f"application:{wanted.key}")
        seen, _ = self._observer.for_request(wanted)
        return self._routed(core.decide(wanted, seen, _author(caller), self._observer.seal(wanted.key)))

    def __call__(self, caller: Caller, wanted: DeployRequest) -> Deployed:
        def decide() -> Decided:
            seen, standing = self._observer.for_request(wanted)
            self._access.require(caller, "U" if seen.application else "C", f"application:{wanted.key}")
            return core.decide(wanted, seen, _author(caller), self._observer.seal(wanted.key)), standing

        with self._audit.of(caller, "deploy", f"application:{wanted.key}"):
            check_app(wanted.key)
            return self._apply(caller, wanted.key, decide)

    def replan(
        self,
        caller: Caller,
        key: AppKey,
        repository: Repository | None,
        commits: Mapping[str, str],
    ) -> DeployPlan:
        """The plan of the same inputs under another commit of configuration. Starts no compose process."""
        self._access.require(caller, "R", f"application:{key}")
        seen, _ = self._observer.for_replan(key, repository, commits)
        return self._routed(core.decide(_again(key, seen), seen, _author(caller), self._observer.seal(key)))

    def redeploy(
        self,
        caller: Caller,
        key: AppKey,
        reason: str = "",
        repository: Repository | None = None,
        commits: Mapping[str, str] | None = None,
    ) -> Deployed:
        """The same inputs again, under the source's present commit or the one given."""

        def decide() -> Decided:
            seen, standing = self._observer.for_replan(key, repository, commits)
            return core.decide(_again(key, seen, reason), seen, _author(caller), self._observer.seal(key)), standing

        with self._audit.of(caller, "deploy", f"application:{key}"):
            self._access.require(caller, "U", f"application:{key}")
            return self._apply(caller, key, decide)

    def override(
        self, caller: Caller, key: AppKey, service: str, values: Mapping[str, object], reason: str
    ) -> Deployed:
        """The same inputs with these options of one service said by the form's layer."""

        def decide() -> Decided:
            seen, standing = self._observer.for_replan(key, None, None)
            request = _again(key, seen, reason)
            if service not in (seen.current.hashes if seen.current else {}):
                raise NotFound(f"{key} has no service {service}")
            merged = {**request.overrides, service: {**request.overrides.get(service, {}), **values}}
            request = replace(request, overrides=merged)
            return core.decide(request, seen, _author(caller), self._observer.seal(key)), standing

        with self._audit.of(caller, "deploy", f"application:{key}"):
            self._access.require(caller, "U", f"application:{key}")
            return self._apply(caller, key, decide)

    def rollback(
        self, caller: Caller, key: AppKey, revision: int, token: str = "", dry_run: bool = False, reason: str = ""
    ) -> Deployed:
        """Put a revision back: its images by digest, its configuration, its environment."""

        def decide() -> Decided:
            target = read(self._kv, keys.revision(key, revision), Revision)
            if target is None:
                raise NotFound(f"{key} has no revision {revision}")
            seen, standing = self._observer.recorded(key)
            told = reason or f"rollback to {revision}"
            return core.restore(key, target.record, seen, _author(caller), told, token), standing

        with self._audit.of(caller, "plan rollback" if dry_run else "rollback", f"application:{key}", f"to {revision}"):
            self._access.require(caller, "R" if dry_run else "U", f"application:{key}")
            return Deployed(decide()[0], "") if dry_run else self._apply(caller, key, decide)

    def plan_move(
        self, caller: Caller, key: AppKey, because: str, cordons: Mapping[str, Cordon] | None = None
    ) -> DeployPlan:
        """What `move` would do.

        Args:
            cordons: as if these nodes had them.
        """
        self._access.require(caller, "R", f"application:{key}")
        return self._moved(caller, key, because, cordons)[0]

    def move(self, caller: Caller, key: AppKey, because: str) -> Deployed:
        """The revision that is wanted now, placed anew: away from where it may not be any more."""
        with self._audit.of(caller, "move", f"application:{key}", because):
            self._access.require(caller, "U", f"application:{key}")
            return self._apply(caller, key, lambda: self._moved(caller, key, because))

    def _moved(self, caller: Caller, key: AppKey, because: str, cordons: Mapping[str, Cordon] | None = None) -> Decided:
        seen, standing = self._observer.recorded(key, cordons)
        if seen.current is None:
            raise NotFound(f"{key} has no revision yet")
        allowed = Author(caller.name, True)  # what is in force was permitted to whoever deployed it
        planned = core.restore(key, seen.current, seen, allowed, because, because=because)
        return (core.still_stopped(planned) if core.is_stopped(seen) else planned), standing

    def _routed(self, planned: DeployPlan) -> DeployPlan:
        """
        Raises:
            Conflict: another application has one of its routes.
        """
        self._claims.take(planned.key, planned.exposes)
        return planned

    def _apply(self, caller: Caller, key: AppKey, decide: Callable[[], Decided]) -> Deployed:
        """Decide and commit, anew while nobody has changed the application: a batch of it may have ended, others have
        placed something on its nodes, a node or the cluster have become another.

        Raises:
            Conflict: the application itself was changed by somebody else, or the node is too busy.
        """
        left: str | None = None
        for _ in range(_TRIES):
            planned, standing = decide()
            if left not in (None, standing.people_left_it):
                raise Conflict(f"{key} was changed by somebody else meanwhile; plan again")
            left = standing.people_left_it
            if (done := self._commit(planned, standing, caller)) is not None:
                return done
        raise Conflict(f"{key}: what it is decided on keeps changing, on {planned.node} at last; try again")

    def _commit(self, planned: DeployPlan, standing: Standing, caller: Caller) -> Deployed | None:
        """One transaction: revision, application, desired, reservations. None: decide again; nothing was written."""
        if not planned.changed:
            return Deployed(planned, "")
        expect, puts, deletes = records(planned, standing, self._clock)
        held, claimed = self._claims.take(planned.key, planned.exposes)
        committed = self._kv.commit({**expect, **held}, {**puts, **claimed}, deletes)
        if committed:
            self._events.emit(
                "bus.cluman.log.application",
                "starting",
                "INFO",
                str(planned.key),
                planned.text.strip(),
                user=caller.name,
            )
            return Deployed(planned, operation_id(planned.key, planned.revision, committed))
        return None


def records(
    planned: DeployPlan, standing: Standing, clock: Clock
) -> tuple[dict[str, int], dict[str, str], tuple[str, ...]]:
    """The transaction that carries a plan: what must still hold, what is written, and what is deleted."""
    key = planned.key
    expect = {**planned.stood_on, **standing.must_hold(planned.nodes)}
    puts = {keys.application(key): encode(planned.application)}
    if planned.record:
        number = planned.record.number
        expect[keys.revision(key, number)] = 0
        puts[keys.revision(key, number)] = encode(planned.record)
    if planned.superseded:
        settled = keys.outcome(key, planned.superseded)
        expect[settled] = 0
        puts[settled] = encode(core.superseded(clock.now()))
    for node, wanted in planned.desired.items():
        puts[keys.desired(node, key)] = encode(wanted)
    for node, claim in planned.claims.items():
        held, revision = standing.reserved.get(node, (Reservation(), 0))
        where = keys.reservation(node)
        if held.holders.get(str(key)) != claim:
            expect[where] = revision
            puts[where] = encode(held.with_claim(str(key), claim))
    before = keys.rollout(key)
    if planned.rollout:
        puts[before] = encode(planned.rollout)
    return expect, puts, (before,) if planned.record and not planned.rollout and expect[before] else ()


def _author(caller: Caller) -> Author:
    return Author(caller.name, caller.role == "admin")


def _again(key: AppKey, seen: Seen, reason: str = "") -> DeployRequest:
    if seen.application is None or seen.current is None:
        raise NotFound(f"there is no application {key}")
    files = core.no_files(key, seen.application.init_file)
    return DeployRequest(key, files, seen.overrides, reason, source=seen.application.source)
