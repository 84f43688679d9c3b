"""How an update begins: anew, where one failed, or backwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appserver.core.release import Probe, Release, ReleaseStep
from appserver.core.rollout_record import ABORTED, COMPLETED, RUNNING, Request, Run, Status
from appserver.core.rollout_run import again, back, begun, undoing
from appserver.errors import Conflict

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
V1, V2 = "2026.11.01-1", "2026.11.02-2"
STEPS = (
    ReleaseStep("images", "images.yml"),
    ReleaseStep("etcd", "etcd.yml", "one", rollback="etcd-back.yml"),
    ReleaseStep("agent", "agent.yml", rollback="agent-back.yml"),
)
RUN = Run(4, V2, (0, 1), "update", STEPS, 3600, NOW, before=V1, ended_at=NOW, outcome="aborted", why="it broke")


def test_an_update_has_the_steps_that_the_release_has_now() -> None:
    """And what is installed with it; a release that changes later changes nothing of it."""
    release = Release(V2, STEPS, {"etcd": "e:1"}, {"jq": "1.6"})
    run = begun(4, release, Request(V2, (0, 1), False, NOW), "update", 3600, V1)
    assert (run.number, run.version, run.servers, run.began_at, run.before) == (4, V2, (0, 1), NOW, V1)
    assert (run.steps, run.images, run.debs) == (STEPS, {"etcd": "e:1"}, {"jq": "1.6"})
    assert run.of(Request(V2, (0, 1), True, NOW))


def test_it_is_taken_up_where_the_slowest_was() -> None:
    """Whoever is through does not hold the others; how it ended before is forgotten."""
    statuses = {0: Status(V2, 3, RUNNING), 1: Status(V2, 2, ABORTED, "it broke")}
    run = again(RUN, 5, statuses, (0, 1), LATER)
    assert (run.number, run.cause, run.first, run.began_at) == (5, "retry", 2, LATER)
    assert (run.ended_at, run.outcome, run.why) == (None, "", "")
    done = {**statuses, 0: Status(V2, 3, COMPLETED), 1: Status(V2, 3, ABORTED)}
    assert again(RUN, 5, done, (0, 1), LATER).first == 3


def test_with_a_server_that_joined_it_begins_at_the_first_step() -> None:
    """That server has done none of them, also where the update was taken up once before."""
    statuses = {0: Status(V2, 3, RUNNING), 1: Status(V2, 3, ABORTED)}
    assert again(RUN, 5, statuses, (0, 1, 7), LATER).first == 1
    assert again(replace(RUN, first=2), 5, statuses, (0, 1, 7), LATER).first == 1


@pytest.mark.parametrize("statuses", [{}, {0: Status(V1, 2, ABORTED)}, {7: Status(V2, 2, ABORTED)}])
def test_where_nothing_was_begun_nothing_is_taken_up(statuses: dict[int, Status]) -> None:
    """Nor by what is left of another version, or of a server that is no member."""
    with pytest.raises(Conflict, match="no step of it was begun"):
        again(RUN, 5, statuses, (0, 1), LATER)


def test_what_was_begun_is_taken_back_in_the_other_order() -> None:
    """By the playbooks of the release that is taken back; to the version that was in force."""
    run = back(RUN, 5, 3, (0, 1), LATER)
    assert [(step.name, step.playbook, step.scope) for step in run.steps] == [
        ("undo agent", "agent-back.yml", "all"),
        ("undo etcd", "etcd-back.yml", "one"),
    ]
    assert (run.version, run.files, run.cause, run.before, run.outcome) == (V1, V2, "undo", "", "")
    assert [step.name for step in back(RUN, 5, 2, (0, 1), LATER).steps] == ["undo etcd"]


def test_what_nobody_says_how_to_take_back_is_not() -> None:
    """Nor is the first release there was."""
    with pytest.raises(Conflict, match="names a playbook"):
        back(RUN, 5, 1, (0, 1), LATER)
    with pytest.raises(Conflict, match="no release to go back to"):
        back(replace(RUN, before=""), 5, 3, (0, 1), LATER)


def test_what_is_taken_back_is_not_asked_for_what_it_brought() -> None:
    """Neither before nor after; that etcd has its members counts all the same."""
    etcd, brought = Probe("etcd"), Probe("tcp", ("127.0.0.1:80",))
    undo = undoing(ReleaseStep("a", "a.yml", rollback="b.yml", health=(brought, etcd), guard=(etcd, brought)))
    assert (undo.health, undo.guard) == ((etcd,), (etcd,))


def test_a_long_name_stays_one() -> None:
    """It is a name as any other: of 63 characters at most."""
    assert undoing(ReleaseStep("x" * 63, "x.yml", rollback="y.yml")).name == f"undo {'x' * 58}"
