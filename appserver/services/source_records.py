"""The records of sources: read together, changed by compare-and-swap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Timer

from appserver.core.entities import Source, SourceState
from appserver.errors import Conflict, LeadershipLost, NotFound
from appserver.ports import KV
from appserver.store import sources as keys
from appserver.store.codec import encode
from appserver.store.records import below, find

_TRIES = 16
_TTL_S = 5.0
"""An app server that dies in its turn holds the others up for so long."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One source and its state, at one store revision. `version` wrote the source last."""

    source: Source
    state: SourceState
    version: int
    state_version: int


class SourceRecords:
    def __init__(self, kv: KV) -> None:
        self._kv = kv

    def all(self) -> tuple[SourceRecord, ...]:
        seen = self._kv.snapshot("sources/", "sourcestate/")
        states = dict(below(seen, "sourcestate/", SourceState))
        found = []
        for name, held in below(seen, "sources/", Source):
            state = states.get(name)
            if state is None and keys.sourcestate(name) in seen.items:
                continue  # it cannot be read: to begin anew would forget the commit in force
            found.append(
                SourceRecord(held.record, state.record, held.revision, state.revision)
                if state
                else SourceRecord(held.record, SourceState(), held.revision, 0)
            )
        return tuple(found)

    def get(self, name: str) -> SourceRecord:
        """
        Raises:
            NotFound: there is no such source.
        """
        seen = self._kv.snapshot(keys.source(name), keys.sourcestate(name))
        source = find(seen, keys.source(name), Source)
        if source is None:
            raise NotFound(f"there is no source {name}")
        state = find(seen, keys.sourcestate(name), SourceState)
        if state is None:
            return SourceRecord(source.record, SourceState(), source.revision, 0)
        return SourceRecord(source.record, state.record, source.revision, state.revision)

    def change(
        self, name: str, change: Callable[[SourceState], SourceState], fence: Mapping[str, int] | None = None
    ) -> SourceState:
        """Write what `change` makes of the state, again and again until nobody wrote in between.

        Args:
            fence: that of a turn; once the turn is lost nothing is written.
        Raises:
            LeadershipLost, NotFound, Conflict
        """
        for _ in range(_TRIES):
            record = self.get(name)
            wanted = change(record.state)
            if wanted == record.state:
                return wanted
            key = keys.sourcestate(name)
            expect = {key: record.state_version, keys.source(name): record.version, **(fence or {})}
            if self._kv.commit(expect, {key: encode(wanted)}):
                return wanted
            if fence and not all(self._kv.snapshot(held).revision_of(held) == at for held, at in fence.items()):
                raise LeadershipLost(f"the turn at source {name} was lost")
        raise Conflict(f"source {name} keeps changing; try again")

    @contextmanager
    def turn(self, name: str, who: str, wait_s: float) -> Iterator[Mapping[str, int]]:
        """One at a time, over all app servers, may move a source's commit. Gives the fence of its writes.

        Raises:
            Conflict: somebody else has it for longer than `wait_s`.
        """
        waited = Event()
        patience = Timer(wait_s, waited.set)
        patience.daemon = True
        patience.start()
        try:
            with self._kv.leader(f"source-{name}", _TTL_S, who, waited) as turn:
                patience.cancel()
                if turn is None:
                    raise Conflict(f"{name} is being changed by somebody else; try again in a moment")
                yield turn.fence
        finally:
            patience.cancel()
