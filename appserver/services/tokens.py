"""Tokens: `mrg_<id>_<secret>`, for programs. Shown once; the store holds the sha256 of the secret part."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from appserver.core.access import ROLES, Caller, Role, Token, User, require, weaker
from appserver.errors import Conflict, Forbidden, Invalid, NotFound
from appserver.ports import KV, Clock
from appserver.services.audit import Audit
from appserver.services.journal import drop
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import Stored, below, find, read

LONGEST = timedelta(days=3650)
_SHAPE = re.compile(r"mrg_([0-9a-f]{16})_([0-9a-f]{64})")


class Tokens:
    def __init__(self, *, kv: KV, audit: Audit, clock: Clock, fresh: Callable[[int], str] = secrets.token_hex) -> None:
        self._kv = kv
        self._audit = audit
        self._clock = clock
        self._fresh = fresh

    def list(self, caller: Caller) -> tuple[Token, ...]:
        """The caller's own; an administrator's list has everybody's."""
        found = (stored.record for _, stored in below(self._kv.snapshot("tokens/"), "tokens/", Token))
        return tuple(token for token in found if caller.may("A", f"user:{token.user}"))

    def create(
        self, caller: Caller, title: str, scope: Role | None = None, lasts: timedelta | None = None
    ) -> tuple[Token, str]:
        """A token of the caller's own, and its text, which is never shown again.

        Args:
            scope: never above the caller's own role, which is that of the token they came with; None: the same.
            lasts: None: until revoked.
        """
        with self._audit.of(caller, "create token", f"user:{caller.name}", title):
            require(caller, "A", f"user:{caller.name}")
            if scope is not None and (scope not in ROLES or weaker(scope, caller.role) != scope):
                raise Invalid("scope", f"is one of {', '.join(ROLES[: ROLES.index(caller.role) + 1])}")
            if lasts is not None and not timedelta() < lasts <= LONGEST:
                raise Invalid("expires_in_days", f"is between 1 and {LONGEST.days}")
            if not title.strip() or len(title) > 100:
                raise Invalid("title", "a token has a title of 1 to 100 characters, to know it by")
            owner = read(self._kv, keys.user(caller.name), User)
            if owner is None:
                raise NotFound(f"there is no user {caller.name}")
            return self._put(owner, title.strip(), scope or caller.role, lasts, caller.token)

    def for_machine(self, user: User, title: str) -> str:
        """A token for a machine's own user, made outside of any request; the user is made with it where it is new."""
        held = read(self._kv, keys.user(user.name), User)
        if held is not None and not held.record.system:
            raise Conflict(f"{user.name} is a person's account")
        if held is None:
            revision = self._kv.commit({keys.user(user.name): 0}, {keys.user(user.name): encode(user)})
            if not revision:
                raise Conflict(f"{user.name} was made meanwhile; try again")
            held = Stored(user, revision)
        return self._put(held, title, user.role, None, "")[1]

    def revoke(self, caller: Caller, token_id: str) -> None:
        """The token, and those that were made with it."""
        with self._audit.of(caller, "revoke token", f"token:{token_id}"):
            seen = self._kv.snapshot("tokens/")
            held = find(seen, keys.token(token_id), Token)
            if held is None or not caller.may("A", f"user:{held.record.user}"):
                raise NotFound(f"there is no token {token_id}")
            made = {key: token.record.parent for key, token in below(seen, "tokens/", Token)}
            drop(self._kv, [keys.token(one) for one in _offspring(token_id, made)])

    def caller(self, text: str, address: str = "") -> Caller | None:
        """Who presents this token; None if it is malformed, unknown, expired, revoked, or its user is closed."""
        shape = _SHAPE.fullmatch(text)
        if shape is None:
            return None
        token_id, secret = shape.groups()
        held = read(self._kv, keys.token(token_id), Token)
        if held is None or not hmac.compare_digest(held.record.digest, _digest(secret)):
            return None
        token = held.record
        if token.expires_at is not None and token.expires_at <= self._clock.now():
            return None
        owner = read(self._kv, keys.user(token.user), User)
        if owner is None or owner.record.id != token.user_id or owner.record.disabled:
            return None
        return Caller(token.user, weaker(token.scope, owner.record.role), address, "token", token.id)

    def prune(self) -> int:
        """Delete those that expired; how many went."""
        now = self._clock.now()
        gone = [
            f"tokens/{key}"
            for key, held in below(self._kv.snapshot("tokens/"), "tokens/", Token)
            if held.record.expires_at is not None and held.record.expires_at <= now
        ]
        return drop(self._kv, gone)

    def _put(
        self, owner: Stored[User], title: str, scope: Role, lasts: timedelta | None, parent: str
    ) -> tuple[Token, str]:
        now, secret = self._clock.now(), self._fresh(32)
        token = Token(
            id=self._fresh(8),
            user=owner.record.name,
            user_id=owner.record.id,
            scope=scope,
            digest=_digest(secret),
            title=title,
            created_at=now,
            expires_at=now + lasts if lasts else None,
            parent=parent,
        )
        expect = {keys.user(token.user): owner.revision, keys.token(token.id): 0}
        if parent:
            held = read(self._kv, keys.token(parent), Token)
            if held is None:
                raise Forbidden("the token you came with was revoked")
            expect[keys.token(parent)] = held.revision
        if not self._kv.commit(expect, {keys.token(token.id): encode(token)}):
            raise Conflict("the account changed meanwhile; try again")
        return replace(token, digest=""), f"mrg_{token.id}_{secret}"


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _offspring(token_id: str, made: dict[str, str]) -> list[str]:
    """The token and all that descend from it. `made` maps each to its parent."""
    family = [token_id]
    for one in family:
        family += [child for child, parent in made.items() if parent == one]
    return family
