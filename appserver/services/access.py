"""Who is calling, by password, token or session; and whether they may.

Every way in ends in a `Caller`; every service asks `require` before it does anything for one.
"""

from __future__ import annotations

from appserver.core import access as core
from appserver.core.access import Caller, User
from appserver.errors import Unauthenticated
from appserver.ports import KV, Passwords
from appserver.services.audit import Audit
from appserver.services.sessions import Sessions
from appserver.services.throttle import Throttle
from appserver.services.tokens import Tokens
from appserver.services.users import Users
from appserver.store.names import NAME
from appserver.store.records import read

_WRONG = "name or password is wrong"
"""The same for a name nobody has, a wrong password and a closed account: names cannot be found out by trying."""


class Access:
    """`users`, `tokens` and `sessions` are the records; this class is the doors to them."""

    def __init__(
        self,
        *,
        kv: KV,
        passwords: Passwords,
        users: Users,
        tokens: Tokens,
        sessions: Sessions,
        audit: Audit,
        throttle: Throttle,
    ) -> None:
        self._kv = kv
        self._passwords = passwords
        self.users = users
        self.tokens = tokens
        self.sessions = sessions
        self._audit = audit
        self._throttle = throttle

    def require(self, caller: Caller, letter: str, subject: str) -> None:
        """
        Raises:
            Forbidden: `caller` lacks the right `letter` on `subject` (`application:default.shop`).
        """
        core.require(caller, letter, subject)

    def by_password(self, name: str, password: str, address: str = "") -> User:
        """
        Raises:
            Unauthenticated: wrong, whatever was wrong about it.
            TooMany: this name or this address guessed wrong too often.
        """
        self._throttle.enter(name, address)
        known = bool(NAME.fullmatch(name))
        held = read(self._kv, f"users/{name}", User) if known else None
        user = held.record if held else None
        usable = user is not None and not user.disabled
        right = self._passwords.verify(user.hash if user and usable else "", password[: core.LONGEST + 1])
        if user is None or not right:
            who = Caller(name if known else "nobody", "viewer", address, "password")
            self._audit.record(who, "log in", f"user:{who.name}", "refused")
            raise Unauthenticated(_WRONG)
        self._throttle.passed(name, address)
        return user

    def log_in(self, name: str, password: str, address: str = "") -> str:
        """A new session's secret, for the cookie of a browser."""
        user = self.by_password(name, password, address)
        self._audit.record(Caller(user.name, user.role, address, "password"), "log in", f"user:{user.name}", "ok")
        return self.sessions.open(user, address)

    def log_out(self, caller: Caller, secret: str) -> None:
        with self._audit.of(caller, "log out", f"user:{caller.name}"):
            self.sessions.close(secret)

    def basic(self, name: str, password: str, address: str = "") -> Caller:
        """A name with its password or one of its tokens, as git sends them. The name may be left out with a token.

        Raises:
            Unauthenticated, TooMany
        """
        if password.startswith("mrg_"):
            return self.by_token(password, address, name)
        user = self.by_password(name, password, address)
        return Caller(user.name, user.role, address, "password")

    def by_token(self, text: str, address: str = "", name: str = "") -> Caller:
        """
        Raises:
            Unauthenticated: not a token that is good here and now, or not one of `name`'s.
        """
        caller = self.tokens.caller(text, address)
        if caller is None or name not in ("", caller.name):
            raise Unauthenticated("this token is not good: it may have expired or been revoked")
        return caller

    def by_session(self, secret: str, address: str = "") -> Caller | None:
        """None when there is no such session any more: the browser is to log in again."""
        return self.sessions.caller(secret, address)
