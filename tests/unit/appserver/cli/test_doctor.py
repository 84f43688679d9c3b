"""What the doctor finds, from what it is shown."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appserver.cli import doctor

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
GOOD = {"name": "n1", "on": True, "conditions": [], "engine": {"version": "26.1.5", "compose_version": "2.26.1"}}


@pytest.mark.parametrize(
    ("date", "ok"),
    [
        ("Sat, 21 Nov 2026 07:00:03 GMT", True),
        ("Sat, 21 Nov 2026 07:01:00 GMT", False),
        ("Sat, 21 Nov 2026 06:59:00 GMT", False),
        ("", False),
        ("yesterday", False),
    ],
)
def test_clocks_are_compared(date: str, ok: bool) -> None:
    """Five seconds either way are let be."""
    assert doctor.clock(date, NOW).ok is ok


def test_a_sound_node_is_two_good_findings() -> None:
    """Its agent and its Compose."""
    assert [one.ok for one in doctor.node_findings(GOOD)] == [True, True]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"on": False}, "its agent is away"),
        ({"conditions": [{"name": "engine", "ok": False, "reason": "no answer"}]}, "engine: no answer"),
        (
            {"conditions": [{"name": "certificates", "ok": False, "reason": "agent.crt ends in 3 days"}]},
            "certificates: agent.crt ends in 3 days",
        ),
        ({"engine": {"version": "20.10", "compose_version": "1.29.2"}}, "1.29.2"),
        ({"engine": {"version": "20.10", "compose_version": ""}}, "not found"),
        ({"engine": None}, "not found"),
    ],
)
def test_a_fault_of_a_node_has_a_remedy(change: dict[str, object], said: str) -> None:
    """Every finding that is not good says how to mend it."""
    bad = [one for one in doctor.node_findings({**GOOD, **change}) if not one.ok]
    assert [one.detail for one in bad] == [said]
    assert all(one.hint for one in bad)


@pytest.mark.parametrize(
    ("content", "mode", "ok"),
    [(bytes(32), 0o600, True), (bytes(32), 0o640, True), (bytes(32), 0o644, False), (bytes(16), 0o600, False)],
)
def test_the_seal_key_is_whole_and_private(tmp_path: Path, content: bytes, mode: int, ok: bool) -> None:
    """On the app server's host, by its own settings."""
    key = tmp_path / "seal.key"
    key.write_text(base64.b64encode(content).decode())
    key.chmod(mode)
    config = tmp_path / "serve.toml"
    config.write_text(f'seal_key = "{key}"\n')
    assert [one.ok for one in doctor.seal_key(config, {})] == [ok]


def test_a_seal_key_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    """Without it no secret opens."""
    config = tmp_path / "serve.toml"
    config.write_text(f'seal_key = "{tmp_path / "none"}"\n')
    assert [one.ok for one in doctor.seal_key(config, {})] == [False]


def test_elsewhere_there_is_no_seal_key_to_look_at(tmp_path: Path) -> None:
    """A machine without an app server is not asked for one."""
    assert list(doctor.seal_key(tmp_path / "none.toml", {})) == []


def test_without_a_server_the_first_fault_is_told_alone(tmp_path: Path) -> None:
    """What stands on the missing thing is not looked at."""
    environ = {"MOORAGE_SERVER": "http://127.0.0.1:9", "MOORAGE_PROFILE": str(tmp_path / "none")}
    found = [(one.check, one.ok) for one in doctor.examine(environ, NOW) if one.check != "seal key"]
    assert found == [("profile", True), ("server", False)]
