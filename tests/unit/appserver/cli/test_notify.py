"""A daemon tells its service manager when it runs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from appserver.cli import notify


def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one asked for it, one datagram says so."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify.ready()
        assert manager.recv(64) == b"READY=1"


def test_nobody_has_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another supervisor, or by hand, a daemon starts all the same."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.ready()
