"""Accounts: made by a one-time link, changed, closed. Nobody but the user ever knows the password."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from appserver.core.access import ROLES, Caller, Invite, Role, Token, User, reason_against, require
from appserver.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from appserver.ports import KV, Clock, Passwords, Snapshot
from appserver.services.audit import Audit
from appserver.services.journal import drop
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.names import NAME
from appserver.store.records import Stored, below, find, read

INVITE_TTL = timedelta(hours=24)
_GONE = "this link was used, or is older than a day: ask for a new one"
_MEANWHILE = "users changed meanwhile; look again"


class Users:
    def __init__(
        self,
        *,
        kv: KV,
        passwords: Passwords,
        audit: Audit,
        clock: Clock,
        fresh: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._kv = kv
        self._passwords = passwords
        self._audit = audit
        self._clock = clock
        self._fresh = fresh

    def list(self, caller: Caller) -> tuple[User, ...]:
        """All, or only the caller where more is not theirs to see."""
        found = tuple(stored.record for _, stored in below(self._kv.snapshot("users/"), "users/", User))
        return tuple(user for user in found if caller.may("R", f"user:{user.name}"))

    def show(self, caller: Caller, name: str) -> Stored[User]:
        require(caller, "R", f"user:{name}")
        return self._get(name)

    def invite(self, caller: Caller, name: str, role: Role) -> str:
        """A link's secret for somebody new, or for somebody who is to choose another password."""
        with self._audit.of(caller, "invite", f"user:{name}", role):
            key = keys.user(name)
            _check_role(role)
            present = read(self._kv, key, User)
            require(caller, "U" if present else "C", f"user:{name}")
            role, user_id = (present.record.role, present.record.id) if present else (role, "")
            return self._put_invite(Invite(name, role, self._clock.now() + INVITE_TTL, caller.name, user_id))

    def set_up_link(self, by: str) -> str:
        """A link's secret for the first administrator, in place of any made before; "" when there is one already."""
        seen = self._kv.snapshot("users/", "invites/")
        if _administrators(seen):
            return ""
        old = [f"invites/{key}" for key, held in below(seen, "invites/", Invite) if not held.record.name]
        return self._put_invite(Invite("", "admin", self._clock.now() + INVITE_TTL, by), old)

    def invited(self, secret: str) -> Invite:
        """What a link is for.

        Raises:
            NotFound: it was used, has expired, or never was.
        """
        held = read(self._kv, _invite_key(secret), Invite)
        if held is None or held.record.expires_at <= self._clock.now():
            raise NotFound(_GONE)
        return held.record

    def accept(self, secret: str, name: str, password: str, address: str = "") -> User:
        """Use a link: make the account, or give it the new password. Ends the sessions it had."""
        invite = self.invited(secret)
        name = invite.name or name
        guest = Caller(name if NAME.fullmatch(name) else "nobody", "viewer", address, "invite")
        with self._audit.of(guest, "accept invite", f"user:{guest.name}", invite.role):
            key, ticket = keys.user(name), _invite_key(secret)
            if why := reason_against(password, name):
                raise Invalid("password", why)
            seen = self._kv.snapshot(ticket, "users/")
            if not invite.name and _administrators(seen):
                raise NotFound(_GONE)
            present = find(seen, key, User)
            if (present.record.id if present else "") != invite.user_id:
                raise Invalid("name", f"{name} is taken") if not invite.name else NotFound(_GONE)
            hashed = self._passwords.hash(password)
            user = (
                replace(present.record, hash=hashed, epoch=present.record.epoch + 1)
                if present
                else User(self._fresh(8), name, invite.role, hashed, self._clock.now())
            )
            expect = {ticket: seen.revision_of(ticket), key: seen.revision_of(key)}
            if not expect[ticket] or not self._kv.commit(expect, {key: encode(user)}, [ticket]):
                raise NotFound(_GONE)
            return user

    def change(
        self, caller: Caller, name: str, role: Role | None = None, disabled: bool | None = None, expect: int = 0
    ) -> Stored[User]:
        """Another role, closed or opened again. The last administrator stays one.

        Args:
            expect: the revision the caller looked at; 0: any.
        """
        with self._audit.of(caller, "update", f"user:{name}", f"role={role} disabled={disabled}"):
            require(caller, "U", f"user:{name}")
            seen = self._kv.snapshot("users/")
            held = self._held(seen, name, expect)
            if role is not None:
                _check_role(role)
            closed = held.record.disabled if disabled is None else disabled
            user = replace(
                held.record,
                role=role or held.record.role,
                disabled=closed,
                epoch=held.record.epoch + closed,
            )
            guard = {keys.user(name): held.revision, **_still_ruled(seen, user)}
            revision = self._kv.commit(guard, {keys.user(name): encode(user)})
            if not revision:
                raise Conflict(_MEANWHILE)
            return Stored(user, revision)

    def delete(self, caller: Caller, name: str, expect: int = 0) -> None:
        """The account, and with it its sessions and tokens."""
        with self._audit.of(caller, "delete", f"user:{name}"):
            require(caller, "D", f"user:{name}")
            seen = self._kv.snapshot("users/", "tokens/")
            held = self._held(seen, name, expect)
            guard = {keys.user(name): held.revision, **_still_ruled(seen, replace(held.record, disabled=True))}
            if not self._kv.commit(guard, {}, [keys.user(name)]):
                raise Conflict(_MEANWHILE)
            tokens = below(seen, "tokens/", Token)  # dead with their user; dropped so that no list shows them
            drop(self._kv, [f"tokens/{key}" for key, token in tokens if token.record.user == name])

    def set_password(self, caller: Caller, current: str, password: str) -> None:
        """The caller's own. Ends all their sessions; tokens live on.

        Raises:
            Forbidden: `current` is not the present password.
        """
        with self._audit.of(caller, "set password", f"user:{caller.name}"):
            require(caller, "A", f"user:{caller.name}")
            held = self._get(caller.name)
            if not self._passwords.verify(held.record.hash, current):
                raise Forbidden("that is not your present password")
            if why := reason_against(password, caller.name):
                raise Invalid("password", why)
            user = replace(held.record, hash=self._passwords.hash(password), epoch=held.record.epoch + 1)
            if not self._kv.commit({keys.user(user.name): held.revision}, {keys.user(user.name): encode(user)}):
                raise Conflict(_MEANWHILE)

    def _get(self, name: str) -> Stored[User]:
        return self._held(self._kv.snapshot(keys.user(name)), name, 0)

    def _held(self, seen: Snapshot, name: str, expect: int) -> Stored[User]:
        held = find(seen, keys.user(name), User)
        if held is None:
            raise NotFound(f"there is no user {name}")
        if expect and held.revision != expect:
            raise PreconditionFailed(f"user {name} changed meanwhile")
        return held

    def _put_invite(self, invite: Invite, old: Sequence[str] = ()) -> str:
        secret = self._fresh(24)
        lease = self._kv.grant(INVITE_TTL.total_seconds())
        self._kv.commit({}, {_invite_key(secret): encode(invite)}, old, lease)
        return secret


def _invite_key(secret: str) -> str:
    return keys.invite(sha256(secret.encode()).hexdigest())


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise Invalid("role", f"is one of {', '.join(ROLES)}")


def _administrators(seen: Snapshot) -> dict[str, int]:
    """Keys of the accounts by which a person can administer, with their revisions."""
    return {
        keys.user(name): held.revision
        for name, held in below(seen, "users/", User)
        if held.record.role == "admin" and held.record.hash and not held.record.disabled
    }


def _still_ruled(seen: Snapshot, changed: User) -> dict[str, int]:
    """A guard that some administrator besides `changed` is one yet, where `changed` will be none.

    Raises:
        Conflict: there would be none.
    """
    key = keys.user(changed.name)
    present = _administrators(seen)
    others = {name: revision for name, revision in present.items() if name != key}
    if key not in present or (changed.role == "admin" and not changed.disabled):
        return {}
    if not others:
        raise Conflict(f"{changed.name} is the last administrator")
    return dict([next(iter(others.items()))])
