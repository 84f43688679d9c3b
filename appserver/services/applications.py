"""Reading applications: lists, one in detail, why its values are what they are, its history, drift, logs, export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice

from appserver.core import export
from appserver.core.access import Caller
from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, Application, ContainerRecord, Desired, Drift, Observed, Outcome, Revision
from appserver.core.operations import operation_id
from appserver.core.revision_views import RevisionView, revision_view
from appserver.core.updates import Rollout
from appserver.core.views import AppView, app_view
from appserver.errors import Invalid, NotFound
from appserver.ports import KV, Nodes, Sealer, Snapshot
from appserver.services.access import Access
from appserver.services.observe import Observer
from appserver.store import keys
from appserver.store.names import check_name
from appserver.store.records import below, find

MOST_LOG_LINES = 10_000


class Applications:
    """Every answer is made from one snapshot; secrets are masked in all of them."""

    def __init__(self, kv: KV, nodes: Nodes, observer: Observer, sealer: Sealer, access: Access) -> None:
        self._kv = kv
        self._nodes = nodes
        self._observer = observer
        self._sealer = sealer
        self._access = access

    def list(self, caller: Caller, cluster: str | None = None) -> tuple[AppView, ...]:
        """In the order of cluster and name; those the caller may read."""
        if cluster is not None:
            check_name(cluster, "cluster")
        prefix = f"applications/{cluster}/" if cluster else "applications/"
        snapshot = self._kv.snapshot(prefix, "desired/", "observed/", "alive/", keys.ROLLOUTS)
        found = [stored.record.key for _, stored in below(snapshot, prefix, Application)]
        seen = [key for key in found if caller.may("R", f"application:{key}")]
        wanted = [(key, number) for key in seen if (number := _wanted(snapshot, key))]
        named = [of(key, number) for key, number in wanted for of in (keys.revision, keys.outcome)]
        revisions = self._kv.snapshot(*named) if named else snapshot
        return tuple(self._view(snapshot, revisions, key) for key in seen)

    def show(self, caller: Caller, key: AppKey) -> AppView:
        """
        Raises:
            NotFound.
        """
        snapshot, revisions = self._one(caller, key)
        return self._view(snapshot, revisions, key)

    def explain(
        self, caller: Caller, key: AppKey, revision: int = 0, service: str = ""
    ) -> tuple[tuple[str, Mapping[str, object]], ...]:
        """(service, entry) of every value: option, key, value, source, and the weaker values it hides.

        Args:
            service: of this one alone; "" for all.
        Raises:
            NotFound: there is no such application, revision or service.
        """
        found = self._revision(caller, key, revision)
        if service and service not in found.hashes:
            raise NotFound(f"{key} has no service {service}")
        return tuple(
            (name, entry)
            for name, entries in sorted(found.explained.items())
            if service in ("", name)
            for entry in entries
        )

    def warnings(self, caller: Caller, key: AppKey, revision: int = 0) -> tuple[str, ...]:
        """What a layer of the revision said that was not followed, and why."""
        return self._revision(caller, key, revision).warnings

    def history(self, caller: Caller, key: AppKey) -> tuple[RevisionView, ...]:
        """Newest first."""
        application = self._application(caller, key)
        snapshot = self._kv.snapshot(keys.revisions(key), keys.outcomes(key))
        outcomes = {name: stored.record for name, stored in below(snapshot, keys.outcomes(key), Outcome)}
        found = [
            revision_view(stored.record, outcomes.get(name), application.revision)
            for name, stored in below(snapshot, keys.revisions(key), Revision)
        ]
        return tuple(reversed(found))

    def revision(self, caller: Caller, key: AppKey, number: int) -> RevisionView:
        """One revision with its masked project, and the difference from the one before it."""
        application = self._application(caller, key)
        found = self._revision(caller, key, number)
        others = self._kv.snapshot(
            keys.outcome(key, found.number), *([keys.revision(key, found.number - 1)] if found.number > 1 else [])
        )
        outcome = find(others, keys.outcome(key, found.number), Outcome)
        before = find(others, keys.revision(key, found.number - 1), Revision) if found.number > 1 else None
        return revision_view(
            found, outcome.record if outcome else None, application.revision, True, before.record if before else None
        )

    def drift(self, caller: Caller, key: AppKey) -> tuple[Drift, ...]:
        return self.show(caller, key).drift

    def logs(
        self,
        caller: Caller,
        key: AppKey,
        service: str = "",
        tail: int = 100,
        follow: bool = False,
        since: datetime | None = None,
    ) -> Iterator[str | None]:
        """Lines as `service-1 | text`, straight from the agents; nothing is kept. None: a followed log is silent.

        Raises:
            NotFound: no such application or service. Invalid: `tail` out of range.
            NodeError: the first agent that is asked is away, or refuses; of a later one the iterator raises it.
        """
        if not 0 <= tail <= MOST_LOG_LINES:
            raise Invalid("tail", f"is between 0 and {MOST_LOG_LINES}")
        view = self.show(caller, key)
        if service and service not in view.expected:
            raise NotFound(f"{key} has no service {service}")
        wanted = [c for s in view.services if service in ("", s.name) for c in s.containers]
        snapshot = self._kv.snapshot(f"containers/{key.cluster}/")
        records = {name: s.record for name, s in below(snapshot, f"containers/{key.cluster}/", ContainerRecord)}
        targets = [(name, records[name]) for name in wanted if name in records]
        if follow and len(targets) > 1:
            raise Invalid("service", f"name one of {', '.join(view.expected)} to follow it")
        lines = self._lines(targets, tail, follow, since)
        first = tuple(islice(lines, 1))  # an agent that is away is told while there is no answer yet
        return chain(first, lines)

    def export(self, caller: Caller, key: AppKey) -> Mapping[str, str]:
        """Path to text of a tree that `docker compose up` runs without Moorage. Holds the secrets: needs U."""
        self._access.require(caller, "U", f"application:{key}")
        found = self._revision(caller, key, 0)
        return export.tree(found.project, lambda seal: self._sealer.open(seal, str(key)), found.images)

    def inputs(self, caller: Caller, key: AppKey) -> DeployRequest:
        """The author's own files, to change them. Holds the secrets: needs U."""
        self._access.require(caller, "U", f"application:{key}")
        application = self._application(caller, key)
        found = self._revision(caller, key, 0)
        files, overrides = self._observer.inputs(key, found), self._observer.overrides(key, found)
        return DeployRequest(key, files, overrides, source=application.source)

    def _lines(
        self, targets: Sequence[tuple[str, ContainerRecord]], tail: int, follow: bool, since: datetime | None
    ) -> Iterator[str | None]:
        for name, record in targets:
            for line in self._nodes.logs(record.node, record.id, tail, follow, since):
                yield None if line is None else f"{name} | {line}"

    def _application(self, caller: Caller, key: AppKey) -> Application:
        self._access.require(caller, "R", f"application:{key}")
        stored = find(self._kv.snapshot(keys.application(key)), keys.application(key), Application)
        if stored is None:
            raise NotFound(f"there is no application {key}")
        return stored.record

    def _revision(self, caller: Caller, key: AppKey, number: int) -> Revision:
        """The one asked for; 0 means the one in force, or the only one tried so far."""
        application = self._application(caller, key)
        wanted = number or application.revision or application.latest
        stored = find(self._kv.snapshot(keys.revision(key, wanted)), keys.revision(key, wanted), Revision)
        if stored is None:
            raise NotFound(f"{key} has no revision {wanted}")
        return stored.record

    def _one(self, caller: Caller, key: AppKey) -> tuple[Snapshot, Snapshot]:
        application = self._application(caller, key)
        own = [of(node, key) for node in application.nodes for of in (keys.desired, keys.observed)]
        alive = [keys.alive(node) for node in application.nodes]
        snapshot = self._kv.snapshot(keys.application(key), keys.rollout(key), *own, *alive)
        number = _wanted(snapshot, key)
        revisions = self._kv.snapshot(keys.revision(key, number), keys.outcome(key, number)) if number else snapshot
        return snapshot, revisions

    def _view(self, snapshot: Snapshot, revisions: Snapshot, key: AppKey) -> AppView:
        stored = find(snapshot, keys.application(key), Application)
        if stored is None:
            raise NotFound(f"there is no application {key}")
        nodes = stored.record.nodes
        desired = {
            n: (one.record, one.revision) for n in nodes if (one := find(snapshot, keys.desired(n, key), Desired))
        }
        observed = {n: told.record for n in nodes if (told := find(snapshot, keys.observed(n, key), Observed))}
        number = max((d.revision for d, _ in desired.values()), default=0)
        current = find(revisions, keys.revision(key, number), Revision) if number else None
        outcome = find(revisions, keys.outcome(key, number), Outcome) if number else None
        rollout = find(snapshot, keys.rollout(key), Rollout)
        commit = max((revision for _, revision in desired.values()), default=0)
        return app_view(
            stored.record,
            stored.revision,
            current.record if current else None,
            desired,
            observed,
            frozenset(n for n in nodes if keys.alive(n) in snapshot.items),
            outcome.record if outcome else None,
            operation_id(key, number, commit),
            rollout.record if rollout else None,
        )


def _wanted(snapshot: Snapshot, key: AppKey) -> int:
    """The newest revision that any node is told to run."""
    stored = find(snapshot, keys.application(key), Application)
    nodes = stored.record.nodes if stored else ()
    found = [find(snapshot, keys.desired(node, key), Desired) for node in nodes]
    return max((one.record.revision for one in found if one), default=0)
