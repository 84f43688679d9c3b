"""Schedulers as processes of their own over one etcd, all begun at one moment, as app servers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from appserver.adapters.clock import SystemClock
from appserver.adapters.etcd import Etcd
from appserver.core.containers import EngineInfo
from appserver.core.fleet import Cluster, Node
from appserver.core.placement import amounts, placed
from appserver.core.placement.ports import clash
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Port, Request, Reservation
from appserver.services.placements_commit import Given, Group, Placing
from appserver.services.placements_ground import DUTY, Grounds
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import below

Work = Sequence[Sequence[Request]]
"""Batches of requests, each with holder and name."""


@dataclass(slots=True)
class Told:
    """What one scheduler was answered: holder to node, holders by the other kinds of answers, and lost commits."""

    given: dict[str, str] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Store:
    """How a process reaches the test's own keys."""

    endpoints: tuple[str, ...]
    prefix: str

    @contextmanager
    def client(self) -> Iterator[Etcd]:
        kv = Etcd(self.endpoints, prefix=self.prefix)
        try:
            yield kv
        finally:
            kv.close()


class Counting(Etcd):
    """Counts commits that others were quicker than."""

    conflicts = 0

    def commit(
        self, expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int:
        done = super().commit(expect, puts, deletes, lease)
        self.conflicts += not done
        return done


def furnish(kv: Etcd, nodes: Sequence[Candidate], strategy: Strategy = "spread", schedulers: int = 0) -> None:
    """Nodes that are on, and who schedules, as elections write them."""
    puts = {keys.cluster("default"): encode(Cluster("default", strategy=strategy))}
    puts |= {f"leader/{DUTY}/{number}": f"server-{number}" for number in range(schedulers)}
    for one in nodes:
        engine = EngineInfo("26.1.5", one.cpus, one.memory, "2.26.1")
        puts[keys.node(one.name)] = encode(Node(one.name, f"{one.name}:8090", "default", -1, one.labels, engine))
        puts[keys.alive(one.name)] = f"{one.name}:8090"
    assert kv.commit({}, puts)


def at_once(store: Store, works: Sequence[Work]) -> list[Told]:
    """One scheduler for each; what each was answered."""
    with begun(store, works) as (_, queue):
        return [queue.get(timeout=120) for _ in works]


@contextmanager
def begun(store: Store, works: Sequence[Work]) -> Iterator[tuple[list[BaseProcess], Queue[Told]]]:
    """The same while they run; all of them end with the block."""
    context = get_context("spawn")
    queue: Queue[Told] = context.Queue()
    ready = context.Barrier(len(works))
    processes: list[BaseProcess] = [
        context.Process(target=_schedule, args=(store, number, work, ready, queue), daemon=True)
        for number, work in enumerate(works)
    ]
    for process in processes:
        process.start()
    try:
        yield processes, queue
    finally:
        for process in processes:
            process.kill()
            process.join()


def overcommitted(kv: Etcd) -> list[str]:
    """What is promised more than once: amounts of any kind, host ports, records without a claim, claims without one."""
    seen = kv.snapshot("nodes/", "reservations/", keys.PLACEMENTS)
    held = {name: one.record.holders for name, one in below(seen, "reservations/", Reservation)}
    records = {holder: one.record.node for holder, one in below(seen, keys.PLACEMENTS, placed.Placed)}
    claimed = Counter(holder for holders in held.values() for holder in holders)
    found = [f"{holder} is held {count} times" for holder, count in claimed.items() if count > 1]
    found += [f"{holder} has no claim" for holder, node in records.items() if holder not in held.get(node, {})]
    found += [f"{holder} has no record" for holder in claimed if holder not in records]
    for name, one in below(seen, "nodes/", Node):
        engine, holders = one.record.engine, held.get(name, {})
        assert engine
        left = amounts.free(Candidate(name, engine.cpus, engine.memory, one.record.labels, holders))
        found += [f"{name} lacks {-much} of {what}" for what, much in left.items() if much < 0]
        found += _twice(name, [(holder, port) for holder, claim in holders.items() for port in claim.ports])
    return found


def _twice(node: str, ports: Sequence[tuple[str, Port]]) -> list[str]:
    return [
        f"{node}: port {port[1]} of {holder} and of {other}"
        for number, (holder, port) in enumerate(ports)
        for other, another in ports[:number]
        if clash(port, another)
    ]


def _schedule(store: Store, number: int, work: Work, ready: Barrier, queue: Queue[Told]) -> None:
    kv, clock, told = Counting(store.endpoints, prefix=store.prefix), SystemClock(), Told()
    placing = Placing(kv=kv, clock=clock, grounds=Grounds(kv), own=f"server-{number}")
    asked = placed.Asked(clock.now(), f"server-{number}", lease_s=1.0)
    ready.wait()
    for requests in work:
        groups = [Group((one,), asked) for one in requests]
        for one, result in zip(requests, placing("default", groups), strict=True):
            if isinstance(result, Given):
                told.given[one.holder] = result.nodes[0].name
            else:
                told.others.setdefault(type(result).__name__, []).append(one.holder)
    told.conflicts = kv.conflicts
    queue.put(told)
    kv.close()
