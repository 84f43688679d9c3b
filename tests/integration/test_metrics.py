"""Measuring a real host and real containers, asking members of etcd for the time, and the agent's door for both."""

from __future__ import annotations

import http.client
import math
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from appserver.adapters.engine import DockerEngine
from appserver.adapters.etcd_clock import EtcdClocks
from appserver.adapters.host_metrics import KernelHost
from appserver.adapters.memory import MemoryKV
from appserver.adapters.metrics_history import MetricFiles
from appserver.adapters.node_client import NodeClient, NodeTls
from appserver.agent.http import Files, Reads, serve
from appserver.agent.metrics import Meter, Metering
from appserver.agent.wishes import Wishes
from appserver.core import compose
from appserver.core.conditions import Thresholds, clock
from appserver.core.containers import EngineEvent
from appserver.core.metrics import Subject, field
from appserver.core.metrics_fold import Level
from appserver.errors import NodeError
from tests.lab.agents import run_docker
from tests.lab.certs import Authority
from tests.lab.containers import shell, start
from tests.lab.daemon import free_port
from tests.lab.etcd import etcd_members
from tests.lab.wait import wait_until

LEVELS = (Level("10s", 1, 3_600), Level("1m", 60, 36_000))
OURS = {compose.APPLICATION: "default.shop"}


@contextmanager
def measuring(engine: DockerEngine, folder: Path) -> Iterator[Meter]:
    """Every half second."""
    history = MetricFiles(folder / "metrics", LEVELS, 1 << 22)
    meter = Meter(Metering(KernelHost(), history, LEVELS, 0.5), engine, lambda project: "")
    stop = Event()
    thread = Thread(target=meter.run, args=(stop,))
    thread.start()
    try:
        yield meter
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def latest(meter: Meter, name: str, number: str) -> float:
    sample = meter.latest
    subjects = [one for one in sample.means if one.name == name] if sample else []
    return field(sample.means, subjects[0], number) if sample and subjects else math.nan


def test_a_container_that_works_is_seen_to(engine: DockerEngine, project: str, test_image: str, tmp_path: Path) -> None:
    """Its cpu, memory and processes by its control group; no more once it is gone; a new one within one turn."""
    busy = shell("while :; do :; done")
    start(project, "idle", test_image, labels=OURS)
    with measuring(engine, tmp_path) as meter:
        wait_until(lambda: latest(meter, f"{project}-idle-1", "memory") > 0, "it is measured", 20)
        assert latest(meter, f"{project}-idle-1", "cpu") < 0.2
        id_ = start(project, "busy", test_image, busy, OURS, ("--cpus=0.5", "--memory=64m"))
        meter.note(EngineEvent("start", id_, project, "busy", time.time()))
        wait_until(lambda: latest(meter, f"{project}-busy-1", "cpu") > 0.25, "its work is seen", 20)
        assert latest(meter, f"{project}-busy-1", "memory_limit") == 64 << 20
        assert latest(meter, f"{project}-busy-1", "pids") >= 1
        assert meter.latest
        subject = next(one for one in meter.latest.means if one.name == f"{project}-busy-1")
        assert subject == Subject("container", f"{project}-busy-1", "default.shop", "busy")
        run_docker("restart", "-t", "0", id_)
        meter.note(EngineEvent("start", id_, project, "busy", time.time()))
        wait_until(lambda: latest(meter, f"{project}-busy-1", "cpu") > 0.25, "as a new process too", 20)
        run_docker("rm", "-f", id_)
        wait_until(lambda: math.isnan(latest(meter, f"{project}-busy-1", "cpu")), "it is gone", 20)
        found = meter.range({"from": "-1m", "kind": "container", "application": "default.shop"}, datetime.now(UTC))
        names = {line["name"] for line in found["lines"]}  # type: ignore[attr-defined]
        assert names >= {f"{project}-busy-1", f"{project}-idle-1"}, "what was, stays in the history"


def test_the_host_is_what_its_own_tools_say(tmp_path: Path) -> None:
    """Memory, file systems and interfaces, as the kernel has them for process 1."""
    reading = KernelHost().read(())
    node = Subject("node")
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert field(reading.values, node, "memory_total") == int(meminfo["MemTotal"].split()[0]) * 1024
    assert field(reading.values, node, "uptime") > 0
    assert field(reading.values, Subject("disk", "/"), "size") > 0
    interfaces = {one.name for one in reading.values if one.kind == "network"}
    assert not any(name == "lo" or name.startswith("veth") for name in interfaces)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_members_of_etcd_tell_the_time(tmp_path: Path, secure: bool) -> None:
    """To within a second, with a client certificate where they ask for one; one that is gone tells nothing."""
    with etcd_members(tls=Authority(tmp_path) if secure else None) as cluster:
        clocks = EtcdClocks(cluster.endpoints, cluster.members[0].tls)
        (one,) = clocks.ahead()
        assert -1.5 < one.least <= 0.1 and -0.1 <= one.most < 1.5
        assert one.most - one.least < 2
        assert clock((one,), Thresholds())[0].strain < 1
        cluster.members[0].kill()
        assert clocks.ahead() == ()


@contextmanager
def door(meter: Meter, engine: DockerEngine, folder: Path) -> Iterator[tuple[str, Authority]]:
    """The agent's live reads, and the authority of those who may ask."""
    authority, port, stop = Authority(folder / "pki"), free_port(), Event()
    cert, key = authority.issue("agent")
    files, reads = Files(str(authority.path), str(cert), str(key)), Reads(engine, Wishes(MemoryKV()), meter)
    thread = Thread(target=serve, args=(("127.0.0.1", port), files, reads, stop))
    thread.start()
    try:
        yield f"127.0.0.1:{port}", authority
    finally:
        stop.set()
        thread.join(10)


def test_an_agent_answers_app_servers_and_prometheus(engine: DockerEngine, tmp_path: Path) -> None:
    """An app server gets ranges, a certificate of the name prometheus the host's gauges alone, any other nothing."""
    meter = Meter(Metering(KernelHost(), MetricFiles(tmp_path / "m", LEVELS, 1 << 22), LEVELS, 1), engine, str)
    meter.measure()
    wait_until(lambda: meter.measure() or meter.latest, "it has measured twice")
    with door(meter, engine, tmp_path) as (address, authority):
        cert, key = authority.issue("serve")
        client = NodeClient({"n1": address}.get, NodeTls(str(authority.path), str(cert), str(key)))
        wait_until(lambda: reached(client), "the door is open")
        found = client.metrics("n1", {"from": "-1m", "kind": "node"})
        assert {line["field"] for line in found["lines"]} >= {"cpu", "memory"}  # type: ignore[attr-defined]
        with pytest.raises(NodeError, match="kind: 'gpu' is none of node"):
            client.metrics("n1", {"kind": "gpu"})
        status, text = scraped(address, authority, "prometheus", "/metrics")
        assert (status, "moorage_host_cpu_cores " in text, "container" in text) == (200, True, False)
        for path in ("/metrics-range", "/projects", "/logs?id=x", "/images"):
            assert scraped(address, authority, "prometheus", path)[0] == 404
        with pytest.raises(OSError):  # noqa: PT011  # the connection ends without a word
            scraped(address, authority, "somebody", "/metrics")


def reached(client: NodeClient) -> bool:
    try:
        client.metrics("n1", {})
    except NodeError:
        return False
    return True


def scraped(address: str, authority: Authority, name: str, path: str) -> tuple[int, str]:
    cert, key = authority.issue(name)
    context = ssl.create_default_context(cafile=str(authority.path))
    context.load_cert_chain(cert, key)
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
