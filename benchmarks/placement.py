"""Placements a second, decisions only, on one thread: a plain full scan, NumPy alone, with Numba; and their answers.

Nodes of 8 shapes in 3 zones, 65 % reserved; of the requests a quarter names labels and a tenth a host port. Every
request is placed, and one that was placed before is taken away, so that nodes stay as full as they are. Seconds are of
the processor, the best of the rounds.

Run: python -m benchmarks.placement [--quick]
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from appserver.core.placement import amounts, rank
from appserver.core.placement.batch import Batch
from appserver.core.placement.expressions import parse
from appserver.core.placement.index import Index, can_accelerate
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Claim, Request
from benchmarks.measure import Figure, figures

SHAPES = ((8, 32), (16, 64), (16, 128), (32, 64), (32, 128), (48, 192), (64, 256), (96, 384))
SIZES = (100, 1_000, 10_000, 50_000)
WINDOW = 32
"""Requests decided in one call, as an app server does that collects them for a few milliseconds."""
ROUNDS = 3
GIB = 2**30
LEAST = {"NumPy alone": 50_000.0, "with Numba": 400_000.0}
"""Placements a second over 10,000 nodes."""


@dataclass(frozen=True, slots=True)
class Row:
    strategy: Strategy
    nodes: int
    rates: dict[str, float]

    def text(self) -> str:
        plain = self.rates["plain"]
        cells = [f"{rate:,.0f} ({rate / plain:,.0f} ×)" for name, rate in self.rates.items() if name != "plain"]
        return f"| {self.strategy} | {self.nodes:,} | {plain:,.0f} | " + " | ".join(cells) + " |"


def main() -> int:
    sizes = SIZES[:3] if "--quick" in sys.argv else SIZES
    ways = {"NumPy alone": False, **({"with Numba": True} if can_accelerate() else {})}
    print(f"| strategy | nodes | plain full scan | {' | '.join(ways)} |\n|---|---|---|{'---|' * len(ways)}")
    rows = []
    for strategy in ("spread", "binpack"):
        for size in sizes:
            rows.append(measured(strategy, size, ways))
            print(rows[-1].text(), flush=True)
    ten = {way: min(row.rates[way] for row in rows if row.nodes == 10_000) for way in ways}
    seconds = [Figure(f"10,000 nodes, {way}, a placement", 1e6 / ten[way], "µs", 1e6 / LEAST[way]) for way in ways]
    jobs = [thousand_jobs(strategy) for strategy in ("spread", "binpack")]
    print("\n" + figures([*seconds, *jobs]), end="")
    return 0 if all(one.value <= one.bound for one in (*seconds, *jobs)) else 1


def measured(strategy: Strategy, size: int, ways: dict[str, bool]) -> Row:
    nodes = fleet(size)
    wanted = requests(8_000)
    expected: list[str | None] = []
    rates = {"plain": plain(nodes, wanted, strategy, expected)}
    for way, accelerated in ways.items():
        index = Index(nodes, strategy, accelerated)
        count = 8_000 if accelerated else 2_400
        batches = [index.read(wanted[at : at + WINDOW]) for at in range(0, count, WINDOW)]
        churn(index, batches[:4])
        index = Index(nodes, strategy, accelerated)
        batches = [index.read(wanted[at : at + WINDOW]) for at in range(0, count, WINDOW)]
        same = index.names(index.place(index.read(wanted[: len(expected)])))
        assert same == expected, f"{way} gave another answer than the plain scan"
        rates[way] = count / min(timed(lambda i=index, b=batches: churn(i, b)) for _ in range(ROUNDS))
    return Row(strategy, size, rates)


def plain(
    nodes: Sequence[Candidate], wanted: Sequence[Request], strategy: Strategy, answers: list[str | None]
) -> float:
    """What one would write, with what is free kept at hand: a loop that asks each node, and ranks it."""
    states = sorted(map(State, nodes, rank.shapes(nodes)), key=lambda state: state.name)
    sign = -1 if strategy == "binpack" else 1
    read = [(amounts.asked(one.claim), [parse(text) for text in one.constraints], one) for one in wanted]
    count = max(5, min(2_000, 1_000_000 // len(nodes)))
    started = time.process_time()
    for asked, constraints, request in read[:count]:
        cpus, memory, ports = asked["cpus"], asked["memory"], {port[1] for port in request.claim.ports}
        best, least = None, math.inf
        for state in states:
            if cpus > state.cpus or memory > state.memory or (ports and ports & state.ports):
                continue
            if constraints and not all(one.holds((state.labels.get(one.key, ""),)) for one in constraints):
                continue
            share = sign * (state.share + cpus * state.shape.cpus + memory * state.shape.memory)
            if share < least:
                best, least = state, share
        if best:
            best.cpus, best.memory, best.ports = best.cpus - cpus, best.memory - memory, best.ports | ports
            best.share = sign * int(least) + rank.EACH
        answers.append(best.name if best else None)
    return count / (time.process_time() - started)


class State:
    """What is left of one node."""

    __slots__ = ("cpus", "labels", "memory", "name", "ports", "shape", "share")

    def __init__(self, node: Candidate, shape: rank.Shape) -> None:
        free = amounts.free(node)
        self.name, self.labels, self.shape, self.share = node.name, node.labels, shape, rank.share(node, shape)
        self.cpus, self.memory = free["cpus"], free["memory"]
        self.ports: set[str] = set()


def churn(index: Index, batches: Sequence[Batch]) -> None:
    """Each batch placed, each taken away some batches later."""
    placed: deque[tuple[Batch, object]] = deque()
    for batch in batches:
        rows = index.place(batch)
        placed.append((batch, rows))
        if len(placed) > 40:
            before, nodes = placed.popleft()
            index.give(before, nodes)  # type: ignore[arg-type]
    while placed:
        before, nodes = placed.popleft()
        index.give(before, nodes)  # type: ignore[arg-type]


def thousand_jobs(strategy: Strategy) -> Figure:
    """The shape of Nomad's C1M: 5,000 nodes of 5 classes, 1,000 jobs of 1,000 identical containers."""
    nodes = [Candidate(f"n{n:05}", 20.8, 30 * GIB, {"class": f"c{n % 5}"}) for n in range(5_000)]

    def run() -> None:
        index = Index(nodes, strategy, accelerated=False)
        done = 0
        for job in range(1_000):
            alike = Request(f"job{job}", Claim(0.02, 15 * 2**20), image="classlogger:1", group=f"job{job}")
            done += sum(index.fill(index.read([alike]), 1_000).values())
        assert done == 1_000_000

    return Figure(f"1,000 jobs × 1,000 containers over 5,000 nodes, {strategy}", min(timed(run), timed(run)), "s", 1.0)


