"""Who may do what: Haven's letters, per kind of object and role, in one table, denied by default.

The letters: C create, R read, U update, D delete, E execute (start, stop, restart, sync), A alter inside (what the
object holds: a cluster's applications, a user's own tokens).
A subject is `kind:name`, as `application:default.shop`, `node:n1`, `source:config`, `user:bob`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from appserver.errors import Forbidden

Role = Literal["admin", "operator", "viewer"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
"""Weakest first."""

_ALL = "CRUDEA"
_VERBS = {"C": "create", "R": "read", "U": "update", "D": "delete", "E": "execute", "A": "change what is inside"}
RIGHTS: Mapping[str, Mapping[Role, str]] = {
    "application": {"admin": _ALL, "operator": _ALL, "viewer": "R"},
    "placement": {"admin": _ALL, "operator": _ALL, "viewer": "R"},
    "cluster": {"admin": _ALL, "operator": "RA", "viewer": "R"},
    "node": {"admin": _ALL, "operator": "RA", "viewer": "R"},
    "bootserver": {"admin": _ALL, "operator": "RE", "viewer": "R"},
    "source": {"admin": _ALL, "operator": "RUE", "viewer": "R"},
    "site": {"admin": _ALL, "operator": "R", "viewer": "R"},
    "play": {"admin": _ALL, "operator": "R"},
    "update": {"admin": _ALL, "operator": "RE", "viewer": "R"},
    "event": {"admin": "R", "operator": "R", "viewer": "R"},
    "user": {"admin": _ALL},
    "audit": {"admin": "R"},
}
OWN: Mapping[str, str] = {"user": "RA"}
"""What everybody may do to the subject that bears their own name."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody known. `role` is already cut down to the scope of the token they came with.

    `via` is `session`, `token`, `password` or `system`; `token` the id of the token, where there was one.
    """

    name: str
    role: Role
    address: str = ""
    via: str = ""
    token: str = ""

    def may(self, letter: str, subject: str) -> bool:
        """Whether this caller has the right `letter` on `kind:name`."""
        kind, _, name = subject.partition(":")
        held = RIGHTS.get(kind, {}).get(self.role, "")
        if name == self.name:
            held += OWN.get(kind, "")
        return letter in held


@dataclass(frozen=True, slots=True)
class User:
    """`users/<name>`. `id` differs when a name is given again, so that old sessions and tokens stay dead.

    `hash` is argon2's; empty: no password opens this account. `system`: made by a machine for itself.
    `epoch` rises when every session is to end.
    """

    id: str
    name: str
    role: Role
    hash: str
    created_at: datetime
    disabled: bool = False
    system: bool = False
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """`tokens/<id>`: what is presented is `mrg_<id>_<secret>`; `digest` is sha256 of the secret part.

    `scope` caps the role of the user. `parent` is the token it was made with: revoking that one revokes this one.
    """

    id: str
    user: str
    user_id: str
    scope: Role
    digest: str
    title: str
    created_at: datetime
    expires_at: datetime | None = None
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """`sessions/<sha256 of the cookie's secret>`."""

    user: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    epoch: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Invite:
    """`invites/<sha256 of the link's secret>`: good for one use.

    `name` is empty for the first administrator, who chooses it. `user_id` is set when it renews the password of a
    user who exists.
    """

    name: str
    role: Role
    expires_at: datetime
    by: str
    user_id: str = ""


def require(caller: Caller, letter: str, subject: str) -> None:
    """
    Raises:
        Forbidden: the caller lacks the right; what the subject holds is not told.
    """
    if not caller.may(letter, subject):
        raise Forbidden(f"{caller.name} ({caller.role}) may not {_VERBS[letter]} {subject.rstrip(':')}")


def weaker(one: Role, other: Role) -> Role:
    return min(one, other, key=ROLES.index)


def reason_against(password: str, name: str) -> str:
    """Why this may not be the password of `name`; empty when it may. Length counts, not kinds of characters."""
    if len(password) < SHORTEST:
        return f"a password has at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    if len(set(password)) < 5 or (name.lower() in password.lower() and len(password) < len(name) + SHORTEST // 2):
        return "this one is too easy to guess"
    return ""


SHORTEST, LONGEST = 10, 512
