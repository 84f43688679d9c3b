"""Telling the service manager that a daemon has started: systemd's readiness protocol, one datagram."""

from __future__ import annotations

import os
import socket


def ready() -> None:
    """Say that the daemon runs. Nothing happens where no service manager asked to be told."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
        door.connect(f"\0{where[1:]}" if where.startswith("@") else where)
        door.sendall(b"READY=1")
