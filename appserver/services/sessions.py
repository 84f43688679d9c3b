"""Sessions of browsers. The cookie holds a secret; the store its sha256, under a lease that each day's use renews."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from appserver.core.access import Caller, Session, User
from appserver.ports import KV, Clock
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import Stored, read

LONGEST = timedelta(days=7)
"""Even a session in use ends after this long."""


class Sessions:
    def __init__(
        self,
        *,
        kv: KV,
        clock: Clock,
        lasts: timedelta = timedelta(hours=12),
        fresh: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._kv = kv
        self._clock = clock
        self._lasts = lasts
        self._fresh = fresh

    def open(self, user: User, address: str = "") -> str:
        """A new session's secret, for the cookie."""
        secret, now = self._fresh(32), self._clock.now()
        session = Session(user.name, user.id, now, now + self._lasts, user.epoch, address)
        self._put(_key(secret), session, 0)
        return secret

    def caller(self, secret: str, address: str = "") -> Caller | None:
        """Whose session this is; None when it ended, or the user was closed. Renews what was not used for long."""
        held = read(self._kv, _key(secret), Session)
        now = self._clock.now()
        if held is None or held.record.expires_at <= now:
            return None
        owner = read(self._kv, keys.user(held.record.user), User)
        if owner is None or owner.record.disabled:
            return None
        if (owner.record.id, owner.record.epoch) != (held.record.user_id, held.record.epoch):
            return None
        self._renew(_key(secret), held, now)
        return Caller(owner.record.name, owner.record.role, address, "session")

    def close(self, secret: str) -> None:
        self._kv.commit({}, {}, [_key(secret)])

    def _renew(self, key: str, held: Stored[Session], now: datetime) -> None:
        """At most once in a twelfth of its time: a write for each request would cost more than the request."""
        expires_at = min(now + self._lasts, held.record.created_at + LONGEST)
        if expires_at - held.record.expires_at > self._lasts / 12:
            self._put(key, replace(held.record, expires_at=expires_at), held.revision)

    def _put(self, key: str, session: Session, expect: int) -> None:
        """A session that ended meanwhile stays ended: the guard refuses the write, and nothing is lost."""
        lease = self._kv.grant((session.expires_at - self._clock.now()).total_seconds())
        self._kv.commit({key: expect}, {key: encode(session)}, lease=lease)


def _key(secret: str) -> str:
    return keys.session(sha256(secret.encode()).hexdigest())
