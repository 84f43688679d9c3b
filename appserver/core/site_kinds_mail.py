"""Kinds of values of the site's configuration that are about mail. As in `site_kinds`, no reason repeats a value."""

from __future__ import annotations

import re
from urllib.parse import unquote

from appserver.core.addresses import check_host, split_url
from appserver.core.site_kinds import Kind, shown_url
from appserver.errors import Invalid

SMTP_SCHEMES = ("smtp", "smtps", "starttls")
MOST_MAILBOXES = 50
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def _mailbox(text: str) -> str:
    local, at, host = text.strip().rpartition("@")
    if not at or len(text) > 254 or len(local) > 64 or not _LOCAL.fullmatch(local):
        raise Invalid("", "is no address for mail, such as ops@example.com")
    check_host(host, "")
    return f"{local}@{host}"


def _mailboxes(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if not 1 <= len(lines) <= MOST_MAILBOXES:
        raise Invalid("", f"is 1 to {MOST_MAILBOXES} addresses for mail, each on its line")
    found = [_mailbox(line) for line in lines]
    return "\n".join(dict.fromkeys(found))


def _smtp(text: str) -> str:
    parts = split_url(text, "", SMTP_SCHEMES)
    check_host(parts.hostname or "", "")
    if parts.port == 0 or parts.fragment or parts.query or parts.path.strip("/"):
        raise Invalid("", "the URL of a mail server has user, password, host and port alone")
    if bool(parts.username) != bool(parts.password):
        raise Invalid("", "a user comes with a password, and a password with a user")
    for secret in (parts.username or "", parts.password or ""):
        if not unquote(secret, errors="replace").isprintable():
            raise Invalid("", "user and password are printable")
    return text


MAILBOX = Kind("address for mail", "moorage@example.com", _mailbox, _mailbox, str, lambda _: False)
MAILBOXES = Kind("addresses for mail", "ops@example.com", _mailboxes, _mailboxes, str, lambda _: False, lines=True)
SMTP = Kind(
    "mail server",
    "starttls://user:password@mail.example.com:587",
    _smtp,
    _smtp,
    shown_url,
    lambda text: shown_url(text) != text,
)
