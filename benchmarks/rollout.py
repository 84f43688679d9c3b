"""A service with a copy on each engine, updated one at a time while it is visited: by Moorage, by Swarm, by hand.

By hand is what people write who have Compose and several hosts: `docker compose up -d --wait` on one after the other.

Run: python -m benchmarks.rollout [--rounds N] [--nodes N] [--write docs/benchmarks-rollout.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.measure import Compared, table
from benchmarks.rollout_rig import HAND, HOST, STOP, SWARM, rig
from tests.lab.visitors import visiting
from tests.lab.wait import wait_until

ROUNDS, NODES, RATE = 3, 3, 50.0
SLOWLY = "/cgi-bin/slow"
ENDINGS = {
    "ends at once": "exit",
    "first fails its checks for 2.5 s": "rm /data/ready; sleep 2.5; exit",
}
"""What a server does at SIGTERM."""
BOUNDS = {SWARM: 1.0, HAND: 1.25}
ABOUT = f"""\
A service with a copy on each engine, updated one at a time, while {RATE:g} requests a second come through HAProxy. Each
takes a fifth of a second; every fifth is a POST, which nobody asks twice. The same engines, image and healthcheck for
all, in turn. Moorage's routes lead to its containers; the others publish a port of each host behind an HAProxy with the
same retries, which checks each of them twice a second. A fixed port cannot be there twice: their updates stop first.
"""


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--rounds", type=int, default=ROUNDS)
    told.add_argument("--nodes", type=int, default=NODES)
    told.add_argument("--write", type=Path, help="page to write the results to")
    args = told.parse_args()
    runs = {ending: measured(ending, args.nodes, args.rounds) for ending in ENDINGS}
    page = report(runs, args.nodes, args.rounds)
    print(page)
    if args.write:
        args.write.write_text(page)
    return 0


@dataclass(slots=True)
class Runs:
    """Of one way to update: `took` in seconds, and the requests of all rounds."""

    took: list[float] = field(default_factory=list)
    asked: int = 0
    failed: int = 0


def measured(ending: str, nodes: int, rounds: int) -> dict[str, Runs]:
    with rig(nodes, ENDINGS[ending]) as bench:
        bench.begin()
        found = {way: Runs() for way in bench.ways}
        for number in range(rounds):
            for way, (port, update) in bench.ways.items():
                one_run(found[way], port, partial(update, f"{way}-{number}"))
    return found


def one_run(runs: Runs, port: int, update: Callable[[], None]) -> None:
    """Visited from a second before the update to a second after it."""
    with visiting(port, HOST, SLOWLY, RATE, posts=5) as visits:
        wait_until(lambda: visits.count > RATE, "requests are answered", 20)
        began = time.perf_counter()
        update()
        runs.took.append(time.perf_counter() - began)
        before = visits.count
        wait_until(lambda: visits.count > before + RATE, "requests go on", 20)
    runs.asked += visits.count
    runs.failed += sum(visits.failed.values())


def report(runs: dict[str, dict[str, Runs]], nodes: int, rounds: int) -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    page = (
        f"# Benchmarks: an update of several copies\n\n{machine}, medians of {rounds} rounds. "
        f"The {os.cpu_count()} cores are shared by {nodes} engines\nwith an agent each, etcd, the app server, "
        f"the proxies and the visitors.\n\n{ABOUT}"
    )
    for ending, ways in runs.items():
        ours = tuple(ways[STOP].took)
        compared = [Compared(f"beside {way}", tuple(ways[way].took), ours, bound) for way, bound in BOUNDS.items()]
        lines = "".join(
            f"| {way} | {statistics.median(run.took):.1f} s | {run.failed} of {run.asked:,} |\n"
            for way, run in ways.items()
        )
        page += (
            f"\n## A server that, told to end, {ending}\n\n"
            f"| updated by | median | requests failed, in all rounds |\n|---|---|---|\n{lines}\n"
            f"Moorage, stop-first as the others:\n\n{table(compared)}"
        )
    return f"{page}\n`python -m benchmarks.rollout --write docs/benchmarks-rollout.md` makes this page.\n"


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    print(f"took {time.monotonic() - begun:.0f} s")
    raise SystemExit(code)
