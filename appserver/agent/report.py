"""What this node says: `observed/` and `containers/`, written behind the work's back, newest last, never too often.

Work goes on while the store is away; what was said last is written when it is back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Condition, Event

from appserver.core.entities import AppKey, ContainerRecord, Observed
from appserver.core.operations import is_resting
from appserver.core.routes import Endpoint, Serving
from appserver.errors import BadRecord, StoreError, TooLarge
from appserver.ports import KV
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import applications_below, below, skipped

log = logging.getLogger(__name__)

_EVERY_S = 0.2
_PAUSE_S = 1.0

Records = Mapping[str, ContainerRecord]
"""Container name to record."""


@dataclass(slots=True)
class _Told:
    """Of one application: what was said, what of it is written, and where the store's copy stands."""

    said: Observed | None = None
    containers: Records = field(default_factory=dict)
    written: Observed | None = None
    written_containers: Records = field(default_factory=dict)
    revision: int = 0
    at: float = 0.0
    serving: Serving = field(default_factory=Serving)
    written_serving: Serving = field(default_factory=Serving)
    serving_at: int = 0
    """Store revision that has `written_serving`."""


class Reports:
    """One writer thread for all applications; `last` answers from memory."""

    def __init__(self, kv: KV, node: str, cluster: str) -> None:
        self._kv = kv
        self._node = node
        self._cluster = cluster
        self._changed = Condition()
        self._told: dict[AppKey, _Told] = {}
        self._due: set[AppKey] = set()

    def load(self) -> None:
        """What this node said before it was started.

        Raises:
            StoreError: the store does not answer.
        """
        prefix, held = keys.observed_of(self._node), keys.containers(self._cluster)
        serving = keys.serving_of(self._node)
        listed = self._kv.snapshot(prefix, held, serving)
        told: dict[AppKey, _Told] = {}
        for key, stored in applications_below(listed, prefix, Observed):
            told[key] = _Told(stored.record, {}, stored.record, {}, stored.revision)
        for name, one in below(listed, held, ContainerRecord):
            if self._is_mine(one.record) and (owner := _owner(f"{held}{name}", one.record)):
                mine = told.setdefault(owner, _Told())
                mine.containers = mine.written_containers = {**mine.written_containers, name: one.record}
        for key, served in applications_below(listed, serving, Serving):
            mine = told.setdefault(key, _Told())
            mine.serving = mine.written_serving = served.record
            mine.serving_at = served.revision
        with self._changed:
            self._told = told

    def last(self, key: AppKey) -> Observed | None:
        with self._changed:
            told = self._told.get(key)
            return told.said if told else None

    def begin_again(self, key: AppKey) -> None:
        """Whatever was said of it, it is not as it was left: what is wanted is acted on anew."""
        with self._changed:
            if (told := self._told.get(key)) and told.said:
                told.said = replace(told.said, acted_on=0)

    def applications(self) -> tuple[AppKey, ...]:
        with self._changed:
            return tuple(self._told)

    def say(
        self, key: AppKey, observed: Observed, containers: Records, served: tuple[Endpoint, ...] | None = None
    ) -> None:
        """
        Args:
            served: what takes requests through the proxies from now on; None: what did.
        """
        with self._changed:
            told = self._told.setdefault(key, _Told())
            told.said, told.containers = observed, containers
            told.serving = told.serving if served is None else Serving(served)
            same = told.written_containers == containers and told.written_serving == told.serving
            if same and _same(told.written, observed):
                return
            self._due.add(key)
            self._changed.notify()

    def forget(self, key: AppKey) -> None:
        """The application is not wanted here any more: its containers' records go, `observed` is its deleter's.

        Raises:
            StoreError: the store does not answer; to be called again.
        """
        with self._changed:
            told = self._told.get(key)
            self._due.discard(key)
        for names in parts(tuple(told.written_containers) if told else ()):
            expect, gone = self._own(key, names)
            if gone:
                self._kv.commit(expect, {}, gone)
        if told and told.written_serving.endpoints:
            self._kv.commit({}, {}, [keys.serving(self._node, key)])
        with self._changed:
            self._told.pop(key, None)

    def served_at(self, key: AppKey, limit: float) -> int:
        """The store revision that has what is served as it was said last; 0 where it is not written in time.

        Args:
            limit: of `time.monotonic`.
        """
        with self._changed:
            while (told := self._told.get(key)) and told.serving != told.written_serving:
                if (left := limit - time.monotonic()) <= 0:
                    return 0
                self._changed.wait(left)
            return told.serving_at if told else 0

    def run(self, stop: Event) -> None:
        """Write until told to stop; what is due then is tried once more."""
        while not stop.is_set():
            due = self._next(stop)
            try:
                for key in due:
                    self._write_what_fits(key)
            except StoreError as error:
                log.warning("event=reports_wait reason=%s", error)
                with self._changed:
                    self._due.update(due)
                stop.wait(_PAUSE_S)
            except Exception:  # a fault of ours: whoever guards this part runs it again, and nothing due is lost
                with self._changed:
                    self._due.update(due)
                raise
        self._last_words()

    def wake(self) -> None:
        """Look whether to stop."""
        with self._changed:
            self._changed.notify_all()

    def _next(self, stop: Event) -> tuple[AppKey, ...]:
        """Those that may be written now: at once when work came to rest, else not sooner than the interval allows."""
        with self._changed:
            while not stop.is_set():
                now = time.monotonic()
                waits = {key: self._wait(key, now) for key in self._due}
                ready = tuple(key for key, wait_s in waits.items() if wait_s <= 0)
                if ready:
                    self._due.difference_update(ready)
                    return ready
                self._changed.wait(min(waits.values(), default=None))
            return ()

    def _wait(self, key: AppKey, now: float) -> float:
        told = self._told.get(key)
        if told is None or told.said is None or is_resting(told.said) or told.serving != told.written_serving:
            return 0.0
        return told.at + _EVERY_S - now

    def _write_what_fits(self, key: AppKey) -> None:
        """What the store takes in no form must not silence the other applications."""
        try:
            self._write(key)
        except TooLarge as error:
            log.warning("event=report_too_long application=%s reason=%s", key, error)
            with self._changed:
                told = self._told.get(key)
                if told and told.said and any(cause.logs for cause in told.said.causes):
                    told.said = replace(told.said, causes=tuple(replace(c, logs=()) for c in told.said.causes))
                    self._due.add(key)

    def _write(self, key: AppKey) -> None:
        """Containers first where there are many, `observed` last: who reads that finds the others as it says."""
        with self._changed:
            told = self._told.get(key)
            if told is None or told.said is None:
                return
            said, containers = told.said, told.containers
            where, known, before = keys.observed(self._node, key), told.revision, told.written_containers
            serving, served_before = told.serving, told.written_serving
        news = [name for name, record in containers.items() if before.get(name) != record]
        left = [name for name in before if name not in containers]
        *first, last = parts((*news, *left)) or ((),)
        for names in first:
            if not self._put(key, {where: known}, {}, names, containers):
                return self._catch_up(key, told)
        puts, gone = {where: encode(said)}, []
        if serving != served_before:
            served = keys.serving(self._node, key)
            puts |= {served: encode(serving)} if serving.endpoints else {}
            gone = [] if serving.endpoints else [served]
        written = self._put(key, {where: known}, puts, last, containers, gone)
        if not written:
            return self._catch_up(key, told)
        with self._changed:
            told.written, told.written_containers = said, containers
            told.revision, told.at = written, time.monotonic()
            if serving != served_before:
                told.written_serving, told.serving_at = serving, written
            self._changed.notify_all()

    def _put(
        self,
        key: AppKey,
        fence: Mapping[str, int],
        puts: Mapping[str, str],
        names: Sequence[str],
        containers: Records,
        more_gone: Sequence[str] = (),
    ) -> int:
        """Records of containers as they are now, away where there is none any more; with `puts`, if the fence holds."""
        here = {keys.container(key.cluster, name): encode(containers[name]) for name in names if name in containers}
        expect, gone = self._own(key, [name for name in names if name not in containers])
        return self._kv.commit({**fence, **expect}, {**here, **puts}, [*gone, *more_gone])

    def _own(self, key: AppKey, names: Iterable[str]) -> tuple[dict[str, int], list[str]]:
        """Records of containers that are this node's to delete: another node may have one of the same name by now."""
        asked = [keys.container(key.cluster, name) for name in names]
        if not asked:
            return {}, []
        now = self._kv.snapshot(*asked)
        mine = [name for name, one in below(now, "", ContainerRecord) if self._is_mine(one.record)]
        return {name: now.revision_of(name) for name in mine}, mine

    def _is_mine(self, record: ContainerRecord) -> bool:
        return (record.by or record.node) == self._node

    def _catch_up(self, key: AppKey, told: _Told) -> None:
        """Somebody else wrote, or an answer was lost. An application that is gone gets no record back."""
        where, wanted = keys.observed(self._node, key), keys.desired(self._node, key)
        now = self._kv.snapshot(where, wanted)
        with self._changed:
            if wanted not in now.items:
                return
            told.revision = now.revision_of(where)
            self._due.add(key)

    def _last_words(self) -> None:
        with self._changed:
            due, self._due = tuple(self._due), set()
        for key in due:
            try:
                self._write_what_fits(key)
            except StoreError as error:
                log.warning("event=report_lost application=%s reason=%s", key, error)
                return


def _owner(where: str, record: ContainerRecord) -> AppKey | None:
    """The application that a container's record names; None where it names none that could be."""
    try:
        return keys.stored_app(record.application) if record.application else None
    except BadRecord as error:
        skipped(where, error)
        return None


def _same(written: Observed | None, said: Observed) -> bool:
    return written is not None and replace(written, at=said.at) == said
