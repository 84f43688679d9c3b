"""The elected duty that looks at the boards on record: whose users differ from what they were, and is the host powered.

What it sees goes to `install/<LRN>/bmc/` and `bmc/seen/<LRN>`, only where it changed; every change is told on the
node's bus with before and after. What is wanted stays in `bmc/boards/<LRN>`: drift is the difference of the two.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from urllib.parse import unquote

from appserver.core import bmc as core
from appserver.core import events as buses
from appserver.core.bmc import Board, Difference, Login, Seen
from appserver.core.events import Happening, Severity
from appserver.errors import BackendError, BmcError, LoginRefused, SealError, StoreError
from appserver.ports import KV, Boards, Clock, Sealer, Snapshot
from appserver.services.bmc_users import opened
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import below, find, nodes_below

log = logging.getLogger(__name__)

AT_ONCE = 16
LOOK_S = 20.0
"""For one board: one that drips does not keep the others from being looked at within a minute."""
REFUSED_S = 900.0
"""A board that refused our log-in is let alone for so long, unless its record changes: many lock an account."""
_BOARDS, _SEEN = "bmc/boards/", "bmc/seen/"


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at one board found; `accounts` is None where it could not be seen."""

    seen: Seen
    accounts: Mapping[str, str] | None = None


class BmcWatch:
    def __init__(
        self,
        *,
        kv: KV,
        boards: Boards,
        sealer: Sealer,
        clock: Clock,
        every_s: float,
        at_once: int = AT_ONCE,
    ) -> None:
        self._kv = kv
        self._boards = boards
        self._sealer = sealer
        self._clock = clock
        self._every_s = every_s
        self._at_once = at_once
        self._refused: dict[int, tuple[int, datetime]] = {}

    def run(self, stop: Event) -> None:
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="bmc") as pool:
            while not stop.is_set():
                try:
                    self.look(pool, stop)
                except StoreError as error:
                    log.warning("event=bmc_not_watched reason=%r", str(error))
                stop.wait(self._every_s)

    def look(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """At every board once, several at a time.

        Raises:
            StoreError
        """
        known = self._kv.snapshot(_BOARDS)
        boards = [(int(lrn), stored.record) for lrn, stored in below(known, _BOARDS, Board) if lrn.isdecimal()]
        places = [keys.installed_bmc(lrn) for lrn, _ in boards]
        before = self._kv.snapshot(_BOARDS, _SEEN, "nodes/", *places) if boards else known
        for one in [pool.submit(self._look_at, lrn, board, before, stop) for lrn, board in boards]:
            one.result()

    def _look_at(self, lrn: int, board: Board, before: Snapshot, stop: Event) -> None:
        version = before.revision_of(keys.bmc_board(lrn))
        refused, until = self._refused.get(lrn, (0, self._clock.now()))
        if stop.is_set() or not version or (refused == version and self._clock.now() < until):
            return
        try:
            self._note(lrn, board, before, self._seen(lrn, board, version))
        except BackendError as error:
            log.warning("event=bmc_not_noted lrn=%d reason=%r", lrn, str(error))

    def _seen(self, lrn: int, board: Board, version: int) -> _Look:
        try:
            passwords = opened(self._sealer, lrn, board)
            with self._boards.open(login(board, passwords)) as bmc:
                return _Look(Seen(True, bmc.power()), bmc.accounts().record)
        except LoginRefused as error:
            self._refused[lrn] = (version, self._clock.now() + timedelta(seconds=REFUSED_S))
            return _Look(Seen(False, "", str(error)))
        except (BmcError, SealError) as error:
            return _Look(Seen(False, "", str(error)))

    def _note(self, lrn: int, board: Board, before: Snapshot, found: _Look) -> None:
        """One commit, if anything changed, that demands the record as it was before the look: a play may be at it."""
        puts: dict[str, str] = {}
        gone: list[str] = []
        news: list[Happening] = []
        name = _name(lrn, before)
        known = find(before, keys.bmc_seen(lrn), Seen)
        if known is None or known.record != found.seen:
            puts[keys.bmc_seen(lrn)] = encode(found.seen)
            news += self._of_answering(name, known.record if known else None, found.seen)
        if found.accounts is not None:
            changed = core.differences(recorded(before, lrn), found.accounts)
            puts |= {keys.installed_bmc(lrn, one.user): one.after for one in changed if one.after}
            gone += [keys.installed_bmc(lrn, one.user) for one in changed if not one.after]
            news += self._of_users(name, board, changed, found.accounts)
        if not puts and not gone:
            return
        expect = {key: before.revision_of(key) for key in (keys.bmc_board(lrn), *puts, *gone)}
        told = {keys.event(one.at, secrets.token_hex(4)): encode(one) for one in news}
        if self._kv.commit(expect, {**puts, **told}, gone):
            log.info("event=bmc_recorded lrn=%d changes=%d", lrn, len(puts) + len(gone))

    def _of_answering(self, name: str, before: Seen | None, after: Seen) -> list[Happening]:
        if after.ok == (before is None or before.ok) and (before is None or before.reason == after.reason):
            return []
        message = "its board answers again" if after.ok else f"its board cannot be looked at: {after.reason}"
        return [self._happening(name, "INFO" if after.ok else "WARNING", message, {})]

    def _of_users(
        self, name: str, board: Board, changed: Sequence[Difference], accounts: Mapping[str, str]
    ) -> list[Happening]:
        if not changed:
            return []
        drift = core.differences(board.wanted, accounts)
        grave: Severity = "WARNING" if drift else "INFO"
        detail = {"changes": [["bmc", one.user, one.before, one.after] for one in changed]}
        return [self._happening(name, grave, f"users of its board: {', '.join(map(str, changed))}", detail)]

    def _happening(self, name: str, grave: Severity, message: str, detail: Mapping[str, object]) -> Happening:
        return Happening(buses.NODE, "update", grave, name, message, self._clock.now(), "", detail)


def login(board: Board, passwords: Mapping[str, str]) -> Login:
    """As whom a board on record is looked at."""
    known = tuple(filter(None, [passwords.get(board.user, "")]))
    return Login(board.address, board.user, known, board.protocol, board.port, board.ca, board.verify)


def recorded(seen: Snapshot, lrn: int) -> Mapping[str, str]:
    """User to privilege, as the board had them when it was last seen."""
    prefix = keys.installed_bmc(lrn)
    return {unquote(key.removeprefix(prefix)): item.value for key, item in seen.items.items() if key.startswith(prefix)}


def _name(lrn: int, seen: Snapshot) -> str:
    """Of the node that runs there; events are told by that."""
    names = (stored.record.name for stored in nodes_below(seen) if stored.record.lrn == lrn)
    return next(names, f"boot server {lrn}")
