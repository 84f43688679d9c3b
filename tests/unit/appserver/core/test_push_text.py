"""What the pusher's terminal shows, line by line."""

from __future__ import annotations

import pytest

from appserver.core import push_text
from appserver.core.entities import AppKey, Cause
from appserver.core.operations import Operation, OperationState
from appserver.core.plan import Step
from appserver.core.push import Checked
from tests.unit.appserver.core.plans import planned

SHOP, BANK = AppKey("default", "shop"), AppKey("default", "bank")
COMMIT = "3f2c1a" + "0" * 34


def operation(state: OperationState, step: str = "", causes: tuple[Cause, ...] = ()) -> Operation:
    return Operation("default.shop.3.70", SHOP, 3, state, "acting", step, (), causes, 71)


def test_a_plan_is_shown_with_its_causes() -> None:
    """What was looked at, then each application: its revision, its node, a line for each step, what to know."""
    step = Step("recreate", "web", "mem_limit 256M → 512M, from 3f2c1a:dev/web.yml:4")
    checks = (
        Checked(SHOP, planned(SHOP, recorded=True, steps=(step,), warnings=("an override hides it",), superseded=2)),
        Checked(BANK, waits="it is stopped"),
    )
    assert list(push_text.checked("config", "main", COMMIT, checks, ("a/b/c/d/e.yml",))) == [
        "config: main at 3f2c1a checked, 2 applications configured from it",
        "warning: a/b/c/d/e.yml is too deep for any look-up, and nothing includes it",
        "default.shop: revision 3 on n1",
        "  web: recreate — mem_limit 256M → 512M, from 3f2c1a:dev/web.yml:4",
        "  supersedes revision 2, which is still being rolled out",
        "  warning: an override hides it",
        "default.bank follows later: it is stopped",
    ]


def test_a_push_that_changes_nothing_says_so() -> None:
    """Silence would leave the pusher guessing."""
    assert list(push_text.checked("config", "main", COMMIT, (), ()))[-1] == "no container changes"


def test_faults_are_a_line_each_and_many_are_counted() -> None:
    """The first fifty, how many more, and that nothing was changed."""
    lines = list(push_text.refused([(f"web{n}.yml:4", "mem_limt: unknown") for n in range(60)]))
    assert lines[0] == "web0.yml:4: mem_limt: unknown"
    assert lines[-2:] == ["and 10 more", "refused: 60 faults, nothing was changed"]
    assert list(push_text.refused([("", "too large")])) == ["too large", "refused: 1 fault, nothing was changed"]


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "a\rb", "a\nb", "\x9b31m", "a\u202eb", "\udcff", "x" * 5000])
def test_no_text_of_a_stranger_steers_the_terminal(text: str) -> None:
    """Commit messages, file names and log lines are shown, and are one line each."""
    shown = push_text.plain(text)
    assert shown.isprintable()
    assert len(shown) <= push_text.MAX_LINE


def test_a_failure_is_told_with_exit_code_probe_and_last_lines() -> None:
    """What one would look up first is there already."""
    cause = Cause("web", "exited", 3, "probe said no", ("starting", "no such \x1b[31mtable"))
    assert list(push_text.ended(operation("failed", causes=(cause,)), 4.2)) == [
        "default.shop: revision 3 FAILED; what ran before is put back",
        "  web: exited",
        "    exit code 3",
        "    last probe: probe said no",
        "    | starting",
        "    | no such ?[31mtable",
    ]


def test_how_it_went_is_one_line() -> None:
    """Everything that was begun is in the sum."""
    assert push_text.summary(["done", "done"]) == "rolled out: 2 of 2"
    told = push_text.summary(["done", "failed", "superseded", ""])
    assert told == "rolled out: 1 of 4, 1 failed, 1 superseded, 1 not finished"


def test_progress_without_a_step_is_no_line() -> None:
    """Nothing to tell is not told."""
    assert push_text.progress(operation("running")) == ""
    assert (
        push_text.progress(operation("running", "web: health is starting")) == "default.shop: web: health is starting"
    )
