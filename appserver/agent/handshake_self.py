"""Who this agent is, as others may tell it from one that claims the same name; and whether such a one has ended."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from os import getpid
from pathlib import Path

from appserver.agent.handshake_claim import Self
from appserver.core.claims import Holder

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SPACE = Path("/proc/self/ns/pid")
_ELSEWHERE = ("192.0.2.1", 9)
"""An address of nobody's (RFC 5737): a datagram socket that is meant for it tells the way out, and sends nothing."""


def this_run(node: str, address: str, ip: str, now: Callable[[], datetime]) -> Self:
    """One start of an agent in this process: whatever it claims, and however often, it is the same run."""
    run = secrets.token_hex(8)
    return Self(lambda: holder(node, address, ip, run, now()), is_dead)


def holder(node: str, address: str, ip: str, run: str, now: datetime) -> Holder:
    """This process. `ip` empty: found out from `address`; "" stays where there is none."""
    boot, space = _kernel()
    return Holder(
        node,
        ip or ip_of(address),
        address,
        socket.gethostname(),
        boot,
        space,
        getpid(),
        ticks(getpid()),
        run,
        now,
    )


def ip_of(address: str) -> str:
    """The IP address of `host:port`: as it stands, else as others see the host, else that of the way out.

    A name that only means this machine to itself (127.0.1.1) says nothing: two hosts would be one.
    """
    host = address.rpartition(":")[0].strip("[]")
    with suppress(ValueError):
        return str(ip_address(host))
    found: list[str] = []
    with suppress(OSError):
        found = [str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)]
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(_ELSEWHERE)
        found.append(way.getsockname()[0])
    return next((one for one in found if not ip_address(one).is_loopback), "")


def is_dead(one: Holder) -> bool:
    """Whether its process is known to have ended: known of this kernel, and this space of process ids, alone."""
    return (one.boot, one.space) == _kernel() and ticks(one.pid) != one.ticks


def ticks(pid: int) -> int:
    """When the process began, in the kernel's ticks since the boot; -1 where there is none, or it has ended."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return -1
    state, *rest = told.rpartition(")")[2].split()
    return -1 if state in "ZX" else int(rest[18])


def _kernel() -> tuple[str, int]:
    return _BOOT.read_text(encoding="ascii").strip(), _SPACE.stat().st_ino
