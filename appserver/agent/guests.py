"""Containers that were placed here and are no application's: that they run is told, so that their room stays theirs.

Whoever asked for the place starts the container, by its name or with the label `moorage.placement`. Others that run on
this engine are nobody's business.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from threading import Condition, Event

from appserver.core import compose
from appserver.core.containers import ContainerState
from appserver.core.entities import ContainerRecord
from appserver.core.placement.placed import Placed, holder
from appserver.errors import EngineError, Invalid, StoreError
from appserver.ports import KV, Engine
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import below, find

log = logging.getLogger(__name__)

LABEL = "moorage.placement"
"""Its value is the holder's name; so a container is known for one of ours whose room was given back meanwhile."""
_LOOK_S = 30.0
_PAUSE_S = 0.3
"""A container that is started has several events."""


class Guests:
    """Looks when the engine told of something, and every half minute."""

    def __init__(self, kv: KV, engine: Engine, node: str, cluster: str) -> None:
        self._kv = kv
        self._engine = engine
        self._node = node
        self._cluster = cluster
        self._told: dict[str, ContainerRecord] | None = None
        self._poked = True
        self._changed = Condition()

    def poke(self) -> None:
        with self._changed:
            self._poked = True
            self._changed.notify()

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                self.look()
            except (EngineError, StoreError) as error:
                self._told = None
                log.warning("event=guests_wait reason=%s", error)
            stop.wait(_PAUSE_S)
            with self._changed:
                self._changed.wait_for(lambda: self._poked or stop.is_set(), _LOOK_S)
                self._poked = False

    def look(self) -> None:
        """Write what differs from what was written last.

        Raises:
            EngineError, StoreError: one of them is away; to be called again.
        """
        told = self._on_record() if self._told is None else self._told
        here = {one.name: one for one in self._engine.running() if compose.APPLICATION not in one.labels}
        found = self._placed({name: one for name, one in here.items() if name not in told})
        found |= {name: self._record(here[name]) for name in told if name in here}
        for names in parts(sorted(name for name in {*found, *told} if found.get(name) != told.get(name))):
            self._write(names, found)
        self._told = found

    def _placed(self, strange: Mapping[str, ContainerState]) -> dict[str, ContainerRecord]:
        """Those that have a place here, or say that they had one."""
        found: dict[str, ContainerRecord] = {}
        named = [name for name in strange if self._is_name(name)]
        for names in parts(named):
            seen = self._kv.snapshot(*(keys.placement(self._cluster, name) for name in names))
            for name in names:
                kept = find(seen, keys.placement(self._cluster, name), Placed)
                says = strange[name].labels.get(LABEL) == holder(self._cluster, name)
                if kept.record.node == self._node if kept else says:
                    found[name] = self._record(strange[name])
        return found

    def _write(self, names: Sequence[str], found: Mapping[str, ContainerRecord]) -> None:
        """What is another node's, or an application's, stays as it is: of one name there is one on the cluster."""
        where = {name: keys.container(self._cluster, name) for name in names}
        seen = self._kv.snapshot(*where.values())
        expect, puts, gone = {}, {}, []
        for name, key in where.items():
            there = find(seen, key, ContainerRecord)
            if there and not self._is_ours(there.record):
                continue
            expect[key] = seen.revision_of(key)
            if name in found:
                puts[key] = encode(found[name])
            elif there:
                gone.append(key)
        if not self._kv.commit(expect, puts, gone):
            raise StoreError("somebody else wrote of these containers meanwhile")

    def _on_record(self) -> dict[str, ContainerRecord]:
        prefix = f"containers/{self._cluster}/"
        listed = below(self._kv.snapshot(prefix), prefix, ContainerRecord)
        return {name: one.record for name, one in listed if self._is_ours(one.record)}

    def _is_ours(self, record: ContainerRecord) -> bool:
        return record.node == self._node and not record.application

    def _record(self, one: ContainerState) -> ContainerRecord:
        return ContainerRecord(one.id, one.image, one.image_id, one.state, self._node, "")

    def _is_name(self, name: str) -> bool:
        try:
            return bool(keys.container(self._cluster, name))
        except Invalid:
            return False
