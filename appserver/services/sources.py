"""Sources of container configuration: made, changed, deleted; and requests to look at one now."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Timer

from appserver.core import sources as core
from appserver.core.access import Caller, require
from appserver.core.addresses import Outgoing
from appserver.core.entities import Application, Source
from appserver.core.sources import SourceRequest
from appserver.errors import Conflict, Invalid, NotFound, PreconditionFailed
from appserver.ports import KV, Clock, Remote, Repositories, Sealer
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.source_files import SourceFiles
from appserver.services.source_records import SourceRecord, SourceRecords
from appserver.services.source_view import SourceView, view
from appserver.store import sources as keys
from appserver.store.codec import encode
from appserver.store.names import NAME
from appserver.store.records import below
from appserver.store.watching import watching

SYNC_S = 60.0
_TAKEN_S = 86_400.0
"""How long a webhook is remembered."""
_BUS = "bus.cluman.pipeline"


class Sources:
    def __init__(
        self,
        *,
        kv: KV,
        records: SourceRecords,
        repositories: Repositories,
        sealer: Sealer,
        audit: Audit,
        events: Events,
        clock: Clock,
        rule: Outgoing,
        url: str,
        fresh: Callable[[int], str] = secrets.token_urlsafe,
    ) -> None:
        """
        Args:
            rule: which addresses a remote may have.
            url: how people reach this app server, without a slash at the end.
        """
        self._kv = kv
        self._records = records
        self._files = SourceFiles(kv, sealer)
        self._repositories = repositories
        self._sealer = sealer
        self._audit = audit
        self._events = events
        self._clock = clock
        self._rule = rule
        self._url = url
        self._fresh = fresh

    def list(self, caller: Caller) -> tuple[SourceView, ...]:
        require(caller, "R", "source:")
        return tuple(self._view(record) for record in self._records.all())

    def show(self, caller: Caller, name: str) -> SourceView:
        require(caller, "R", f"source:{name}")
        return self._view(self._records.get(name))

    def put(self, caller: Caller, wanted: SourceRequest, expect: int = 0) -> SourceView:
        """Make it, or change it. The commit in force stays until a good one comes from the new place.

        Args:
            expect: the version the caller looked at; 0: any.
        """
        with self._audit.of(caller, "put", f"source:{wanted.name}"):
            key = keys.source(wanted.name)
            core.check(wanted, self._rule)
            held = self._held(wanted.name)
            require(caller, "A" if held else "C", f"source:{wanted.name}")
            if expect and expect != (held.version if held else 0):
                raise PreconditionFailed(f"source {wanted.name} changed meanwhile")
            source, made = self._source(wanted, held.source if held else None, caller)
            if source.kind == "hosted":
                self._repositories.create(source.name, source.branch, {}, "", source.created_at)
            if not self._kv.commit({key: held.version if held else 0}, {key: encode(source)}):
                raise Conflict(f"source {wanted.name} changed meanwhile; look again")
            what = "update" if held else "create"
            self._events.emit(_BUS, what, "INFO", source.name, f"source {source.name}: {what}", caller.name)
            if source.kind == "remote":
                self._ask(source.name)
            return self._view(self._records.get(source.name), made)

    def delete(self, caller: Caller, name: str, expect: int = 0) -> None:
        """One that no application is configured from. A hosted repository is put aside, not destroyed."""
        with self._audit.of(caller, "delete", f"source:{name}"):
            require(caller, "D", f"source:{name}")
            record = self._records.get(name)
            if expect and expect != record.version:
                raise PreconditionFailed(f"source {name} changed meanwhile")
            if name == core.DEFAULT:
                raise Conflict(f"{name} is the source of every application that names none; change it instead")
            seen = self._kv.snapshot("applications/")
            found = [app.record for _, app in below(seen, "applications/", Application)]
            using = [str(app.key) for app in found if app.source == name]
            if using:
                raise Conflict(f"applications are configured from {name}: {', '.join(using[:5])}")
            gone = [keys.source(name), keys.sourcestate(name)]
            if not self._kv.commit({keys.source(name): record.version}, {}, gone):
                raise Conflict(f"source {name} changed meanwhile; look again")
            self._repositories.retire(name)
            self._files.drop(name)
            self._events.emit(_BUS, "delete", "INFO", name, f"source {name}: delete", caller.name)

    def sync(self, caller: Caller, name: str, wait_s: float = SYNC_S) -> SourceView:
        """Look at it now, check and roll out what is new: the view after that, or as it is after `wait_s`."""
        with self._audit.of(caller, "sync", f"source:{name}"):
            require(caller, "E", f"source:{name}")
            asked = self._ask(name)
        over = Event()
        patience = Timer(wait_s, over.set)
        patience.daemon = True
        patience.start()
        try:
            start = self._kv.snapshot(keys.sourcestate(name)).revision
            with watching(self._kv, keys.sourcestate(name), start, over) as watch:
                changes = iter(watch)
                while self._records.get(name).state.answered < asked and next(changes, None):
                    pass
        finally:
            patience.cancel()
        return self._view(self._records.get(name))

    def deliver(self, name: str, signature: str, body: bytes, address: str) -> str:
        """Take a webhook: prove it, remember it, ask for a look. What it did, in a word or two.

        Raises:
            Unauthenticated: wrongly signed, or no such source: which of them is not told.
            Conflict: taken before.
            Invalid: not JSON.
        """
        caller = Caller(f"webhook:{name}"[:80], "viewer", address, "system")
        with self._audit.of(caller, "webhook", f"source:{name}"[:80]):
            held = self._held(name) if NAME.fullmatch(name) else None
            usable = held is not None and held.source.kind == "remote" and bool(held.source.webhook_secret)
            secret = self._sealer.open(held.source.webhook_secret, _place(name)) if held and usable else ""
            delivery = core.proven(secret, signature, body)
            if held is None or not core.concerns(delivery, held.source):
                return "ignored: another branch"
            taken = keys.delivery(name, delivery.digest)
            if self._kv.snapshot(taken).items:
                raise Conflict("this delivery was taken before")
            self._ask(name)  # first: should the store go away in between, the forge delivers again
            self._kv.commit({}, {taken: encode(self._clock.now())}, lease=self._kv.grant(_TAKEN_S))
            return "taken"

    def remote(self, source: Source) -> Remote:
        """Where a remote source is, its credential opened: for the adapter alone."""
        credential = self._sealer.open(source.credential, _place(source.name)) if source.credential else ""
        return Remote(source.url, source.branch, source.username, credential, source.known_hosts)

    def ensure(self, name: str = core.DEFAULT) -> None:
        """At every start: the hosted repository that applications are configured from where they name no other."""
        key = keys.source(name)
        if not self._kv.snapshot(key).items:
            source = Source(name, "hosted", self._clock.now(), by="moorage")
            self._kv.commit({key: 0}, {key: encode(source)})
        self.house(self._records.get(name))

    def house(self, record: SourceRecord) -> None:
        """Make the repository of a hosted source where it is missing: with a first commit if it is ours to begin."""
        source = record.source
        if source.kind == "hosted":
            begins = source.name == core.DEFAULT and not record.state.commit
            first = {"README.md": core.README.format(branch=source.branch)} if begins else {}
            what = "The layout of container configuration"
            self._repositories.create(source.name, source.branch, first, what, source.created_at)

    def _ask(self, name: str) -> int:
        """Have the duty look at a source. The number that `answered` reaches when it has."""
        return self._records.change(name, lambda state: replace(state, asked=state.asked + 1)).asked

    def _held(self, name: str) -> SourceRecord | None:
        try:
            return self._records.get(name)
        except NotFound:
            return None

    def _source(self, wanted: SourceRequest, held: Source | None, caller: Caller) -> tuple[Source, str]:
        """The record, and the webhook secret that was made for it, if one was."""
        place = _place(wanted.name)
        made = ""
        if wanted.kind == "remote" and wanted.webhook_secret is None and not (held and held.webhook_secret):
            made = self._fresh(32)
        hook = made or wanted.webhook_secret
        same_place = held is not None and held.url == wanted.url
        if wanted.credential is None and held and held.credential and not same_place:
            raise Invalid("credential", "is to be given anew with another URL: it is never sent elsewhere unseen")

        def sealed(given: str | None, before: str) -> str:
            if given is None:
                return before
            return self._sealer.seal(given, place) if given else ""

        return Source(
            name=wanted.name,
            kind=wanted.kind,
            created_at=held.created_at if held else self._clock.now(),
            branch=wanted.branch,
            url=wanted.url,
            interval_s=wanted.interval_s,
            username=wanted.username,
            credential=sealed(wanted.credential, held.credential if held else ""),
            known_hosts=wanted.known_hosts,
            webhook_secret=sealed(hook, held.webhook_secret if held else ""),
            by=caller.name,
        ), made

    def _view(self, record: SourceRecord, webhook_secret: str = "") -> SourceView:
        return view(record, self._url, webhook_secret)


def _place(name: str) -> str:
    return f"source.{name}"
