"""An update as a page draws it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.release import ReleaseStep
from appserver.core.rollout_record import Phase, Progress, Run, StepTime
from appserver.web.update_chart import ROW, step_chart, tone, took

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
END = NOW + timedelta(seconds=100)
STEPS = (ReleaseStep("images", "i.yml"), ReleaseStep("etcd", "e.yml"), ReleaseStep("last", "l.yml"))
RUN = Run(3, "2026.11.01-1", (2, 10), "update", STEPS, 3600, NOW, ended_at=END)


def tried(step: int, began_s: float, ended_s: float | None, phase: Phase = "done", why: str = "") -> StepTime:
    ended = NOW + timedelta(seconds=ended_s) if ended_s is not None else None
    return StepTime(step, STEPS[step - 1].name, 1, NOW + timedelta(seconds=began_s), ended, phase, why=why)


def test_a_bar_is_where_and_as_long_as_its_try() -> None:
    """In percent of the whole; each server has a row, and each bar says in words what it is."""
    found = step_chart(RUN, {2: Progress(3, (tried(1, 0, 20),)), 10: Progress(3, (tried(1, 5, 45),))}, END)
    assert [(bar.x, bar.width, bar.middle, bar.y) for bar in found.bars] == [(0, 20, 10, 5), (5, 40, 25, ROW + 5)]
    assert found.bars[1].text == "Server 10, step 1, images, try 1: done, 40 s"
    assert found.height == 2 * ROW
    assert found.marks == ("0 s", "25 s", "50 s", "1 min 15 s", "1 min 40 s")


def test_a_barrier_is_where_the_last_was_through() -> None:
    """Of each step that was begun anywhere; a step that one server did for all counts as well."""
    did = {2: Progress(3, (tried(1, 0, 20), tried(2, 40, 60))), 10: Progress(3, (tried(1, 0, 40),))}
    assert [(one.x, one.text) for one in step_chart(RUN, did, END).barriers] == [
        (40, "Step 2, etcd, could begin on all")
    ]
    assert step_chart(RUN, {}, END).barriers == ()


def test_the_summary_says_it_all_in_a_sentence() -> None:
    """Also of who did nothing, and how often it failed."""
    did = {2: Progress(3, (tried(1, 0, 9, "failed", "it broke"), tried(1, 10, 20)))}
    found = step_chart(RUN, did, END)
    assert found.summary == (
        "Update 3, 1 min 40 s: server 2 at step 1 of 3, done, one failed try; server 10 at no step yet"
    )
    assert found.bars[0].text.endswith(": failed, 9.0 s: it broke")


def test_what_runs_reaches_to_now() -> None:
    """And what an agent left when it was gone, to the end of the update."""
    running = Run(3, RUN.version, (2,), "update", STEPS, 3600, NOW)
    did = {2: Progress(3, (tried(1, 50, None, "running"),))}
    assert [(bar.x, bar.width) for bar in step_chart(running, did, NOW + timedelta(seconds=200)).bars] == [(25, 75)]
    assert [(bar.x, bar.width) for bar in step_chart(RUN, did, NOW + timedelta(days=1)).bars] == [(50, 50)]
    assert took(did[2].steps[0], NOW + timedelta(seconds=52)) == "2.0 s"


def test_a_number_stands_where_there_is_room_for_it() -> None:
    """On a phone, too."""
    did = {2: Progress(3, (tried(1, 0, 3), tried(2, 40, 60)))}
    assert [bar.label for bar in step_chart(RUN, did, END).bars] == ["", "2"]


@pytest.mark.parametrize(("step", "colour"), [(1, 1), (6, 6), (7, 1), (18, 6)])
def test_colours_begin_again(step: int, colour: int) -> None:
    """Neighbours never have the same."""
    assert tone(step) == colour


@given(st.lists(st.tuples(st.integers(1, 3), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6) | st.none()), max_size=8))
def test_whatever_the_clocks_say_it_stays_within_the_plot(times: list[tuple[int, float, float | None]]) -> None:
    """A server's clock may be off by days."""
    found = step_chart(RUN, {2: Progress(3, tuple(tried(*one) for one in times))}, END)
    for bar in found.bars:
        assert 0 <= bar.x <= 100
        assert bar.width > 0
        assert bar.x + bar.width <= 100.01
    assert all(0 <= one.x <= 100 for one in found.barriers)
