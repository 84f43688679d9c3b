"""How the keys of plays are made: what each is, who waits, who has a host, and what it said."""

from __future__ import annotations

import re

from appserver.core.playbooks import HOST
from appserver.errors import Invalid


def play(number: int) -> str:
    return f"plays/{int(number):08d}"


def queue(number: int) -> str:
    return f"playqueue/{int(number):08d}"


def lock(host: str) -> str:
    if not re.fullmatch(HOST, host):
        raise Invalid("host", f"{host[:80]!r} is no name of a host")
    return f"playlocks/{host}"


def output(number: int) -> str:
    return f"playoutput/{int(number):08d}/"


def lines(number: int, first: int) -> str:
    return f"{output(number)}{int(first):08d}"


def end(number: int) -> str:
    """Sorts behind every line."""
    return f"{output(number)}end"
