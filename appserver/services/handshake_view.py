"""The start-up of nodes as people look at it: who leads, how far they are, and the mode, which they may set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from appserver.core.access import Caller, require
from appserver.core.handshake import Mode
from appserver.errors import Conflict, PreconditionFailed
from appserver.ports import KV
from appserver.services.audit import Audit
from appserver.store import keys


@dataclass(frozen=True, slots=True)
class StartUp:
    """`leader` is the address of the app server that leads, "" without one; `known` counts the nodes that ever came up,
    `states` those that are on; `version` is the mode's."""

    leader: str
    mode: Mode
    known: int
    states: Mapping[str, int]
    version: int

    def to_json(self) -> Mapping[str, object]:
        return {"leader": self.leader, "mode": self.mode, "known": self.known, "states": dict(self.states)}


class HandshakeView:
    def __init__(self, *, kv: KV, audit: Audit) -> None:
        self._kv = kv
        self._audit = audit

    def show(self, caller: Caller) -> StartUp:
        require(caller, "R", "node:")
        return self._now()

    def set_mode(self, caller: Caller, mode: Mode, expect: int = 0) -> StartUp:
        """From now on, nodes that were up before begin as the mode says. Running ones go on.

        Raises:
            PreconditionFailed: `expect` is not the version.
        """
        with self._audit.of(caller, "mode", "node:", mode):
            require(caller, "U", "node:")
            before = self._now()
            if expect and expect != before.version:
                raise PreconditionFailed("the mode has changed since you read it")
            if before.mode != mode and not self._kv.commit({keys.MODE: before.version}, {keys.MODE: mode}):
                raise Conflict("the mode was changed by somebody else; try again")
        return self._now()

    def _now(self) -> StartUp:
        seen = self._kv.snapshot(keys.MASTER, keys.MODE, keys.ALLNODES, keys.RUNNODES)
        master, mode = seen.items.get(keys.MASTER), seen.items.get(keys.MODE)
        states = Counter(item.value for key, item in seen.items.items() if key.startswith(keys.RUNNODES))
        return StartUp(
            master.value if master else "",
            "new" if mode and mode.value == "new" else "recovery",
            sum(key.startswith(keys.ALLNODES) for key in seen.items),
            dict(sorted(states.items())),
            seen.revision_of(keys.MODE),
        )
