"""`moorage update` against a real app server, a real updater and boot servers at work, over one real etcd."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from appserver.adapters.etcd import Etcd
from appserver.cli.main import main
from appserver.core.release import ReleaseStep
from appserver.ports.steps import StepJob
from appserver.store import rollout
from tests.lab.etcd import Cluster
from tests.lab.rollout import V1, V2, V3, BootSite, boot_site
from tests.lab.served import Site, serving
from tests.lab.wait import wait_until

Run = Callable[..., tuple[int, str, str]]
_sites = count()


@pytest.fixture
def joined(etcd: Cluster, tmp_path: Path) -> Iterator[tuple[Site, BootSite]]:
    """An app server, and three boot servers of the same site; two releases are kept, and none is asked for."""
    prefix = f"/update-cli{next(_sites)}/"

    def another() -> Etcd:
        return Etcd(etcd.endpoints, prefix)

    with serving(another(), tmp_path) as served, boot_site(another, 0, 1, 2) as boots:
        for version in (V1, V2):
            first, second = ReleaseStep("first", "first.yml"), ReleaseStep("second", "second.yml", rollback="back.yml")
            boots.keep(version, first, second)
        yield served, boots


@pytest.fixture
def boots(joined: tuple[Site, BootSite]) -> BootSite:
    return joined[1]


@pytest.fixture
def run(joined: tuple[Site, BootSite], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """As an administrator: exit code, standard output, standard error."""
    served, _ = joined
    monkeypatch.setenv("MOORAGE_SERVER", served.url)
    monkeypatch.setenv("MOORAGE_TOKEN", served.token("ann", "admin"))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def called(*argv: str) -> tuple[int, str, str]:
        code = main(["update", *argv])
        told = capsys.readouterr()
        return code, told.out, told.err

    return called


def fails(job: StepJob, lrn: int, stopped: Callable[[], bool]) -> int:
    """On server 1."""
    return 2 if lrn == 1 else 0


def until_stopped(job: StepJob, lrn: int, stopped: Callable[[], bool]) -> int:
    while not stopped():
        time.sleep(0.02)
    return 1


def still(boots: BootSite) -> None:
    wait_until(lambda: not rollout.busy_of(boots.kv.snapshot(rollout.BUSY)), "no step runs")


def test_before_the_first_update_there_is_nothing_and_that_is_said(run: Run) -> None:
    """Nothing pending is exit status 0; what needs an update is the caller's mistake, 2."""
    assert run("plan") == (0, "wait-for-info: no release is known yet\n", "")
    code, out, _ = run("status")
    assert code == 0
    assert out.startswith("process: clear\nrelease: none yet\nnext: wait-for-info: no release is known yet\n")
    assert run("history") == (0, "", "there was no update yet\n")
    for verb in ("stop", "recover", "retry"):
        code, out, err = run(verb)
        assert (code, out) == (2, ""), verb
        assert "no update is asked for" in err


def test_an_update_from_the_plan_to_the_history(run: Run, boots: BootSite) -> None:
    """The plan is what pending changes are, 3; the request ends with the update; then nothing is pending."""
    boots.end_updater()
    code, out, _ = run("plan", V1)
    assert code == 3
    assert out.splitlines() == [
        "request-update: no update was asked for yet",
        "  1 first: first.yml, all servers",
        "  2 second: second.yml, all servers",
    ]
    boots.updater()
    code, out, err = run("request", V1)
    assert code == 0, err
    assert out.startswith(f"update 1 to {V1} (update): completed, ")
    assert run("plan") == (0, f"wait-for-info: all servers are at {V1}\n", "")
    code, out, _ = run("status")
    assert code == 0
    assert "process: completed" in out
    assert "steps: 1 first, 2 second; . waits, x failed" in out
    assert run("history")[1].splitlines()[1].split()[:3] == ["1", V1, "update"]
    code, out, _ = run("show", "1")
    assert code == 0
    assert [line[0] for line in out.splitlines()[2:5]] == ["0", "1", "2"]


