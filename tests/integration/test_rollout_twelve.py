"""Twelve boot servers, LRN 0 to 11, each agent's worker a process of its own: lock-step, killed and started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Event

import pytest

from appserver.adapters.etcd import Etcd
from appserver.core.release import ReleaseStep
from appserver.ports.steps import StepJob
from tests.lab.etcd import Cluster
from tests.lab.rollout import ADMIN, V1, BootSite, Played, Ran, boot_site, worker_of
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.night, pytest.mark.timeout(300)]
LRNS = range(12)
SPAWN = get_context("spawn")
PREFIX = "/twelve/"


def work(endpoints: tuple[str, ...], lrn: int, log: Path) -> None:
    """A boot server until it is killed. What it does is a line in a file, which all of them write to its end."""

    def play(job: StepJob, number: int, stopped: Callable[[], bool]) -> int:
        with log.open("a") as file:
            file.write(f"{job.playbook} {number}\n")
        hold = log.with_name(f"hold-{job.playbook}-{number}")
        while hold.exists() and not stopped():
            Event().wait(0.05)
        return 0

    kv = Etcd(endpoints, PREFIX)
    played = Played(lrn, Ran(), dict.fromkeys(("all.yml", "etcd.yml"), play), {}, lambda: "")
    worker_of(kv, lrn, played).run(Event())


@pytest.fixture
def site(etcd: Cluster, tmp_path: Path) -> Iterator[tuple[BootSite, dict[int, SpawnProcess]]]:
    with boot_site(lambda: Etcd(etcd.endpoints, PREFIX)) as made:
        workers = {lrn: SPAWN.Process(target=work, args=(etcd.endpoints, lrn, tmp_path / "log")) for lrn in LRNS}
        try:
            for lrn, process in workers.items():
                process.start()
                made.known(lrn)
            yield made, workers
        finally:
            for process in workers.values():
                process.kill()
                process.join(10)


def test_twelve_processes_go_in_lock_step_though_one_is_killed(
    site: tuple[BootSite, dict[int, SpawnProcess]], etcd: Cluster, tmp_path: Path
) -> None:
    """Killed -9 in the middle of a step and started again, it does that step once more; order is by number."""
    made, workers = site
    hold = tmp_path / "hold-all.yml-7"
    hold.touch()
    made.keep(V1, ReleaseStep("all", "all.yml"), ReleaseStep("etcd", "etcd.yml", "one"))
    made.take(V1)
    log = tmp_path / "log"
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) == len(LRNS), "all are at it", 60)
    workers[7].kill()
    workers[7].join(10)
    hold.unlink()
    workers[7] = SPAWN.Process(target=work, args=(etcd.endpoints, 7, log))
    workers[7].start()
    made.wait_for(V1, "completed", 120)
    lines = [line.split() for line in log.read_text().splitlines()]
    assert sorted(int(lrn) for book, lrn in lines if book == "all.yml") == sorted([*LRNS, 7])
    assert [int(lrn) for book, lrn in lines if book == "etcd.yml"] == [*LRNS]
    assert [one.attempt for one in made.list.show(ADMIN, 1)[1][7].of(1)] == [1, 2]
