"""One server's part in an update: Neco's cases, and what was added."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appserver.core.release import ReleaseStep
from appserver.core.rollout_record import ABORTED, COMPLETED, RUNNING, Request, Status
from appserver.core.rollout_worker import Mine, Move, Sight, decide

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OLD, NEW = "2026.11.01-1", "2026.11.02-2"
STEPS = tuple(ReleaseStep(name, f"{name}.yml") for name in ("fetch", "etcd", "agent"))
ASKED = Request(NEW, (0, 1, 2), False, NOW)
NOTHING = Mine()


def at(step: int, cond: int = RUNNING, version: str = NEW, message: str = "") -> Status:
    return Status(version, step, cond, message)


def sight(*statuses: Status | None, lrn: int = 1) -> Sight:
    """Of server 1 among 0, 1 and 2."""
    return Sight(lrn, ASKED, {place: status for place, status in enumerate(statuses) if status}, STEPS)


def test_without_a_request_it_waits() -> None:
    """And what still runs of one that was recovered is ended."""
    none = replace(sight(), request=None)
    assert decide(none, NOTHING) == Move("wait", "no update was asked for")
    assert decide(none, Mine("running", 2)).kind == "cancel"


def test_who_is_no_member_waits() -> None:
    """Neco: no-member."""
    assert decide(replace(sight(), lrn=3), NOTHING) == Move("wait", f"the update to {NEW} is without this server")


def test_a_server_says_that_it_is_ready_for_the_first_step() -> None:
    """Also where what it said last was of another version."""
    ready = Move("report", "ready for the first step", at(1))
    assert decide(sight(), NOTHING) == ready
    assert decide(sight(None, at(3, COMPLETED, OLD), at(1)), NOTHING) == ready


def test_an_update_that_was_aborted_is_not_begun() -> None:
    """Neco: previous-abort."""
    move = decide(sight(at(2, ABORTED, message="no disk"), None, None), NOTHING)
    assert move == Move("wait", "the update was aborted by server 0: no disk")


def test_an_update_that_went_on_without_this_server_is_not_begun() -> None:
    """Neco: previous-abort. That cannot be one in lock-step."""
    assert decide(sight(at(2), None, None), NOTHING).kind == "wait"


def test_an_old_abort_is_forgotten_with_its_version() -> None:
    """Neco: previous-abort and clear."""
    assert decide(sight(at(2, ABORTED, OLD), at(2, ABORTED, OLD), None), NOTHING).status == at(1)


def test_who_is_through_waits() -> None:
    """Neco: previous-completed."""
    assert decide(sight(*[at(3, COMPLETED)] * 3), NOTHING) == Move("wait", f"this server is at {NEW}")


def test_a_step_waits_for_all() -> None:
    """Nobody begins before everybody is ready."""
    assert decide(sight(at(1), at(1), None), NOTHING) == Move("wait", "step 1 waits for server 2")
    assert decide(sight(at(1), at(2), at(1)), NOTHING) == Move("wait", "step 2 waits for servers 0 and 2")
    behind = sight(at(3, COMPLETED, OLD), at(1), at(1))
    assert decide(behind, NOTHING) == Move("wait", "step 1 waits for server 0")


def test_all_ready_the_step_is_run_reported_and_the_next_one_waited_for() -> None:
    """Neco: successful."""
    ready = sight(at(1), at(1), at(1))
    assert decide(ready, NOTHING) == Move("run", "step 1: fetch", step=1)
    assert decide(ready, Mine("running", 1)) == Move("wait", "runs step 1")
    assert decide(ready, Mine("done", 1)) == Move("report", "step 1 is done", at(2))
    assert decide(sight(at(3), at(3), at(3)), Mine("done", 3)).status == at(3, COMPLETED)


def test_others_may_be_one_step_ahead() -> None:
    """They have seen all at the barrier before this one looked."""
    assert decide(sight(at(2), at(1), at(2)), NOTHING).kind == "run"
    assert decide(sight(at(3, COMPLETED), at(3), at(3)), NOTHING).kind == "run"


def test_a_step_that_fails_aborts_with_what_it_said() -> None:
    """Neco: fail at step 2."""
    move = decide(sight(at(2), at(2), at(2)), Mine("failed", 2, "etcd: no quorum"))
    assert move.status == at(2, ABORTED, message="etcd: no quorum")


def test_the_result_of_another_step_does_not_count() -> None:
    """What was done for a run before this one."""
    assert decide(sight(at(2), at(2), at(2)), Mine("done", 3)).kind == "run"


def test_an_abort_of_another_server_is_followed() -> None:
    """Neco: peer aborted. What runs here is ended."""
    aborted = sight(at(2, ABORTED, message="no disk"), at(2), at(2))
    move = decide(aborted, Mine("running", 2))
    assert move.status == at(2, ABORTED, message="server 0 aborted: no disk")
    after = sight(at(2, ABORTED), move.status, at(2))
    assert decide(after, Mine("running", 2)).kind == "cancel"
    assert decide(after, NOTHING).kind == "wait"


def test_a_stopped_update_ends_what_runs() -> None:
    """Neco: cancel. It saw the stop between two steps alone."""
    stopped = replace(sight(at(2), at(2), at(2)), request=replace(ASKED, stop=True))
    assert decide(stopped, Mine("running", 2)).kind == "cancel"
    assert decide(stopped, NOTHING).kind == "wait"
    assert decide(stopped, Mine("done", 2)).kind == "wait"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (at(4), "server 2 says step 4, at step 2"),
        (at(1, version=OLD), f"server 2 says step 1 of {OLD}, in the middle of {NEW}"),
        (at(3, COMPLETED), "server 2 says that it is through, at step 2 of 3"),
        (None, "what server 2 said is gone, at step 2"),
    ],
)
def test_what_nobody_can_have_said_aborts(other: Status | None, why: str) -> None:
    """Neco: unexpected request, version, step, completion."""
    assert decide(sight(at(2), at(2), other), NOTHING).status == at(2, ABORTED, message=why)


def test_what_others_say_is_of_no_account() -> None:
    """Servers that are not in the request."""
    seen = sight(at(2), at(2), at(2))
    strange = replace(seen, statuses={**seen.statuses, 9: at(7, ABORTED)})
    assert decide(strange, NOTHING).kind == "run"


def test_one_at_a_time_goes_by_number() -> None:
    """Neco's slots went by the order of keys, and two servers restarted etcd at once."""
    steps = (ReleaseStep("etcd", "etcd.yml", "one"),)
    request = Request(NEW, (0, 1, 2, 10), False, NOW)
    ready = {lrn: at(1) for lrn in request.servers}
    two = Sight(2, request, ready, steps)
    assert decide(two, NOTHING) == Move("wait", "step 1 is first done on servers 0 and 1")
    assert decide(replace(two, lrn=0), NOTHING).kind == "run"
    through = {**ready, 0: at(1, COMPLETED), 1: at(1, COMPLETED)}
    assert decide(replace(two, statuses=through), NOTHING).kind == "run"
    assert decide(replace(two, lrn=10, statuses=through), NOTHING).kind == "wait"


