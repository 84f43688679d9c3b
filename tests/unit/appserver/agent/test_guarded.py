"""No part of the agent ends for good by a fault of ours."""

from __future__ import annotations

import logging
from threading import Event

import pytest

from appserver.agent.guarded import guarded


def test_a_part_that_breaks_is_logged_and_runs_again_until_told_to_stop(caplog: pytest.LogCaptureFixture):
    stop, runs = Event(), list[int]()

    def part() -> None:
        runs.append(1)
        if len(runs) == 3:
            stop.set()
        raise KeyError("a fault of ours")

    with caplog.at_level(logging.ERROR):
        guarded("engine", part, stop, pause_s=0.0)()
    assert len(runs) == 3
    assert [r.getMessage() for r in caplog.records] == ["event=part_broke part=engine"] * 3


def test_a_part_that_is_done_is_left_alone():
    """A host that is no boot server keeps no record of itself."""
    runs = list[int]()
    guarded("record", lambda: runs.append(1), Event())()
    assert runs == [1]
