"""What answers about sources, people, tokens and what happened look like."""

from __future__ import annotations

from typing import Any, Literal

from appserver.web.shapes import Shape


class GoodCommit(Shape):
    commit: str
    at: str | None


class SourceFault(Shape):
    message: str
    commit: str
    at: str | None


class Waiting(Shape):
    """An application that the commit in force is not rolled out to yet."""

    application: str
    why: str


class Source(Shape):
    """Where configuration comes from. `webhook_secret` is told once, by the call that made it."""

    name: str
    kind: Literal["hosted", "remote"]
    url: str
    branch: str
    interval_s: float
    username: str
    has_credential: bool
    known_hosts: str
    push_url: str
    webhook_url: str
    last_good: GoodCommit | None
    last_error: SourceFault | None
    checked_at: str | None
    pending: list[Waiting]
    created_at: str | None
    webhook_secret: str | None = None


class Setting(Shape):
    """A key of the site's configuration. `value` is what holds, with `***` for secrets; null where nothing does.

    `set_by` is null also where another program has set it.
    """

    key: str
    value: str | None
    origin: Literal["set", "default", "unset", "old key", "unreadable"]
    set_by: str | None
    set_at: str | None
    fault: str | None
    kind: str
    choices: list[str]
    default: str | None
    secret: bool
    about: str


class ChangedSetting(Setting):
    """As it is now. `changed` is false where it was so before: nothing was written."""

    changed: bool


class User(Shape):
    name: str
    role: str
    disabled: bool
    system: bool
    created_at: str


class Invitation(Shape):
    """The link works once, for a day."""

    name: str
    role: str
    url: str


class Token(Shape):
    id: str
    user: str
    scope: str
    title: str
    created_at: str
    expires_at: str | None


class NewToken(Token):
    """`token` is shown this once."""

    token: str


class Me(Shape):
    name: str
    role: str
    via: str


class AuditEntry(Shape):
    id: str
    at: str
    user: str
    action: str
    subject: str
    result: Literal["ok", "refused", "failed"]
    detail: str
    address: str


class Happening(Shape):
    id: str
    bus: str
    action: str
    severity: Literal["INFO", "WARNING", "ERROR"]
    subject: str
    message: str
    at: str
    user: str
    detail: dict[str, Any]
