"""Placements a second that are on record: eight schedulers at once over one etcd, which writes to its disk.

Each scheduler is a process with what an app server has: it reads the ground, decides a batch, commits it, and decides
again what others were quicker with. Afterwards every node is looked at: nothing is promised twice, in no dimension.

Run: python -m benchmarks.placement_store [--quick]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random

from appserver.adapters.clock import SystemClock
from appserver.adapters.etcd import Etcd
from appserver.core.containers import EngineInfo
from appserver.core.fleet import Cluster, Node
from appserver.core.placement import amounts, placed
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Claim, Reservation
from appserver.core.placement.translate import request
from appserver.core.placement.values import Image
from appserver.services.placements_commit import Given, Group, Placing, Refused
from appserver.services.placements_ground import DUTY, Grounds
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import below
from benchmarks.measure import Figure, figures
from tests.lab.etcd import etcd_members

SCHEDULERS = 8
NODES = 1_000
BATCH = 128
"""Requests that an app server finds waiting together."""
EACH = 4_000
"""Placements of every scheduler."""
DURABLE = ("--heartbeat-interval=100", "--election-timeout=1000")
"""As in production: every transaction is on the disk before it is answered."""
LEAST, P99_MS, MOST_REFUSED = 20_000.0, 100.0, 0.01


@dataclass(frozen=True, slots=True)
class Report:
    """Of one scheduler. `taken_s` are the times of its batches, `cpu_s` what it used of a processor."""

    placed: int
    refused: int
    failed: int
    taken_s: tuple[float, ...]
    began: float
    ended: float
    cpu_s: float


def main() -> int:
    each = EACH // 2 if "--quick" in sys.argv else EACH
    rows = [figure for strategy in ("spread", "binpack") for figure in measured(strategy, each)]
    print("\n" + figures(rows), end="")
    return 0 if all(one.value <= one.bound for one in rows) else 1


def measured(strategy: Strategy, each: int) -> list[Figure]:
    with etcd_members(1, DURABLE) as cluster:
        prepare(cluster.endpoints, strategy)
        before = processor_s(cluster.members[0].process.pid)  # type: ignore[union-attr]
        reports = schedule(cluster.endpoints, each)
        used = processor_s(cluster.members[0].process.pid) - before  # type: ignore[union-attr]
        overcommitted = check(cluster.endpoints, sum(one.placed for one in reports))
    done = sum(one.placed for one in reports)
    lost = sum(one.refused + one.failed for one in reports)
    rate = done / (max(one.ended for one in reports) - min(one.began for one in reports))
    taken = sorted(second for one in reports for second in one.taken_s)
    load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
    print(
        f"{strategy}: {rate:,.0f} placements/s; batches of {BATCH}: p50 {taken[len(taken) // 2] * 1e3:.0f} ms, "
        f"p99 {percentile(taken) * 1e3:.0f} ms; a placement costs schedulers "
        f"{sum(one.cpu_s for one in reports) / done * 1e6:.0f} µs and etcd {used / done * 1e6:.0f} µs of a processor; "
        f"load {load}",
        flush=True,
    )
    return [
        Figure(f"{strategy}: one of {done:,} placements, durable", 1e6 / rate, "µs", 1e6 / LEAST),
        Figure(f"{strategy}: p99 of a batch", percentile(taken) * 1e3, "ms", P99_MS),
        Figure(f"{strategy}: refused though there is room", 100 * lost / (done + lost), "%", 100 * MOST_REFUSED),
        Figure(f"{strategy}: nodes that promise more than they have", overcommitted, "nodes", 0),
    ]


def prepare(endpoints: Sequence[str], strategy: Strategy) -> None:
    """Nodes of three sizes in three zones, a third of each promised; and who schedules."""
    kv, random = Etcd(endpoints), Random(1)
    puts = {keys.cluster("default"): encode(Cluster("default", strategy=strategy))}
    puts |= {f"leader/{DUTY}/{number}": f"server-{number}" for number in range(SCHEDULERS)}
    for number in range(NODES):
        name, (cpus, memory) = f"n{number:04}", random.choice([(16, 64), (32, 128), (64, 256)])
        engine, labels = EngineInfo("26.1.5", cpus, memory << 30, "2.26.1"), {"zone": f"z{number % 3}"}
        held = Claim(cpus / 30, (memory << 30) // 30)
        puts[keys.node(name)] = encode(Node(name, f"{name}:8090", "default", labels=labels, engine=engine))
        puts[keys.alive(name)] = f"{name}:8090"
        puts[keys.reservation(name)] = encode(Reservation({f"default.app{n}": held for n in range(10)}))
    items = list(puts.items())
    for at in range(0, len(items), 500):
        kv.commit({}, dict(items[at : at + 500]))
    kv.close()


def schedule(endpoints: Sequence[str], each: int) -> list[Report]:
    """Processes of their own, begun at one moment."""
    context = get_context("spawn")
    queue: Queue[Report] = context.Queue()
    ready = context.Barrier(SCHEDULERS)
    workers = [
        context.Process(target=scheduler, args=(tuple(endpoints), number, each, ready, queue), daemon=True)
        for number in range(SCHEDULERS)
    ]
    for worker in workers:
        worker.start()
    reports = [queue.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join()
    return reports


def scheduler(endpoints: Sequence[str], number: int, each: int, ready: Barrier, queue: Queue[Report]) -> None:
    kv, clock = Etcd(endpoints), SystemClock()
    placing = Placing(kv=kv, clock=clock, grounds=Grounds(kv), own=f"server-{number}")
    images = list(asked(number, each))
    placing("default", [group(f"warm-{number}", images[0], clock)])
    ready.wait()
    results: Counter[type] = Counter()
    taken = []
    began, cpu = time.time(), time.process_time()
    for at in range(0, each, BATCH):
        start = time.perf_counter()
        some = [group(f"s{number}-{at + n}", one, clock) for n, one in enumerate(images[at : at + BATCH])]
        results.update(map(type, placing("default", some)))
        taken.append(time.perf_counter() - start)
    failed = sum(results.values()) - results[Given] - results[Refused]
    ended, used = time.time(), time.process_time() - cpu
    queue.put(Report(results[Given], results[Refused], failed, tuple(taken), began, ended, used))
    kv.close()


def group(name: str, image: Image, clock: SystemClock) -> Group:
    wanted = placed.one_of(request(image, ""), "default", name)
    return Group((wanted,), placed.Asked(clock.now(), "benchmark"))


def asked(number: int, count: int) -> list[Image]:
    """Sizes as containers have them; a quarter names a zone, and a twentieth wants a port of the host."""
    random = Random(number)
    return [
        Image(
            f"registry.example/team/app{random.randrange(50)}:1",
            cpus=round(min(random.lognormvariate(-2.2, 0.8), 2.0), 3),
            memory=round(min(random.lognormvariate(5.2, 0.8), 4096.0)),
            type="service",
            labels=(f"zone=z{random.randrange(3)}",) if random.random() < 0.25 else (),
        )
        for _ in range(count)
    ]


def check(endpoints: Sequence[str], expected: int) -> int:
    """How many nodes promise more than they have. Every placement is on record, and its claim is on its node."""
    kv = Etcd(endpoints)
    seen = kv.snapshot("nodes/", "reservations/", keys.PLACEMENTS)
    held = {name: one.record for name, one in below(seen, "reservations/", Reservation)}
    records = {name: one.record.node for name, one in below(seen, keys.placements("default"), placed.Placed)}
    assert len(records) == expected + SCHEDULERS, f"{len(records)} on record, {expected} answered"
    assert all(placed.holder("default", name) in held[node].holders for name, node in records.items())
    over = 0
    for name, one in below(seen, "nodes/", Node):
        engine = one.record.engine
        assert engine
        node = Candidate(name, engine.cpus, engine.memory, one.record.labels, held[name].holders)
        over += any(left < 0 for left in amounts.free(node).values())
    kv.close()
    return over


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def percentile(taken: Sequence[float], of: float = 0.99) -> float:
    return taken[min(int(len(taken) * of), len(taken) - 1)]


if __name__ == "__main__":
    sys.exit(main())
