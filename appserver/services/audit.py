"""Who did what to what, and how it ended: every write, the refused ones too. Never a secret.

Each entry is also a line of the log, so that the account of a write outlives a store that failed in the middle of it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from appserver.core.access import Caller, require
from appserver.core.audit import AuditEntry
from appserver.errors import Forbidden, StoreError, TooMany, UserError
from appserver.ports import KV, Clock
from appserver.services.journal import Page, prune, read_back
from appserver.store import codec, keys

log = logging.getLogger(__name__)
Result = Literal["ok", "refused", "failed"]

AUDITED = "audited"
KEPT = 20_000
"""Entries kept; the oldest go first."""


class Audit:
    def __init__(self, *, kv: KV, clock: Clock, fresh: Callable[[int], str] = secrets.token_hex) -> None:
        self._kv = kv
        self._clock = clock
        self._fresh = fresh

    def record(self, caller: Caller, action: str, subject: str, result: Result, detail: str = "") -> None:
        """Write one entry. A store that does not answer is logged and does not undo what was done."""
        entry = AuditEntry(self._clock.now(), caller.name, action, subject, result, detail[:1000], caller.address)
        log.info(
            "audit user=%s action=%s subject=%s result=%s address=%s detail=%r",
            *(entry.user, action, subject, result, entry.address, entry.detail),
        )
        try:
            self._kv.commit({}, {keys.audit(entry.at, self._fresh(4)): codec.encode(entry)})
        except StoreError as error:
            log.error("audit not recorded action=%s subject=%s error=%r", action, subject, str(error))

    @contextmanager
    def of(self, caller: Caller, action: str, subject: str, detail: str = "") -> Iterator[None]:
        """Record how the block ended: `refused` is the caller's mistake, `failed` ours or the world's.

        A caller who is told to slow down leaves no entry: else a flood of requests becomes one of writes.
        An error that was recorded bears the note `AUDITED`, so that no edge records it again.
        """
        try:
            yield
        except TooMany:
            raise
        except UserError as error:
            self.record(caller, action, subject, "refused", error.on_record)
            error.add_note(AUDITED)
            raise
        except Exception as error:
            self.record(caller, action, subject, "failed", type(error).__name__)
            error.add_note(AUDITED)
            raise
        self.record(caller, action, subject, "ok", detail)

    def require(self, caller: Caller, letter: str, subject: str, action: str) -> None:
        """See `core.access.require`: who may not is on record for having tried `action`. Nothing is where they may."""
        try:
            require(caller, letter, subject)
        except Forbidden as error:
            self.record(caller, action, subject, "refused", error.on_record)
            error.add_note(AUDITED)
            raise

    def list(
        self, caller: Caller, after: str = "", limit: int = 50, user: str = "", subject: str = ""
    ) -> Page[AuditEntry]:
        """Newest first. `after` is the cursor of the page before; `user` and `subject` narrow it."""
        require(caller, "R", "audit:")

        def wanted(entry: AuditEntry) -> bool:
            return user in ("", entry.user) and subject in ("", entry.subject)

        return read_back(self._kv, "audit/", AuditEntry, wanted, after, limit)

    def prune(self) -> int:
        return prune(self._kv, "audit/", KEPT)