def test_for_programs_the_answer_is_the_apis(run: Run, boots: BootSite) -> None:
    """Before or after the verb; a list is `items`."""
    boots.take(V1)
    boots.wait_for(V1, "completed")
    assert json.loads(run("plan", "--json")[1])["action"] == "wait-for-info"
    found = json.loads(run("status", "--json")[1])
    assert (found["process"], [one["cond"] for one in found["servers"]]) == ("completed", [3, 3, 3])
    (listed,) = json.loads(run("history", "--json")[1])["items"]
    assert (listed["id"], listed["outcome"]) == (1, "completed")
    shown = json.loads(run("show", "1", "--json")[1])
    assert [[one["phase"] for one in server["tries"]] for server in shown["progress"]] == [["done", "done"]] * 3
    assert json.loads(run("request", V2, "--json")[1])["outcome"] == "completed"


def test_a_step_that_fails_is_told_and_taken_up_again(run: Run, boots: BootSite) -> None:
    """Exit status 1 of whoever waits, and of the status; the last lines are there; retry goes on at that step."""
    boots.plays["second.yml"] = fails
    code, out, _ = run("request", V1)
    assert (code, "aborted" in out) == (1, True)
    code, out, _ = run("status")
    assert code == 1
    assert "server 1, try 1: step second on n1: task 'Does it': fatal: it broke" in out
    assert "  fatal: it broke" in out
    boots.plays.clear()
    still(boots)
    code, out, err = run("retry")
    assert (code, out) == (0, f"update 2 to {V1} begins at step 2\n"), err
    boots.wait_for(V1, "completed")
    assert [boots.ran.began("first.yml").count(lrn) for lrn in (0, 1, 2)] == [1, 1, 1]
    assert run("status")[0] == 0


def test_what_was_stopped_begins_anew_when_it_is_recovered(run: Run, boots: BootSite) -> None:
    """The reason is in the history; what runs cannot be recovered."""
    boots.plays["first.yml"] = until_stopped
    assert run("request", V1, "--no-wait")[0] == 0
    wait_until(lambda: len(boots.ran.began("first.yml")) == 3, "all are at the first step")
    code, _, err = run("recover")
    assert code == 2
    assert "not stopped" in err
    assert run("stop", "--reason", "the wrong day")[0] == 0
    still(boots)
    assert json.loads(run("history", "--json")[1])["items"][0]["why"] == "stopped by ann: the wrong day"
    boots.plays.clear()
    assert run("recover") == (0, "the update is recovered; the updater begins anew\n", "")
    boots.wait_for(V1, "completed")


def test_what_was_begun_is_taken_back(run: Run, boots: BootSite) -> None:
    """Only by who says yes; the release is put aside."""
    boots.take(V1)
    boots.wait_for(V1, "completed")
    boots.plays["second.yml"] = fails
    assert run("request", V2)[0] == 1
    still(boots)
    assert run("undo")[0] == 2
    code, out, err = run("undo", "--yes")
    assert (code, out) == (0, f"update 3 takes it back to {V1}: undo second\n"), err
    boots.wait_for(V1, "completed")
    assert sorted(boots.ran.began("back.yml")) == [0, 1, 2]


def test_an_older_release_is_gone_back_to_by_its_own_verb(run: Run, boots: BootSite) -> None:
    """`request` refuses it, and names the one that does it."""
    boots.take(V2)
    boots.wait_for(V2, "completed")
    code, _, err = run("request", V1)
    assert code == 2
    assert f"moorage update rollback {V1}" in err
    code, out, err = run("rollback", V1, "--yes")
    assert code == 0, err
    assert "(rollback): completed" in out


@pytest.mark.parametrize(
    "argv",
    [
        ["request", "latest"],
        ["request", "2026.13.01-1"],
        ["request", "../x"],
        ["request", "x" * 3000],
        ["request", V3],
        ["plan", V3],
        ["plan", "; id"],
        ["rollback", V3, "--yes"],
        ["show", "0"],
        ["show", "7"],
        ["show", "one"],
        ["show", "99999999999999999999"],
        ["history", "-n", "0"],
        ["stop", "--reason", "x" * 3000],
        ["status", "now"],
    ],
    ids=lambda argv: " ".join(argv)[:40],
)
def test_what_cannot_be_is_the_callers_to_mend(run: Run, boots: BootSite, argv: list[str]) -> None:
    """Exit 2 and a reason, no traceback; nothing is asked for."""
    code, _, err = run(*argv)
    assert code == 2, err
    assert err.strip()
    assert "Traceback" not in err
    assert boots.request() is None
