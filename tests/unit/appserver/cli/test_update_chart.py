"""An update as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appserver.cli.update_chart import WIDTH, chart, mark

BEGAN = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
STEPS = [{"step": 1, "name": "images"}, {"step": 2, "name": "etcd"}]


def run(ended_s: float | None = 60.0) -> dict[str, Any]:
    return {"began_at": BEGAN.isoformat(), "ended_at": at(ended_s) if ended_s is not None else None, "steps": STEPS}


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


def tried(step: int, began_s: float, ended_s: float | None, phase: str = "done") -> Mapping[str, Any]:
    ended = at(ended_s) if ended_s is not None else None
    return {"step": step, "began_at": at(began_s), "ended_at": ended, "phase": phase}


def lines(
    *servers: tuple[int, list[Mapping[str, Any]]], ended_s: float | None = 60.0, now_s: float = 60.0
) -> list[str]:
    shown = [{"lrn": lrn, "tries": tries} for lrn, tries in servers]
    return list(chart(run(ended_s), shown, BEGAN + timedelta(seconds=now_s)))


def test_the_first_line_says_what_the_marks_mean() -> None:
    """Steps by number and name, and how long a character is."""
    assert lines()[0] == "steps: 1 images, 2 etcd; . waits, x failed; 1.0 s a character"


def test_a_server_is_a_line_of_what_it_did_when() -> None:
    """Dots while it waited for the others; numbers of servers stand below each other."""
    told = lines((2, [tried(1, 0, 19.9), tried(2, 30, 59)]), (10, [tried(1, 0, 29.9)]))
    assert told[1] == " 2 " + "1" * 20 + "." * 10 + "2" * 30
    assert told[2] == "10 " + "1" * 30 + "." * 30


def test_a_try_that_failed_ends_with_its_mark() -> None:
    """And the next one is told from it."""
    assert (
        lines((0, [tried(1, 0, 9, "failed"), tried(1, 20, 29)]))[1]
        == "0 " + "1" * 9 + "x" + "." * 10 + "1" * 10 + "." * 30
    )


def test_what_runs_reaches_to_now() -> None:
    """The line is as long as the update has taken by then."""
    told = lines((0, [tried(1, 0, None, "running")]), ended_s=None, now_s=120)
    assert told[1] == "0 " + "1" * WIDTH
    assert told[0].endswith("2.0 s a character")


@pytest.mark.parametrize("times", [(-50.0, -40.0), (500.0, 600.0), (10.0, 5.0), (0.0, 0.0)])
def test_clocks_that_differ_break_no_line(times: tuple[float, float]) -> None:
    """What was before the beginning or after the end stands at that edge: a server's clock may be an hour off."""
    told = lines((0, [tried(1, *times)]))[1]
    assert len(told) == len("0 ") + WIDTH
    assert "1" in told


def test_an_update_that_was_over_at_once_has_a_chart() -> None:
    """Nothing is divided by nothing."""
    assert len(lines((0, [tried(1, 0, 0)]), ended_s=0.0)) == 2


def test_steps_beyond_the_letters_begin_again() -> None:
    """There are as many marks as digits and letters."""
    assert [mark(number) for number in (1, 9, 10, 35, 36, 61, 62)] == ["1", "9", "a", "z", "A", "Z", "1"]
