"""The condition `certificates` of a node, from real files of its host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appserver.adapters.clock import SystemClock
from appserver.adapters.memory import MemoryKV
from appserver.agent.certificates import look
from appserver.agent.inventory import Identity, Inventory
from appserver.core.containers import EngineInfo
from appserver.core.fleet import Node
from appserver.errors import EngineError
from appserver.store import keys
from appserver.store.records import read
from tests.lab.certs import Authority


class Away:
    """An engine that does not answer."""

    def info(self) -> EngineInfo:
        raise EngineError("away")


def test_the_node_tells_which_of_its_certificates_end_soon(tmp_path: Path) -> None:
    """On record, with the file and the days; and no more once it is renewed."""
    authority, kv = Authority(tmp_path), MemoryKV()
    agent, etcd = authority.issue("agent", days=300)[0], authority.issue("etcd", days=12.5)[0]
    files = (agent, etcd, tmp_path / "serve.crt")
    inventory = Inventory(kv, Away(), SystemClock(), Identity("n1", "h:1", "default"), certificates=files)
    inventory.record()
    assert told(kv) == (False, f"{etcd} ends in 12 days")
    end = recorded(kv).certificates_end
    assert end
    assert timedelta(days=12) < end - datetime.now(UTC) < timedelta(days=13)
    authority.issue("etcd", days=300)
    inventory.record()
    assert told(kv) == (True, "none ends within 30 days")


def test_what_is_no_certificate_is_told(tmp_path: Path) -> None:
    """One that should be read and cannot is no reason to be silent."""
    path = tmp_path / "etcd.crt"
    path.write_text("x")
    finding, end = look((path,), datetime.now(UTC))
    assert finding == (False, f"{path} has no certificate that can be read")
    assert end is None


def test_what_is_not_there_or_not_for_us_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an app server that runs elsewhere, and of a folder that is another's; without any nothing is said."""
    monkeypatch.setattr(Path, "read_text", forbidden)
    assert look((tmp_path / "serve.crt",), datetime.now(UTC)) == (None, None)
    monkeypatch.undo()
    assert look((tmp_path / "serve.crt", tmp_path / "etcd.crt"), datetime.now(UTC)) == (None, None)
    assert look((), datetime.now(UTC)) == (None, None)


def forbidden(*_: object, **__: object) -> str:
    raise PermissionError(13, "Permission denied")


def recorded(kv: MemoryKV) -> Node:
    stored = read(kv, keys.node("n1"), Node)
    assert stored
    return stored.record


def told(kv: MemoryKV) -> tuple[bool, str]:
    return next((one.ok, one.reason) for one in recorded(kv).conditions if one.name == "certificates")
