"""How a roll-out is recorded, from what agents observed."""

from datetime import UTC, datetime

import pytest

from appserver.core.entities import Application, Cause, Desired, Observed, Outcome, ServiceObserved
from appserver.core.finish import Finish, decide

NOW = datetime(2026, 11, 21, tzinfo=UTC)
APP = Application("shop", "default", "compose.yaml", NOW, revision=1, latest=2, nodes=("n1",))
WANTED = {"n1": (Desired(2, 1, by="ann"), 70)}


def observed(phase: str, acted_on: int = 70, **rest: object) -> dict[str, Observed]:
    return {"n1": Observed(acted_on, 2, phase, NOW, **rest)}  # type: ignore[arg-type]


def test_a_healthy_revision_comes_into_force() -> None:
    """Done means: the outcome, the revision and its containers are on record."""
    seen = observed("done", services=(ServiceObserved("web", "running", containers=("shop-web-1",)),))
    found = decide(APP, WANTED, seen, None, NOW)
    assert found.outcome == Outcome("deployed", NOW)
    assert (found.application.revision, found.application.containers) == (2, ("shop-web-1",))  # type: ignore[union-attr]
    assert found.desired == {}


def test_a_failed_revision_is_put_back_with_its_causes() -> None:
    """The previous revision is wanted again, and the outcome keeps why."""
    cause = Cause("web", "exited", 3)
    found = decide(APP, WANTED, observed("failed", failed=2, causes=(cause,)), None, NOW)
    assert found.outcome == Outcome("failed", NOW, (cause,))
    assert found.desired["n1"].revision == 1
    assert found.application.revision == 1  # type: ignore[union-attr]


def test_a_first_revision_that_fails_has_nothing_to_put_back() -> None:
    """Nothing else is wanted then; the failure stays visible."""
    found = decide(APP, {"n1": (Desired(1, 0), 70)}, observed("failed"), None, NOW)
    assert found.outcome is not None and found.desired == {}


def test_nothing_is_recorded_before_the_agent_is_through() -> None:
    """An older report, or one of work in progress, ends nothing."""
    for seen in (observed("acting"), observed("settling"), observed("done", acted_on=69), {}):
        assert decide(APP, WANTED, seen, None, NOW).is_empty


def test_what_is_settled_stays_settled() -> None:
    """An outcome is written once."""
    assert decide(APP, WANTED, observed("done"), Outcome("deployed", NOW), NOW).is_empty


def test_a_revision_that_failed_and_was_started_after_all_is_in_force() -> None:
    """Somebody mended what it stood on, and started it: the record says what runs."""
    started = {"n1": (Desired(2, 0), 90)}
    found = decide(APP, started, observed("done", acted_on=90), Outcome("failed", NOW), NOW)
    assert found.outcome == Outcome("deployed", NOW)
    assert found.application.revision == 2  # type: ignore[union-attr]
    assert decide(APP, started, observed("failed", acted_on=90), Outcome("failed", NOW), NOW).is_empty


@pytest.mark.parametrize("settled", [None, Outcome("failed", NOW)])
def test_a_revision_stopped_before_it_was_up_is_not_in_force(settled: Outcome | None) -> None:
    """Nobody saw it healthy: it stays open, and what was before it is what a failure goes back to."""
    stopped = {"n1": (Desired(2, 1, run="stopped"), 75)}
    assert decide(APP, stopped, {"n1": Observed(75, 1, "stopped", NOW)}, settled, NOW).is_empty
    failed = decide(APP, {"n1": (Desired(2, 1), 80)}, observed("failed", 80, failed=2), None, NOW)
    assert failed.desired["n1"].revision == 1


def test_a_revision_stopped_after_it_was_up_is_in_force() -> None:
    """The stop came between the agent's word that it is up and our looking."""
    stopped = {"n1": (Desired(2, 1, run="stopped"), 75)}
    found = decide(APP, stopped, {"n1": Observed(75, 2, "stopped", NOW)}, None, NOW)
    assert found.outcome == Outcome("deployed", NOW)


def test_an_application_gone_from_every_node_is_forgotten() -> None:
    """The record follows the containers, never the other way round."""
    wanted = {"n1": (Desired(2, 1, run="removed"), 70)}
    assert decide(APP, wanted, observed("removed"), None, NOW) == Finish(released=("n1",), forget=True)
    assert decide(APP, wanted, observed("acting"), None, NOW).is_empty


def test_a_node_that_was_left_is_released_while_the_application_stays() -> None:
    """After a move the old node keeps no reservation."""
    wanted = {"n1": (Desired(2, 1, run="removed"), 70), "n2": (Desired(2, 1), 70)}
    seen = {**observed("removed"), "n2": Observed(70, 2, "done", NOW)}
    found = decide(Application("shop", "default", "c", NOW, 1, 2, nodes=("n2", "n1")), wanted, seen, None, NOW)
    assert (found.released, found.forget) == (("n1",), False)
    assert found.application.nodes == ("n2",)  # type: ignore[union-attr]
