"""What the API and the pages say of an update."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appserver.core.release import Probe, ReleaseStep
from appserver.core.rollout import Action
from appserver.core.rollout_record import ABORTED, Progress, Request, Run, Status, StepTime
from appserver.core.rollout_views import action_json, progress_json, run_json, server_json, spoken, step_json

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
STEP = ReleaseStep("etcd", "etcd.yml", "one", retries=1, health=(Probe("tcp", ("127.0.0.1:2379",)),))
RUN = Run(7, "2026.11.01-1", (0, 10), "update", (STEP,), 3600, NOW)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.0049, "0 s"),
        (0.017, "0.02 s"),
        (0.44, "0.4 s"),
        (9.96, "10.0 s"),
        (42.4, "42 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3599.9, "1 h"),
        (3900, "1 h 5 min"),
        (90_000, "25 h"),
    ],
)
def test_a_time_is_told_as_finely_as_it_matters(seconds: float, told: str) -> None:
    """Nothing that is none is said."""
    assert spoken(seconds) == told


def test_an_action_that_waits_asks_for_nothing() -> None:
    """The keys are there all the same."""
    assert action_json(Action("wait-for-info", "no release")) == {
        "action": "wait-for-info",
        "reason": "no release",
        "version": None,
        "servers": [],
    }
    asked = action_json(Action("request-update", "why", Request("2026.11.01-1", (0, 10), False, NOW)))
    assert (asked["version"], asked["servers"]) == ("2026.11.01-1", [0, 10])


def test_a_step_is_told_with_its_probes_in_words() -> None:
    """Numbered from 1; what it has not is null."""
    found = step_json(STEP, 1)
    assert (found["step"], found["scope"], found["health"], found["guard"]) == (1, "one", ["tcp 127.0.0.1:2379"], [])
    assert (found["target"], found["rollback"]) == (None, None)


def test_a_run_without_an_outcome_is_running() -> None:
    """And has no end."""
    found = run_json(RUN)
    assert (found["id"], found["outcome"], found["ended_at"], found["by"]) == (7, "running", None, None)
    assert found["began_at"] == "2026-11-22T01:02:03+00:00"


def test_a_server_has_neco_s_number_and_its_word() -> None:
    """A number that nobody knows is its own word; who has said nothing is not running."""
    told = server_json(10, "n10", Status("2026.11.01-1", 2, ABORTED, "broke"), None, False, True)
    assert (told["cond"], told["condition"], told["message"], told["tries"]) == (2, "aborted", "broke", [])
    assert server_json(0, "", Status("x", 1, 9), None, False, False)["condition"] == "9"
    silent = server_json(0, "", None, None, True, False)
    assert (silent["step"], silent["condition"], silent["node"], silent["gone"]) == (0, "not running", None, True)


def test_tries_are_told_for_every_server_of_the_run() -> None:
    """Also for one that did nothing."""
    one = StepTime(1, "etcd", 1, NOW, NOW + timedelta(seconds=3), "failed", tasks=2, why="it broke", output=("last",))
    found = progress_json(RUN, {0: Progress(7, (one,))})
    assert found[1] == {"lrn": 10, "tries": []}
    assert found[0]["tries"] == [
        {
            "step": 1,
            "name": "etcd",
            "attempt": 1,
            "began_at": "2026-11-22T01:02:03+00:00",
            "ended_at": "2026-11-22T01:02:06+00:00",
            "phase": "failed",
            "task": None,
            "tasks": 2,
            "changed": 0,
            "why": "it broke",
            "output": ["last"],
        }
    ]
