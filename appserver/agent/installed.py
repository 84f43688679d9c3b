"""`install/<LRN>/`: the packages and running containers of this boot server, as they were seen to be.

Level-triggered: what is on record is read once a minute, and only what differs is written, in few transactions; a host
on which nothing changed writes nothing. What changed by anybody's hand is told on the node's bus with before and after.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event

from appserver.core import compose
from appserver.core import events as buses
from appserver.core.boot import Difference, Installed, differences, told
from appserver.core.containers import ContainerState
from appserver.core.events import Happening
from appserver.errors import BackendError, StoreError
from appserver.ports import KV, Clock, Engine, Packages
from appserver.store import keys
from appserver.store.boot_record import read_installed
from appserver.store.codec import encode
from appserver.store.parts import parts

log = logging.getLogger(__name__)

_LOOK_S = 5.0
_ALWAYS = "dpkg"
_READ_AGAIN = timedelta(seconds=60)
"""What somebody else wrote of this host is put right after this long."""


class Record:
    """Looks every few seconds; packages are only asked about after dpkg's database was written."""

    def __init__(self, kv: KV, engine: Engine, packages: Packages, clock: Clock, node: str, lrn: int) -> None:
        self._kv = kv
        self._engine = engine
        self._packages = packages
        self._clock = clock
        self._node = node
        self._lrn = lrn
        self._written: Installed | None = None
        self._read_at: datetime | None = None
        self._stamp = 0
        self._running: Mapping[str, ContainerState] = {}

    def run(self, stop: Event) -> None:
        """Until told to stop. A host that is no boot server records nothing."""
        while self._lrn >= 0 and not stop.is_set():
            try:
                self.record()
            except StoreError as error:
                self._written = None
                log.warning("event=install_not_recorded reason=%s", error)
            except BackendError as error:
                log.warning("event=install_not_seen reason=%s", error)
            stop.wait(_LOOK_S)

    def record(self) -> tuple[Difference, ...]:
        """Look, and write what has changed since; what that was.

        Raises:
            StoreError: the store does not answer.
            BackendError: the engine or dpkg does not.
        """
        now = self._clock.now()
        written = self._written if self._read_at and now - self._read_at < _READ_AGAIN else None
        before = self._on_record() if written is None else written
        self._read_at = now if written is None else self._read_at
        stamp = self._packages.stamp()
        fresh = written is None or stamp != self._stamp
        running = {c.name: c for c in self._engine.running()}
        debs = self._packages.installed() if fresh else before.debs
        after = Installed({name: c.image for name, c in running.items()}, debs)
        found = differences(before, after)
        known = _is_whole(before.debs, debs)
        for part in parts(found):
            self._write(part, self._news(part, {**self._running, **running}) if known else ())
        self._written, self._stamp, self._running = after, stamp, running
        if found:
            log.info("event=install_recorded lrn=%d changes=%d", self._lrn, len(found))
        return found

    def _on_record(self) -> Installed:
        return read_installed(self._kv, self._lrn)[0]

    def _write(self, part: Sequence[Difference], news: tuple[Happening, ...]) -> None:
        """Nobody else writes these but the roles, which have seen the same; so nothing is expected of them."""
        puts = {self._key(one): one.after for one in part if one.after}
        gone = [self._key(one) for one in part if not one.after]
        told_at = {keys.event(one.at, secrets.token_hex(4)): encode(one) for one in news}
        self._kv.commit({}, {keys.bootserver(self._lrn): "", **puts, **told_at}, gone)

    def _news(self, part: Sequence[Difference], seen: Mapping[str, ContainerState]) -> tuple[Happening, ...]:
        """Of packages, and of containers that nobody asked Moorage for; those of applications tell of themselves."""
        strange = tuple(one for one in part if one.kind == "deb" or _is_strange(seen.get(one.name)))
        if not strange:
            return ()
        detail = {"changes": [[one.kind, one.name, one.before, one.after] for one in strange]}
        grave = buses.severity(buses.NODE, "update")
        at = self._clock.now()
        return (Happening(buses.NODE, "update", grave, self._node, told(strange), at, "", detail),)

    def _key(self, one: Difference) -> str:
        make = keys.installed_deb if one.kind == "deb" else keys.installed_container
        return make(self._lrn, one.name)


def _is_whole(on_record: Mapping[str, str], debs: Mapping[str, str]) -> bool:
    """Whether the record is of the host as somebody saw it, and not of what roles installed before anybody looked.

    No role installs dpkg, and every host has it.
    """
    return bool(on_record) and (_ALWAYS in on_record or _ALWAYS not in debs)


def _is_strange(container: ContainerState | None) -> bool:
    return container is not None and compose.APPLICATION not in container.labels
