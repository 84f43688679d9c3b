"""`nodes/<name>`: what this node is and how it fares. What operators wrote there stays."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from appserver.agent import conditions
from appserver.agent.certificates import look
from appserver.agent.conditions import Watch
from appserver.core.containers import EngineInfo
from appserver.core.fleet import Node
from appserver.core.in_use import Trend, told
from appserver.errors import BadRecord, EngineError, StoreError
from appserver.ports import KV, Clock, Engine
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read

log = logging.getLogger(__name__)

_EVERY_S = 60.0
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """What the settings say of this node."""

    name: str
    address: str
    cluster: str
    lrn: int = -1
    labels: Mapping[str, str] = field(default_factory=dict)
    ip: str = ""
    """Under which it stands in `machines/`; empty: found out from `address`."""


class Inventory:
    """Looked at every minute, and at once when the engine comes or goes, or the handshake goes on."""

    def __init__(
        self,
        kv: KV,
        engine: Engine,
        clock: Clock,
        identity: Identity,
        more: Callable[[], Sequence[tuple[str, conditions.Finding]]] = tuple,
        ip: Callable[[], str] = str,
        certificates: Sequence[Path] = (),
        watch: Watch | None = None,
        trend: Callable[[], Trend | None] = lambda: None,
    ) -> None:
        """
        Args:
            watch: looks after disk, memory and clock; None: nobody does.
            more: conditions that others look after.
            ip: address that the node stands under in `machines/`; empty while it does not.
            certificates: of this host, PEM files; those that are there are looked at.
            trend: what is in use here; None where nobody measures it.
        """
        self._certificates = certificates
        self._more = more
        self._ip = ip
        self._kv = kv
        self._engine = engine
        self._clock = clock
        self._identity = identity
        self._watch = watch
        self._trend = trend
        self._poke = Event()

    def poke(self) -> None:
        self._poke.set()

    def run(self, stop: Event) -> None:
        """Until told to stop; `poke` after setting `stop` ends it at once."""
        while not stop.is_set():
            self._poke.clear()
            try:
                self.record()
            except (StoreError, BadRecord) as error:
                log.warning("event=node_not_recorded reason=%s", error)
            self._poke.wait(_EVERY_S)

    def record(self) -> Node:
        """Look, and write what has changed.

        Raises:
            StoreError: the store does not answer.
            BadRecord: what operators wrote there cannot be read, and is not written over.
        """
        info, engine = self._engine_now()
        for _ in range(_TRIES):
            where = keys.node(self._identity.name)
            stored = read(self._kv, where, Node)
            node = self._node(stored.record if stored else None, info, engine)
            if stored and stored.record == node:
                return node
            if self._kv.commit({where: stored.revision if stored else 0}, {where: encode(node)}):
                log.info("event=node_recorded node=%s conditions=%r", node.name, _told(node))
                return node
        raise StoreError(f"{where} keeps being written by somebody else")

    def _node(self, before: Node | None, info: EngineInfo | None, engine: tuple[bool, str]) -> Node:
        mine = self._identity
        base = before or Node(mine.name, mine.address, mine.cluster)
        info = info or base.engine
        now = self._clock.now()
        certificates, end = look(self._certificates, now)
        found: list[tuple[str, conditions.Finding]] = [
            ("engine", engine),
            *(self._watch.look(info.root if info else "", base.conditions) if self._watch else ()),
            ("certificates", certificates),
            *self._more(),
        ]
        return replace(
            base,
            name=mine.name,
            address=mine.address,
            cluster=base.cluster or mine.cluster,
            lrn=mine.lrn if mine.lrn >= 0 else base.lrn,
            labels={**base.labels, **mine.labels},
            engine=info,
            conditions=conditions.merged(base.conditions, found, now),
            ip=self._ip() or base.ip,
            certificates_end=end,
            in_use=told(base.in_use, self._trend(), info.cpus, info.memory) if info else base.in_use,
        )

    def _engine_now(self) -> tuple[EngineInfo | None, tuple[bool, str]]:
        try:
            info = self._engine.info()
        except EngineError as error:
            return None, (False, str(error))
        return info, (True, f"Docker Engine {info.version}")


def _told(node: Node) -> str:
    return " ".join(f"{c.name}={'ok' if c.ok else c.reason}" for c in node.conditions)
