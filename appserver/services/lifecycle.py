"""Start, stop, restart, scale, delete: changes of what is wanted, without a new revision where none is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from appserver.core.access import Caller
from appserver.core.deploy import claim_of
from appserver.core.entities import AppKey, Desired
from appserver.core.operations import operation_id
from appserver.core.placement.filters import FILTERS, first_reason
from appserver.core.placement.request import Claim, Request, Reservation
from appserver.core.rolling import begin
from appserver.core.updates import Rollout
from appserver.errors import Conflict, Invalid, NoPlacement, NotFound, PreconditionFailed
from appserver.ports import KV, Clock
from appserver.services.access import Access
from appserver.services.audit import Audit
from appserver.services.deploy import Deploy, Deployed
from appserver.services.standing import Standing, standing_of
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.names import check_app

MOST_REPLICAS = 1000


class Lifecycle:
    """Each verb is one guarded transaction over the application's desired records; agents act on it."""

    def __init__(self, kv: KV, deploy: Deploy, access: Access, audit: Audit, clock: Clock) -> None:
        self._kv = kv
        self._clock = clock
        self._deploy = deploy
        self._access = access
        self._audit = audit

    def start(self, caller: Caller, key: AppKey, services: tuple[str, ...] = (), expect: int = 0) -> str:
        """The operation's id. Already running services are left alone.

        Args:
            expect: the application's store revision that the caller saw; 0 for any.
        """
        return self._change(caller, "start", key, services, expect, lambda d: replace(d, run="running", by=caller.name))

    def stop(self, caller: Caller, key: AppKey, services: tuple[str, ...] = (), expect: int = 0) -> str:
        """Stops the whole application; containers and volumes stay."""
        if services:
            raise Invalid("services", "an application is stopped as a whole; scale one service to 0 to be without it")
        return self._change(caller, "stop", key, (), expect, lambda d: replace(d, run="stopped", by=caller.name))

    def restart(self, caller: Caller, key: AppKey, services: tuple[str, ...] = (), expect: int = 0) -> str:
        """Restarts these services, or all; of several copies, as many at a time as its update says."""

        def again(wanted: Desired) -> Desired:
            return replace(
                wanted,
                run="running",
                restart=wanted.restart + 1,
                restart_services=tuple(sorted(services)),
                by=caller.name,
            )

        return self._change(caller, "restart", key, services, expect, again)

    def delete(self, caller: Caller, key: AppKey, volumes: bool = False, expect: int = 0) -> str:
        """Takes the containers and networks away, and the record with them; volumes stay unless told.

        Raises:
            Invalid: volumes of a stack, which are on whatever nodes it ever ran on.
        """

        def gone(wanted: Desired) -> Desired:
            if volumes and wanted.stack:
                raise Invalid("volumes", "a stack's are on every node that it ever ran on, and stay: remove them there")
            return replace(wanted, run="removed", remove_volumes=volumes, by=caller.name, deleted=True)

        return self._change(caller, "delete", key, (), expect, gone)

    def scale(self, caller: Caller, key: AppKey, service: str, replicas: int) -> Deployed:
        """A new revision with so many containers of one service."""
        if not 0 <= replicas <= MOST_REPLICAS:
            raise Invalid("replicas", f"is between 0 and {MOST_REPLICAS}")
        return self._deploy.override(caller, key, service, {"scale": replicas}, f"scale {service} to {replicas}")

    def rollback(
        self, caller: Caller, key: AppKey, revision: int, token: str = "", dry_run: bool = False, reason: str = ""
    ) -> Deployed:
        return self._deploy.rollback(caller, key, revision, token, dry_run, reason)

    def _change(
        self,
        caller: Caller,
        verb: str,
        key: AppKey,
        services: tuple[str, ...],
        expect: int,
        change: Callable[[Desired], Desired],
    ) -> str:
        check_app(key)
        with self._audit.of(caller, verb, f"application:{key}", " ".join(services)):
            self._access.require(caller, "D" if verb == "delete" else "E", f"application:{key}")
            standing = standing_of(self._kv, key)
            self._checked(key, standing, services, expect)
            staying = {node: wanted for node, wanted in standing.desired.items() if wanted.run != "removed"}
            if verb == "restart" and len(staying) > 1 and all(one.run == "running" for one in staying.values()):
                return self._restart_in_turn(caller, key, standing, staying, services)
            # a node that it has moved away from stays left
            deleted = {node: replace(one, deleted=False) for node, one in standing.desired.items() if one.deleted}
            meant = staying or deleted
            if not meant and verb != "delete":
                raise Conflict(f"{key} is gone but for nodes that it left before: deploy it again")
            puts = {keys.desired(node, key): encode(change(wanted)) for node, wanted in meant.items()}
            # the application is written anew, so that every change of it bears one revision to compare with
            puts[keys.application(key)] = encode(standing.application)
            held, reserved = _reserved(key, standing, meant) if verb in ("start", "restart") else ({}, {})
            committed = self._kv.commit({**standing.stood_on, **held}, {**puts, **reserved})
            if not committed:
                raise Conflict(f"{key} was changed by somebody else meanwhile; look again")
            number = max((d.revision for d in standing.desired.values()), default=0)
            return operation_id(key, number, committed)

    def _restart_in_turn(
        self,
        caller: Caller,
        key: AppKey,
        standing: Standing,
        staying: Mapping[str, Desired],
        services: tuple[str, ...],
    ) -> str:
        where, current = keys.rollout(key), standing.current
        if standing.stood_on[where] or current is None:
            raise Conflict(f"{key} is being rolled out; restart it afterwards, or stop and start it")
        rollout = Rollout(
            revision=current.number,
            before=current.number,
            update=replace(current.options.update, percentage=100),
            since=self._clock.now(),
            waiting=tuple(sorted(staying)),
            by=caller.name,
            restart=True,
            services=tuple(sorted(services)),
        )
        move = begin(rollout, next(iter(staying.values())), staying)
        puts = {keys.desired(node, key): encode(wanted) for node, wanted in move.desired.items()}
        puts |= {where: encode(move.rollout), keys.application(key): encode(standing.application)}
        held, reserved = _reserved(key, standing, staying)
        if not (committed := self._kv.commit({**standing.stood_on, **held}, {**puts, **reserved})):
            raise Conflict(f"{key} was changed by somebody else meanwhile; look again")
        return operation_id(key, current.number, committed)

    def _checked(self, key: AppKey, standing: Standing, services: tuple[str, ...], expect: int) -> None:
        if standing.application is None:
            raise NotFound(f"there is no application {key}")
        if expect and standing.stood_on[keys.application(key)] != expect:
            raise PreconditionFailed(f"{key} has changed since you looked")
        known = standing.current.hashes if standing.current else {}
        for name in services:
            if name not in known:
                raise NotFound(f"{key} has no service {name}")


def _reserved(key: AppKey, standing: Standing, nodes: Collection[str]) -> tuple[Mapping[str, int], Mapping[str, str]]:
    """What must hold and what is written where less is reserved than is started: there it had not come up before.

    Raises:
        NoPlacement: others have taken the room meanwhile.
    """
    if standing.current is None or standing.cluster.kind == "swarm":
        return {}, {}
    expect: dict[str, int] = {}
    puts: dict[str, str] = {}
    refused: dict[str, str] = {}
    wanted = claim_of(standing.current.project)
    for node in (one for one in standing.candidates if one.name in nodes):
        held, revision = standing.reserved.get(node.name, (Reservation(), 0))
        claim = wanted | held.holders.get(str(key), Claim())
        if held.holders.get(str(key)) == claim:
            continue
        if why := first_reason(FILTERS, Request(str(key), claim), replace(node, against="")):
            refused[node.name] = why
        expect[keys.reservation(node.name)] = revision
        puts[keys.reservation(node.name)] = encode(held.with_claim(str(key), claim))
    if refused:
        raise NoPlacement(refused)
    return expect, puts