def fleet(size: int) -> list[Candidate]:
    random = Random(1)
    nodes = []
    for number in range(size):
        cpus, memory = SHAPES[number % len(SHAPES)]
        labels = {"zone": f"z{number % 3}", **{f"bit{bit}": str(random.randrange(2)) for bit in range(4)}}
        share = min(max(random.gauss(0.65, 0.2), 0), 1)
        other = min(max(random.gauss(share, 0.15), 0), 1)
        each = Claim(round(cpus * share / 31, 3), int(memory * GIB * other / 31))
        reserved = {f"there.{holder}": each for holder in range(31)}
        nodes.append(Candidate(f"n{number:05}", cpus, memory * GIB, labels, reserved))
    return nodes


def requests(count: int) -> list[Request]:
    random = Random(2)
    found = []
    for number in range(count):
        constraints: tuple[str, ...] = ()
        if random.random() < 0.25:
            constraints = (f"zone==z{random.randrange(3)}", f"bit{random.randrange(4)}==1")[: random.choice([1, 2])]
        ports = (("", str(8000 + random.randrange(16)), "tcp"),) if random.random() < 0.1 else ()
        cpus, memory = random.lognormvariate(-0.7, 0.9), random.lognormvariate(0.2, 0.9) * GIB
        claim = Claim(round(min(cpus, 8), 3), int(min(memory, 32 * GIB)), ports)
        found.append(Request(f"app.{number}", claim, constraints, image=f"image:{number % 50}"))
    return found


def timed(run: Callable[[], None]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


if __name__ == "__main__":
    sys.exit(main())
