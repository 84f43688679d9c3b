"""Connections to where people's words lead: looked up once, every address checked, made to one that was checked."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable

from appserver.core.addresses import Outgoing, check_addresses, check_host

Resolve = Callable[[str, int], Iterable[str]]
CONNECT_S = 5.0
"""For all addresses of a host together."""


def resolved(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def connect(host: str, port: int, where: str, rule: Outgoing, resolve: Resolve = resolved) -> socket.socket:
    """To the first of its addresses that answers. What it is then read and written with may take as long each.

    Args:
        where: what a refusal calls the URL.
    Raises:
        Invalid: an address of it may not be reached.
        OSError: it is not known, or does not answer.
    """
    bare = check_host(host.strip("[]"), where)
    checked = check_addresses(bare, resolve(bare, port), where, rule)
    ends = time.monotonic() + CONNECT_S
    for number, address in enumerate(checked):
        left = max((ends - time.monotonic()) / (len(checked) - number), 0.5)
        try:
            made = socket.create_connection((address, port), left)
        except OSError:
            if number + 1 == len(checked):
                raise
        else:
            made.settimeout(CONNECT_S)
            return made
    raise OSError(f"{bare} has no address")
