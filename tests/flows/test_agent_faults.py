"""The agent and the store die in the middle; everything comes back without a person."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from appserver.adapters.compose import DockerCompose
from appserver.adapters.engine import DockerEngine
from appserver.core.entities import AppKey, Desired, Options
from appserver.store import keys
from tests.lab.agents import NODE, SEALER, Rig, probe, rig, service
from tests.lab.certs import Authority
from tests.lab.daemon import Daemon, free_port
from tests.lab.etcd import Cluster, ClusterFactory
from tests.lab.kv import client
from tests.lab.processes import write_toml
from tests.lab.records import revision
from tests.lab.wait import wait_until

IDLE_RSS = 64 * 2**20


@pytest.fixture
def prefix() -> str:
    return f"/agent-{os.getpid()}-{next(_numbers)}/"


@pytest.fixture
def agent(etcd_server: Cluster, prefix: str, engine_socket: str, project: str, tmp_path: Path) -> Iterator[Daemon]:
    """`moorage agent` as a process, over the keys of this test. It ends before the project is removed."""
    assert project
    authority = Authority(tmp_path / "pki")
    cert, cert_key = authority.issue("agent")
    seal = tmp_path / "seal.key"
    seal.write_text(base64.b64encode(bytes(range(32))).decode())
    port = free_port()
    settings = {
        "etcd_endpoints": list(etcd_server.endpoints),
        "prefix": prefix,
        "seal_key": str(seal),
        "name": NODE,
        "listen": f"127.0.0.1:{port}",
        "address": f"127.0.0.1:{port}",
        "state_dir": str(tmp_path / "state"),
        "run_dir": str(tmp_path / "run"),
        "ca": str(authority.path),
        "cert": str(cert),
        "key": str(cert_key),
        "engine": engine_socket,
    }
    daemon = Daemon("agent", write_toml(tmp_path / "agent.toml", settings), tmp_path, f"127.0.0.1:{port}")
    daemon.start()
    yield daemon
    daemon.kill()


@pytest.fixture
def looker(
    etcd_server: Cluster, prefix: str, engine: DockerEngine, compose: DockerCompose, tmp_path: Path
) -> Iterator[Rig]:
    """Writes and reads as the app server does; the agent is the test's own."""
    with client(etcd_server, prefix) as kv:
        yield Rig(kv, engine, compose, tmp_path / "unused")


def test_an_agent_killed_in_mid_deploy_finishes_and_starts_nothing_twice(
    agent: Daemon, looker: Rig, key: AppKey, test_image: str
):
    """`kill -9` while Compose waits for one service to start the next: each container is made once."""
    late = probe("test $$(date +%s) -gt $$(($$(stat -c %Y /proc/1) + 2))")
    slow = service(test_image, healthcheck={**late, "start_period": "30s"})
    web = service(test_image, depends_on={"slow": {"condition": "service_healthy"}})
    one = revision(key, 1, {"slow": slow, "web": web})
    commit = looker.want(key, Desired(1, 0), one)
    wait_until(lambda: f"{key.name}-slow-1" in looker.ids(key), "the first service is there", 30)
    agent.kill()
    made = looker.ids(key)
    agent.start()
    seen = looker.rest(key, commit)
    assert (seen.phase, seen.revision, seen.drift) == ("done", 1, ()), agent.log[-4000:]
    after = looker.ids(key)
    assert (set(after), {name: after[name] for name in made}) == ({f"{key.name}-slow-1", f"{key.name}-web-1"}, made)
    created = _created(key.name)
    assert created == {"slow": 1, "web": 1}


def test_an_agent_killed_while_it_puts_back_goes_on_with_that(agent: Daemon, looker: Rig, key: AppKey, test_image: str):
    """The revision that failed is not tried once more."""
    looker.rest(key, looker.want(key, Desired(1, 0), revision(key, 1, {"web": service(test_image)})))
    bad = service(test_image, command=["/bin/busybox", "sh", "-c", "exit 9"], stop_grace_period="4s")
    commit = looker.want(key, Desired(2, 1), revision(key, 2, {"web": bad}))
    looker.until(key, lambda o: o.acted_on == commit and o.failed == 2)
    agent.kill()
    agent.start()
    seen = looker.rest(key, commit)
    assert (seen.phase, seen.revision, seen.failed, seen.causes[0].exit_code) == ("failed", 1, 2, 9)
    assert [c.state for c in looker.engine.containers(key.name)] == ["running"]


@pytest.mark.slow
def test_an_idle_agent_is_small(agent: Daemon, looker: Rig, key: AppKey, test_image: str):
    """At most 64 MiB, with one application that it has deployed, a secret in it."""
    secret = {"DB_PASSWORD": SEALER.seal("swordfish", str(key))}
    web = service(test_image, environment=secret)
    looker.rest(key, looker.want(key, Desired(1, 0), revision(key, 1, {"web": web})))
    assert agent.process is not None
    status = Path(f"/proc/{agent.process.pid}/status").read_text()
    rss = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
    assert rss <= IDLE_RSS, f"{rss / 2**20:.1f} MiB"


def test_without_the_store_containers_are_kept_and_told_of_later(
    etcd_cluster: ClusterFactory,
    engine: DockerEngine,
    compose: DockerCompose,
    tmp_path: Path,
    key: AppKey,
    test_image: str,
):
    """A container removed while etcd is down is put back then, and reported when it is up again."""
    cluster = etcd_cluster()
    with client(cluster, timeout_s=2.0) as kv, rig(kv, engine, compose, tmp_path / "state") as node:
        options = Options(heal=True, settle_s=0.2, timeout_s=20)
        one = revision(key, 1, {"web": service(test_image)}, options)
        node.rest(key, node.want(key, Desired(1, 0), one))
        before = node.ids(key)
        cluster.members[0].kill()
        subprocess.run(("docker", "rm", "-f", f"{key.name}-web-1"), capture_output=True, check=True)
        wait_until(lambda: node.ids(key) and node.ids(key) != before, "the container is back without the store", 20)
        cluster.members[0].start()
        node.until(key, lambda o: o.attempts > 0 and not o.drift, timeout_s=30)
        wait_until(lambda: keys.alive(NODE) in kv.snapshot("alive/").items, "the node is on again", 20)
        two = revision(key, 2, {"web": service(test_image, mem_limit="67108864")}, options)
        assert node.rest(key, node.want(key, Desired(2, 1), two)).phase == "done"


def test_what_is_not_on_record_is_not_guessed(looker: Rig, agent: Daemon, key: AppKey):
    """A wish for a revision that nobody wrote fails with those words."""
    seen = looker.rest(key, looker.want(key, Desired(7, 0)))
    assert (seen.phase, seen.causes[0].why) == ("failed", f"revision 7 of {key} is not on record")


def _created(project: str) -> dict[str, int]:
    """How often the engine made a container for each service, by its own events."""
    argv = ("docker", "events", "--since", "10m", "--until", "0s", "--format", "{{json .}}", "--filter", "event=create")
    of_project = ("--filter", f"label=com.docker.compose.project={project}")
    told = subprocess.run((*argv, *of_project), capture_output=True, text=True, check=True).stdout
    made = [json.loads(line)["Actor"]["Attributes"]["com.docker.compose.service"] for line in told.splitlines()]
    return {name: made.count(name) for name in made}


_numbers = count(1)
