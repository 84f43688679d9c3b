"""What an operation's states become, line by line."""

from __future__ import annotations

import pytest

from appserver.cli import follow


def state(name: str, step: str, *services: tuple[str, str, str]) -> follow.Operation:
    told = [{"name": n, "state": s, "health": h, "action": "none", "cause": ""} for n, s, h in services]
    return {"id": "default.shop.2.9", "application": "default.shop", "revision": 2, "state": name, "step": step,
            "services": told, "causes": []}  # fmt: skip


def test_only_what_changed_is_a_line() -> None:
    """A service that stays as it was is not told again."""
    first = state("running", "creating web", ("db", "running", "healthy"), ("web", "created", "none"))
    second = state("running", "creating web", ("db", "running", "healthy"), ("web", "running", "starting"))
    assert list(follow.changes(None, first)) == ["db: running, healthy", "web: created", "creating web"]
    assert list(follow.changes(first, second)) == ["web: running, starting"]
    assert list(follow.changes(second, second)) == []


def test_while_nobody_has_begun_the_past_is_not_told() -> None:
    """Services are those of the time before; the last state is told by the report."""
    pending = state("pending", "waiting for the agent", ("web", "running", "none"))
    assert list(follow.changes(None, pending)) == ["waiting for the agent"]
    assert list(follow.changes(pending, pending)) == []
    over = state("done", "all is up", ("web", "running", "none"))
    assert list(follow.changes(pending, over)) == ["web: running"]


def test_a_failure_is_told_with_all_there_was_to_see(capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence, the exit code, the last probe and the last lines of the log; on stderr."""
    cause = {
        "service": "web",
        "why": "is unhealthy",
        "exit_code": 3,
        "last_probe": "refused\n",
        "logs": ["a", "\x1b[2Jb"],
    }
    follow.report({**state("failed", ""), "causes": [cause]}, "")
    assert capsys.readouterr().err.splitlines() == [
        "failed: revision 2 of default.shop was given up",
        "web: is unhealthy (exit code 3)",
        "  last probe: refused",
        "  | a",
        "  | \\x1b[2Jb",
    ]


def test_what_was_overtaken_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """A newer change took over: said so."""
    follow.report(state("superseded", ""), "it runs")
    assert "superseded" in capsys.readouterr().err
