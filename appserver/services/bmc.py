"""The board of a boot server for people: its users beside those that it is to have, and the switch of the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from appserver.core import bmc as core
from appserver.core.access import Caller, require
from appserver.core.bmc import Board, Difference, Seen
from appserver.core.events import NODE
from appserver.errors import Invalid, NotFound
from appserver.ports import KV, Boards, Sealer
from appserver.services.audit import Audit
from appserver.services.bmc_users import opened
from appserver.services.bmc_watch import login, recorded
from appserver.services.events import Events
from appserver.store import keys
from appserver.store.records import find

PowerAction = Literal["on", "off", "cycle"]
POWER: tuple[PowerAction, ...] = get_args(PowerAction)


@dataclass(frozen=True, slots=True)
class BmcView:
    """`seen` is None before an app server has looked. `users` are those seen last, `drift` where they differ."""

    board: Board
    seen: Seen | None
    users: Mapping[str, str]
    drift: tuple[Difference, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "address": self.board.address,
            "protocol": self.board.protocol,
            "power": self.seen.power or None if self.seen else None,
            "answers": self.seen.ok if self.seen else None,
            "reason": self.seen.reason if self.seen else "",
            "users": dict(sorted(self.users.items())),
            "drift": [
                {"user": one.user, "before": one.before or None, "after": one.after or None} for one in self.drift
            ],
        }


class Bmcs:
    def __init__(self, *, kv: KV, boards: Boards, sealer: Sealer, audit: Audit, events: Events) -> None:
        self._kv = kv
        self._boards = boards
        self._sealer = sealer
        self._audit = audit
        self._events = events

    def show(self, caller: Caller, lrn: int) -> BmcView | None:
        """None where no board is on record."""
        require(caller, "R", f"bootserver:{lrn}")
        seen = self._kv.snapshot(keys.bmc_board(lrn), keys.bmc_seen(lrn), keys.installed_bmc(lrn))
        stored = find(seen, keys.bmc_board(lrn), Board)
        if stored is None:
            return None
        users, last = recorded(seen, lrn), find(seen, keys.bmc_seen(lrn), Seen)
        drift = core.differences(stored.record.wanted, users)
        return BmcView(stored.record, last.record if last else None, users, drift)

    def power(self, caller: Caller, lrn: int, action: str) -> str:
        """Ask the board now; what its host's power was before.

        Raises:
            NotFound, Invalid, BmcError
        """
        with self._audit.of(caller, f"power {action[:20]}", f"bootserver:{lrn}"):
            require(caller, "E", f"bootserver:{lrn}")
            if action not in POWER:
                raise Invalid("action", f"is one of {', '.join(POWER)}")
            stored = find(self._kv.snapshot(keys.bmc_board(lrn)), keys.bmc_board(lrn), Board)
            if stored is None:
                raise NotFound(f"no board of boot server {lrn} is on record")
            with self._boards.open(login(stored.record, opened(self._sealer, lrn, stored.record))) as bmc:
                before = bmc.power()
                if before != action:
                    bmc.set_power(action)
            subject = f"boot server {lrn}"
            self._events.emit(NODE, "update", "WARNING", subject, f"power {action}, was {before}", caller.name)
            return before
