"""An app server with 10, 100 and 1,000 agents: its cpu and memory, and how long it takes from wanted to done.

The agents are simulated, and what they do with etcd is real: a lease each, their node's record, a watch on what is
wanted of them, a report for each change. They have no engine: what is measured is the record and whoever reads it.

Run: python -m benchmarks.cluster [--agents 10 100 1000] [--write docs/benchmarks-cluster.md]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.synchronize import Event as Signal
from pathlib import Path
from random import Random
from threading import Event, Thread

from appserver.adapters.etcd import Etcd
from appserver.core.containers import EngineInfo
from appserver.core.entities import AppKey, Application, Desired, Observed, Outcome, ServiceObserved
from appserver.core.fleet import Condition, Node
from appserver.ports import KV
from appserver.store import keys
from appserver.store.codec import decode, encode
from appserver.store.records import below
from tests.lab.etcd import etcd_members
from tests.lab.kv import closing
from tests.lab.processes import Servers, app_server
from tests.lab.records import revision
from tests.lab.wait import wait_until

CHANGES = 100
IDLE_S = 20.0
A_PROCESS = 250
"""Agents in one process, each with a thread for its watch."""
SPAWN = get_context("spawn")


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--agents", type=int, nargs="+", default=[10, 100, 1000])
    told.add_argument("--write", type=Path, help="page to write the results to")
    args = told.parse_args()
    rows = [measured(count) for count in args.agents]
    page = report(rows)
    print(page)
    if args.write:
        args.write.write_text(page)
    return 0


def report(rows: Sequence[Sequence[str]]) -> str:
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return (
        "# Benchmarks: many agents\n\n"
        f"{os.cpu_count()} cores for everything: etcd, the app server, and the agents, which are simulated: real\n"
        f"leases, watches and reports, no engine. One application a node. {CHANGES} restarts one after the other,\n"
        "each to its end.\n\n"
        "| agents | app server idle, of one core | app server's memory | wanted to done, median | 95 % | "
        "`GET nodes` | `GET applications` |\n|---|---|---|---|---|---|---|\n"
        f"{lines}\n`python -m benchmarks.cluster --write docs/benchmarks-cluster.md` makes this page.\n"
    )


def measured(count: int) -> Sequence[str]:
    prefix = f"/many-{count}/"
    with etcd_members() as etcd, app_server(etcd, prefix) as servers, closing(Etcd(etcd.endpoints, prefix)) as kv:
        names = [f"many-{number:04d}" for number in range(count)]
        record(kv, names)
        with agents(etcd.endpoints, prefix, names):
            wait_until(lambda: on(kv) >= count, f"{count} agents are on", 120)
            time.sleep(5)  # what their coming brought about is over
            idle = used_s(servers, IDLE_S) / IDLE_S
            took = [restarted(servers, name) for name in Random(1).choices(names, k=CHANGES)]
            lists = [timed(servers, path) for path in ("nodes", "applications")]
            memory = resident(servers)
    ordered = sorted(took)
    return (
        f"{count:,}",
        f"{idle:.1%}",
        f"{memory / 2**20:.0f} MiB",
        f"{statistics.median(took) * 1000:.0f} ms",
        f"{ordered[int(len(ordered) * 0.95)] * 1000:.0f} ms",
        *(f"{one * 1000:.0f} ms" for one in lists),
    )


def record(kv: KV, names: Sequence[str]) -> None:
    """One application in force on each node, as a deployment leaves it."""
    now = datetime.now(UTC)
    for name in names:
        key = AppKey("default", name)
        made = revision(key, 1, {"web": {"image": "web:1"}})
        puts = {
            keys.application(key): encode(Application(name, "default", "compose.yaml", now, 1, 1, nodes=(name,))),
            keys.revision(key, 1): encode(made),
            keys.outcome(key, 1): encode(Outcome("deployed", now)),
            keys.desired(name, key): encode(Desired(1, 0)),
        }
        kv.commit({}, puts)


@contextmanager
def agents(endpoints: Sequence[str], prefix: str, names: Sequence[str]) -> Iterator[None]:
    stop = SPAWN.Event()
    some = [names[start : start + A_PROCESS] for start in range(0, len(names), A_PROCESS)]
    processes = [SPAWN.Process(target=work, args=(endpoints, prefix, part, stop), daemon=True) for part in some]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(30)
            process.kill()


def work(endpoints: Sequence[str], prefix: str, names: Sequence[str], stop: Signal) -> None:
    """Some agents in one process."""
    with closing(Etcd(endpoints, prefix)) as kv, ExitStack() as leases:
        over = Event()
        for name in names:
            lease = leases.enter_context(kv.lease(10.0))
            kv.commit({}, {keys.node(name): encode(node(name))})
            kv.commit({}, {keys.alive(name): "127.0.0.1:1"}, lease=lease.id)
            Thread(target=follow, args=(kv, name, over), daemon=True).start()
        stop.wait()
        over.set()


def follow(kv: KV, name: str, over: Event) -> None:
    """As an agent: lists, then watches, and reports on each change."""
    prefix = keys.desired_of(name)
    listed = kv.snapshot(prefix)
    for app, stored in below(listed, prefix, Desired):
        tell(kv, name, keys.stored_app(f"{prefix}{app}"), stored.record, stored.revision)
    watch = kv.watch(prefix, listed.revision)
    for change in watch:
        if over.is_set():
            return
        if change.value is not None:
            wanted = decode(change.value, Desired, change.key)
            tell(kv, name, keys.stored_app(change.key), wanted, change.revision)


def tell(kv: KV, name: str, key: AppKey, wanted: Desired, at: int) -> None:
    services = (ServiceObserved("web", "running", containers=(f"{key.name}-web-1",)),)
    seen = Observed(at, wanted.revision, "done", datetime.now(UTC), "1 of 1 services are up", services)
    kv.commit({}, {keys.observed(name, key): encode(seen)})


def node(name: str) -> Node:
    good = tuple(Condition(what, True, "ok", datetime.now(UTC)) for what in ("engine", "disk", "memory", "clock"))
    return Node(name, "127.0.0.1:1", "default", engine=EngineInfo("26.1.5", 8.0, 32 << 30), conditions=good)


def on(kv: KV) -> int:
    return len(kv.snapshot("alive/").items)


def restarted(servers: Servers, name: str) -> float:
    """From the request until the operation is over, followed as the command line follows it."""
    began = time.monotonic()
    answer = servers.api.post(f"applications/default/{name}/restart")
    assert answer.status_code == 202, answer.text
    with servers.api.stream(f"operations/{answer.json()['id']}/events") as lines:
        for line in lines:
            if '"state":"done"' in line.replace(" ", ""):
                return time.monotonic() - began
    raise RuntimeError(f"{name} was not restarted")


def timed(servers: Servers, path: str) -> float:
    """One page of a hundred, as pages and the command line ask."""
    took = []
    for _ in range(5):
        began = time.monotonic()
        assert servers.api.get(path, limit=100).status_code == 200
        took.append(time.monotonic() - began)
    return statistics.median(took)


def used_s(servers: Servers, seconds: float) -> float:
    before = cpu_s(servers)
    time.sleep(seconds)
    return cpu_s(servers) - before


def cpu_s(servers: Servers) -> float:
    ticks = sum(sum(map(int, stat(pid)[11:13])) for pid in family(servers))
    return ticks / os.sysconf("SC_CLK_TCK")


def resident(servers: Servers) -> int:
    """Proportional, of all its processes."""
    found = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in family(servers))
    return sum(int(text.split("\nPss:")[1].split()[0]) * 1024 for text in found)


def family(servers: Servers) -> list[int]:
    """The app server's processes: it leads a session of its own."""
    assert servers.serve.process is not None
    leader = servers.serve.process.pid
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if os.getsid(pid) == leader]


def stat(pid: int) -> list[str]:
    """From the state on: what comes before may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


if __name__ == "__main__":
    raise SystemExit(main())
