"""An application moved to another cluster: planned, and begun. `services.transfers_run` carries it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appserver.core import deploy as core
from appserver.core.access import Caller
from appserver.core.deployment import Author, DeployPlan, DeployRequest
from appserver.core.entities import AppKey, Revision
from appserver.core.operations import operation_id
from appserver.core.transfer import Transfer
from appserver.core.transfer_plan import TransferPlan, transfer_plan
from appserver.core.views import cause_json
from appserver.errors import Conflict, Invalid, NotFound, PreconditionFailed
from appserver.ports import KV, Clock
from appserver.services.access import Access
from appserver.services.audit import Audit
from appserver.services.deploy import records
from appserver.services.events import Events
from appserver.services.observe import Observer
from appserver.services.routes_claims import Claims
from appserver.services.standing import Standing, standing_of
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.names import check_app, check_name
from appserver.store.records import find

BUS = "bus.cluman.log.application"
_TRIES = 8


@dataclass(frozen=True, slots=True)
class TransferView:
    """A move as it is now. `operation` is that of the new application's first deployment."""

    key: AppKey
    transfer: Transfer
    operation: str

    @property
    def there(self) -> AppKey:
        return AppKey(self.transfer.to, self.key.name)

    def to_json(self) -> Mapping[str, object]:
        now = self.transfer
        return {
            "application": str(self.key),
            "to": now.to,
            "becomes": str(self.there),
            "state": now.phase,
            "step": now.step,
            "causes": [cause_json(one) for one in now.causes],
            "operation": self.operation,
            "by": now.by,
            "begun_at": now.at.isoformat(),
            "ended_at": now.ended_at.isoformat() if now.ended_at else None,
        }


@dataclass(frozen=True, slots=True)
class _Found:
    """A plan, and what both halves of it stood on."""

    plan: TransferPlan
    here: Standing
    there: Standing


