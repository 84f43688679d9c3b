"""An operation's state is derived, so nothing can be lost with the process that began it."""

from datetime import UTC, datetime

import pytest

from appserver.core.entities import AppKey, Cause, Desired, Observed, Outcome
from appserver.core.operations import OperationKey, derive, parse
from appserver.errors import Invalid

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ASKED = OperationKey(AppKey("default", "shop"), 2, 70)


def seen(phase: str, acted_on: int = 70) -> dict[str, tuple[Observed, int]]:
    return {"n1": (Observed(acted_on, 2, phase, NOW, causes=(Cause("web", "exited"),)), 71)}  # type: ignore[arg-type]


def wanted(commit: int = 70, run: str = "running") -> dict[str, tuple[Desired, int]]:
    return {"n1": (Desired(2, 1, run=run), commit)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("desired", "observed", "outcome", "state"),
    [
        (wanted(), {}, None, "pending"),
        (wanted(), seen("done", 60), None, "pending"),
        (wanted(), seen("acting"), None, "running"),
        (wanted(), seen("settling"), None, "running"),
        (wanted(), seen("done"), None, "running"),
        (wanted(), seen("done"), "deployed", "done"),
        (wanted(), seen("failed"), None, "running"),
        (wanted(), seen("failed"), "failed", "failed"),
        (wanted(90), seen("done", 90), "failed", "failed"),
        (wanted(90), seen("acting", 90), None, "superseded"),
        (wanted(90), seen("acting", 90), "superseded", "superseded"),
        (wanted(90), seen("done", 90), "deployed", "done"),
        (wanted(run="stopped"), seen("stopped"), "deployed", "done"),
        (wanted(run="stopped"), seen("stopped"), None, "done"),
        (wanted(run="stopped"), seen("stopped"), "failed", "done"),
        (wanted(run="stopped"), seen("acting"), None, "running"),
        (wanted(run="stopped"), seen("failed"), None, "running"),
        (wanted(90, run="stopped"), seen("stopped", 90), None, "superseded"),
        (wanted(run="removed"), seen("removed"), "deployed", "running"),
        ({}, {}, None, "done"),
    ],
)
def test_the_state_follows_from_the_record(desired, observed, outcome, state) -> None:  # type: ignore[no-untyped-def]
    """Every combination that a reader can meet has one answer."""
    ended = Outcome(outcome, NOW, (Cause("web", "exited"),)) if outcome else None
    assert derive(ASKED, desired, observed, ended, 71).state == state


@pytest.mark.parametrize(("run", "phase"), [("running", "done"), ("stopped", "stopped")])
def test_a_node_that_was_left_holds_no_operation_up(run: str, phase: str) -> None:
    """The application is where it was asked to be; the node before may never come back."""
    desired = {**wanted(run=run), "n0": (Desired(2, 1, run="removed"), 70)}
    assert derive(ASKED, desired, seen(phase), Outcome("deployed", NOW), 71).state == "done"


def test_a_restart_that_failed_tells_its_own_causes() -> None:
    """The revision's outcome is from when it was deployed, well."""
    told = derive(ASKED, wanted(), seen("failed"), Outcome("deployed", NOW), 71)
    assert (told.state, told.causes, told.step) == ("failed", (Cause("web", "exited"),), "web: exited")


def test_an_id_reads_back() -> None:
    """What the API hands out is what it takes."""
    assert parse(str(ASKED)) == ASKED


@pytest.mark.parametrize("text", ["", "a.b.c.d", "default.shop.1", "../x.y.1.2", "a.b.1.2\n", "A.b.1.2"])
def test_other_ids_are_refused(text: str) -> None:
    """No name that could become a key reaches the store."""
    with pytest.raises(Invalid):
        parse(text)