def test_waves_begin_with_few() -> None:
    """A canary first, then two, then the rest."""
    step = ReleaseStep("agent", "agent.yml", waves=(1, 2))
    assert [step.wave(place) for place in range(6)] == [0, 1, 1, 2, 2, 2]
    request = Request(NEW, (0, 1, 2, 10), False, NOW)
    ready = {lrn: at(1) for lrn in request.servers}
    one = Sight(1, request, ready, (step,))
    assert decide(one, NOTHING) == Move("wait", "step 1 is first done on server 0")
    canary = {**ready, 0: at(1, COMPLETED)}
    assert decide(replace(one, statuses=canary), NOTHING).kind == "run"
    assert decide(replace(one, lrn=10, statuses=canary), NOTHING).kind == "wait"


def test_an_update_is_taken_up_at_the_step_that_failed() -> None:
    """What was done before it is not done again."""
    again = replace(sight(at(2), None, at(2)), first=2)
    assert decide(again, NOTHING).status == at(2)
    ready = replace(sight(at(2), at(2), at(2)), first=2)
    assert decide(ready, NOTHING).kind == "run"


def test_without_steps_there_is_nothing_to_do() -> None:
    """It is completed at once."""
    assert decide(replace(sight(), steps=()), NOTHING).status == at(0, COMPLETED)