class Transfers:
    def __init__(
        self, *, kv: KV, observer: Observer, claims: Claims, access: Access, audit: Audit, events: Events, clock: Clock
    ) -> None:
        self._kv = kv
        self._observer = observer
        self._claims = claims
        self._access = access
        self._audit = audit
        self._events = events
        self._clock = clock

    def plan(self, caller: Caller, key: AppKey, to: str) -> TransferPlan:
        """What moving it would do. Nothing is written.

        Raises:
            Invalid, Conflict, NotFound, NoPlacement: why it cannot be, as a deployment there would say it.
        """
        for one in (key, self._target(key, to)):
            self._access.require(caller, "R", f"application:{one}")
        return self._found(caller, key, to).plan

    def begin(self, caller: Caller, key: AppKey, to: str, token: str = "", expect: int = 0) -> TransferView:
        """The new application is wanted from now on, and the move on record, in one transaction.

        Args:
            token: of a plan; when given, nothing but that is done.
            expect: the application's store revision that the caller saw; 0 for any.
        """
        with self._audit.of(caller, "move", f"application:{key}", f"to {to}"):
            there = self._target(key, to)
            for letter, one in (("U", key), ("D", key), ("C", there)):
                self._access.require(caller, letter, f"application:{one}")
            for _ in range(_TRIES):
                found = self._found(caller, key, to)
                if expect and found.here.stood_on[keys.application(key)] != expect:
                    raise PreconditionFailed(f"{key} has changed since you looked")
                if token and token != found.plan.token:
                    raise Conflict("the plan is stale: what it was made from has changed since; plan again")
                if (done := self._commit(caller, key, found)) is not None:
                    return done
            raise Conflict(f"{key}: what its move is decided on keeps changing; try again")

    def show(self, caller: Caller, key: AppKey) -> TransferView:
        """The one that is under way, or the last, for a day.

        Raises:
            NotFound: there is none.
        """
        check_app(key)
        self._access.require(caller, "R", f"application:{key}")
        found = self.find(key)
        if found is None:
            raise NotFound(f"{key} was not moved lately")
        return found

    def find(self, key: AppKey) -> TransferView | None:
        where = keys.move(key)
        seen = self._kv.snapshot(where)
        stored = find(seen, where, Transfer)
        if stored is None:
            return None
        there = AppKey(stored.record.to, key.name)
        return TransferView(key, stored.record, operation_id(there, stored.record.revision, seen.items[where].created))

    def _target(self, key: AppKey, to: str) -> AppKey:
        check_app(key)
        check_name(to, "to")
        if to == key.cluster:
            raise Invalid("to", f"{to} is where it is")
        return check_app(AppKey(to, key.name))

    def _found(self, caller: Caller, key: AppKey, to: str) -> _Found:
        here = standing_of(self._kv, key)
        current, stopped = self._movable(key, here)
        request = DeployRequest(
            self._target(key, to),
            self._observer.inputs(key, current),
            self._observer.overrides(key, current),
            reason=f"moved from {key.cluster}",
            source=here.application.source if here.application else "",
        )
        seen, there = self._observer.for_request(request, current.images)
        if there.application is not None:
            raise Conflict(f"there is an application {request.key} already")
        author = Author(caller.name, caller.role == "admin")
        planned = core.decide(request, seen, author, self._observer.seal(request.key))
        self._claims.take(request.key, planned.exposes, giver=key)
        nodes = tuple(sorted(node for node, wanted in here.desired.items() if wanted.run != "removed"))
        wanted = core.still_stopped(planned) if stopped else planned
        return _Found(transfer_plan(key, current, wanted, here.people_left_it, nodes, stopped), here, there)

    def _movable(self, key: AppKey, here: Standing) -> tuple[Revision, bool]:
        """The revision that is moved, and whether nobody wants it to run.

        Raises:
            NotFound, Conflict: why it cannot be moved now.
        """
        if here.application is None:
            raise NotFound(f"there is no application {key}")
        if (going := self.find(key)) and not going.transfer.is_over:
            raise Conflict(f"{key} is being moved to {going.transfer.to} already")
        runs = {one.run for one in here.desired.values() if one.run != "removed"}
        if here.current is None or not runs:
            raise Conflict(f"{key} is being removed")
        stopped = runs == {"stopped"}
        if here.stood_on[keys.rollout(key)] or (here.unsettled and not stopped):
            raise Conflict(f"{key} is being rolled out; move it afterwards")
        if not here.application.revision and not stopped:
            raise Conflict(f"{key} never came up: deploy it there, and delete it here")
        return here.current, stopped

    def _commit(self, caller: Caller, key: AppKey, found: _Found) -> TransferView | None:
        """None: decide again; nothing was written."""
        planned, where = found.plan.there, keys.move(key)
        seen = self._kv.snapshot(where)
        if seen.items and not self._kv.commit({where: seen.revision_of(where)}, {}, [where]):  # of one that is over
            return None
        expect, puts, deletes = records(planned, found.there, self._clock)
        held, claimed = self._claims.take(planned.key, planned.exposes, giver=key)
        transfer = _transfer(caller, found, self._clock, planned)
        committed = self._kv.commit(
            {**found.here.stood_on, **expect, **held, where: 0},
            {**puts, **claimed, where: encode(transfer)},
            deletes,
        )
        if not committed:
            return None
        told = f"{key} moves to {found.plan.to}"
        self._events.emit(BUS, "update", "INFO", str(key), told, user=caller.name)
        return TransferView(key, transfer, operation_id(planned.key, planned.revision, committed))


def _transfer(caller: Caller, found: _Found, clock: Clock, planned: DeployPlan) -> Transfer:
    old = found.here.application
    return Transfer(
        to=found.plan.to,
        by=caller.name,
        at=clock.now(),
        left=found.here.people_left_it,
        old_made=old.created_at if old else clock.now(),
        new_made=planned.application.created_at,
        revision=planned.revision,
        stopped=found.plan.stopped,
        step=f"comes up in {found.plan.to}",
    )
