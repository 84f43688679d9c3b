"""How well containers are packed: nodes used beside what cannot be undercut, and demand lost on nodes nearly full.

Mixes whose scarce resource is plain are bounded: most of what people run is so. Where cpu and memory are scarce alike,
no known rule that decides one by one comes nearer than 1.05; these are shown.

Run: python -m benchmarks.placement_quality
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from appserver.core.placement.index import Index
from appserver.core.placement.packing import lower_bound, pack
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.core.placement.simulate.replay import Report, replay
from appserver.core.placement.simulate.trace import Visit

ITEMS = 4_000
ONLINE, OFFLINE = 1.03, 1.015
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Mix:
    """`items` are cpus and GiB. `bounded` where sizes are what people run; the others show what is hard."""

    name: str
    cpus: int
    memory: int
    items: tuple[tuple[float, float], ...]
    bounded: bool


def main() -> int:
    print("| mix | lower bound | one by one | known beforehand | lost at 97 % | bounds |\n|---|---|---|---|---|---|")
    held = True
    for mix in mixes():
        bound, online, offline = packed(mix)
        lost = filled(mix, 0.97)
        good = not mix.bounded or (online <= ONLINE and offline <= OFFLINE and lost == 0)
        held &= good
        told = f"≤ {ONLINE}, ≤ {OFFLINE}, 0: {'held' if good else '**missed**'}" if mix.bounded else "none"
        print(f"| {mix.name} | {bound} | {online:.3f} | {offline:.3f} | {lost:.2%} | {told} |", flush=True)
    print("\n| nodes, offered load | strategy | demand lost | with repair | moves a request |\n|---|---|---|---|---|")
    for load in (0.90, 0.95):
        for strategy in ("binpack", "spread"):
            plain, repaired = (churned(load, strategy, repairing) for repairing in (False, True))
            held &= repaired.lost <= 0.5 * plain.lost
            moves = repaired.moves / repaired.requests
            row = f"| 200, {load:.0%} | {strategy} | {plain.lost:.2%} | {repaired.lost:.2%} | {moves:.3f} |"
            print(row, flush=True)
    return 0 if held else 1


def packed(mix: Mix) -> tuple[int, float, float]:
    """Lower bound; nodes used one by one and known beforehand, as multiples of it."""
    asked = np.array([(math.ceil(c * 1000), math.ceil(m * 2**20)) for c, m in mix.items], dtype=np.int64)
    size = np.array([mix.cpus * 1000, mix.memory << 20], dtype=np.int64)
    bound = lower_bound(asked, size)
    nodes = [Candidate(f"n{n:05}", mix.cpus, mix.memory * GIB) for n in range(bound * 5 // 4 + 2)]
    index = Index(nodes, "binpack", accelerated=False)
    wanted = [Request(f"h{n}", Claim(cpus / 1000, memory * 1024)) for n, (cpus, memory) in enumerate(asked.tolist())]
    rows = index.place(index.read(wanted))
    assert (rows >= 0).all()
    found = pack(asked, np.tile(size, (len(nodes), 1)))
    assert (found >= 0).all()
    return bound, len(np.unique(rows)) / bound, len(np.unique(found)) / bound


def filled(mix: Mix, load: float) -> float:
    """Share of the demand that finds no room, one by one, on so few nodes that it is `load` of the scarcer resource."""
    cpus, memory = sum(c for c, _ in mix.items) / mix.cpus, sum(m for _, m in mix.items) / mix.memory
    count = math.ceil(max(cpus, memory) / load)
    nodes = [Candidate(f"n{n:05}", mix.cpus, mix.memory * GIB) for n in range(count)]
    index = Index(nodes, "binpack", accelerated=False)
    wanted = [Request(f"h{n}", Claim(cpus, int(memory * GIB))) for n, (cpus, memory) in enumerate(mix.items)]
    refused = index.place(index.read(wanted)) < 0
    shares = np.array([cpus / mix.cpus + memory / mix.memory for cpus, memory in mix.items])
    return float(shares[refused].sum() / shares.sum())


def mixes() -> Iterator[Mix]:
    random = Random(3)
    cores = random.choices([1, 2, 4, 8, 16], [35, 30, 20, 10, 5], k=ITEMS)
    vms = tuple((core, core * random.choice([1.75, 1.75, 3.5, 3.5, 3.5, 7])) for core in cores)
    yield Mix("virtual machines on 96 cpus, 384 GiB", 96, 384, vms, True)
    cores = random.choices([0.25, 0.5, 1, 2, 4, 6, 8, 12, 16], [8, 10, 18, 20, 16, 10, 12, 4, 2], k=ITEMS)
    pods = tuple((core, core * random.choice([2, 4, 4, 4, 8])) for core in cores)
    yield Mix("pods on 96 cpus, 384 GiB", 96, 384, pods, True)
    even = tuple((core, core * random.choice([1.75, 3.5, 3.5, 7])) for core in cores)
    yield Mix("pods that ask as much of memory as of cpu", 96, 384, even, False)
    yield Mix("services on 32 cpus, 128 GiB", 32, 128, tuple(services(random, ITEMS)), False)
    shares = [random.uniform(0.02, 0.3) for _ in range(ITEMS // 2)]
    against = tuple((32 * s, 128 * min(max(0.32 - s + random.gauss(0, 0.02), 0.02), 0.3)) for s in shares)
    yield Mix("much cpu or much memory, never both", 32, 128, against, False)


def services(random: Random, count: int) -> Iterator[tuple[float, float]]:
    for _ in range(count):
        cpus = min(random.lognormvariate(-0.7, 1.1), 16)
        yield cpus, min(cpus * random.lognormvariate(1.2, 0.7), 64)


def churned(load: float, strategy: Strategy, repairing: bool, nodes: int = 200) -> Report:
    """Services that come and stay for an hour each, so many that `load` of the scarcer resource is asked for."""
    random = Random(5)
    sizes = list(services(random, 12_000))
    scarce = max(sum(c for c, _ in sizes) / 32, sum(m for _, m in sizes) / 128) / len(sizes)
    there = load * nodes / scarce
    visits = []
    for number, (cpus, memory) in enumerate(sizes):
        arrival = 0.0 if number < there else visits[-1].arrival + random.expovariate(there / 3600)
        claim = Claim(round(cpus, 3), int(memory * GIB))
        request = Request(f"c{number}", claim, reschedulable=True)
        visits.append(Visit(request, arrival, arrival + random.expovariate(1 / 3600) + 1e-6))
    fleet: Sequence[Candidate] = [Candidate(f"n{n:03}", 32, 128 * GIB) for n in range(nodes)]
    return replay(fleet, visits, strategy, time.process_time, accelerated=False, repairing=repairing)


if __name__ == "__main__":
    sys.exit(main())
