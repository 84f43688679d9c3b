"""Where the members of an etcd cluster are, and the files that prove who is who."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appserver.errors import Invalid

_ENDPOINT = re.compile(r"(?P<scheme>https?)://(?P<address>(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5})/?")


@dataclass(frozen=True, slots=True)
class TLS:
    """Paths of PEM files. `cert` and `key` are this client's own, for a cluster that asks for one."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None


@dataclass(slots=True)
class Member:
    """One member; its channel is made when it is first asked."""

    address: str
    secure: bool
    channel: Any = None


def member_of(endpoint: str, tls: TLS | None) -> Member:
    """The member at an endpoint, which is never repeated in an error where it may hold a password."""
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None:
        raise Invalid("endpoints", "an endpoint has the form https://HOST:PORT, or http://HOST:PORT")
    if tls is not None and found["scheme"] == "http":
        raise Invalid("endpoints", f"{endpoint} is not https, and certificates are set")
    return Member(found["address"], found["scheme"] == "https")
