"""Killed in mid-deployment: app server, agent, etcd. Each comes back and the deployment ends as if nothing was."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.lab.etcd import Cluster
from tests.lab.processes import Servers, app_server
from tests.lab.wait import wait_until

NAME = "faulty"


@pytest.fixture(scope="module")
def pair(etcd: Cluster) -> Iterator[Servers]:
    """An app server and an agent that may be killed."""
    with app_server(etcd, "/faults/") as started:
        yield started


@pytest.fixture
def slow(pair: Servers, test_image: str) -> Iterator[str]:
    """Compose text of a service that takes two seconds to become healthy; what it left is removed."""
    pair.ensure_up()
    yield f"""
services:
  slow:
    image: {test_image}
    command: [/bin/busybox, sh, -c, "sleep 2; touch /up; exec sleep 600"]
    stop_grace_period: 0s
    healthcheck: {{test: ["CMD", "/bin/busybox", "test", "-f", "/up"], interval: 200ms, retries: 50}}
"""
    pair.remove(NAME)


def begin(pair: Servers, compose: str) -> str:
    answer = pair.api.post("applications", {"name": NAME, "compose": compose})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def ids() -> list[str]:
    chosen = f"label=com.docker.compose.project={NAME}"
    told = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc", "--filter", chosen], capture_output=True, text=True, check=True
    )
    return told.stdout.split()


def hurt_serve(pair: Servers, _: Cluster) -> None:
    pair.kill_serve()
    pair.serve.start()


def hurt_agent(pair: Servers, _: Cluster) -> None:
    pair.kill_agent()
    pair.agent.start()


def hurt_etcd(_: Servers, etcd: Cluster) -> None:
    member = etcd.members[0]
    member.kill()
    member.start()


def hurt_both(pair: Servers, _: Cluster) -> None:
    pair.kill_serve()
    pair.kill_agent()
    pair.agent.start()
    pair.serve.start()


def compact(_: Servers, etcd: Cluster) -> None:
    revision = etcd.etcdctl("endpoint", "status", "--write-out=fields")
    now = next(line.split(":")[1].strip() for line in revision.splitlines() if line.startswith('"Revision"'))
    etcd.etcdctl("compact", now)


@pytest.mark.parametrize("hurt", [hurt_serve, hurt_agent, hurt_etcd, hurt_both, compact])
def test_a_deployment_survives(
    pair: Servers, etcd: Cluster, slow: str, hurt: Callable[[Servers, Cluster], None]
) -> None:
    """The same operation ends well, with one container that was started once."""
    operation = begin(pair, slow)
    wait_until(lambda: len(ids()) == 1, "the container is made", 15)
    first = ids()
    hurt(pair, etcd)
    assert pair.api.wait(operation)["state"] == "done"
    assert ids() == first
    seen = pair.api.get(f"applications/default/{NAME}").json()
    assert (seen["state"], seen["revision"], seen["latest"]) == ("running", 1, 1)


def test_an_agent_that_was_away_catches_up(pair: Servers, slow: str) -> None:
    """What was decided in its absence is done when it is back; until then the application's state is not known."""
    pair.api.wait(begin(pair, slow))
    pair.kill_agent()
    wait_until(lambda: pair.api.get(f"applications/default/{NAME}").json()["state"] == "unknown", "noticed", 20)
    stop = pair.api.post(f"applications/default/{NAME}/stop").json()["id"]
    pair.agent.start()
    assert pair.api.wait(stop)["state"] == "done"
    running = subprocess.run(
        ["docker", "ps", "-q", "--filter", f"label=com.docker.compose.project={NAME}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert running.stdout == ""


def test_without_etcd_the_app_server_says_so_and_containers_run_on(pair: Servers, etcd: Cluster, slow: str) -> None:
    """A write is refused as 502, nothing is touched, and all is well when etcd is back."""
    pair.api.wait(begin(pair, slow))
    before = ids()
    member = etcd.members[0]
    member.kill()
    try:
        answer = pair.api.post("applications", {"name": NAME, "compose": slow.replace("sleep 600", "sleep 601")})
        assert answer.status_code in (502, 503), answer.text
        assert pair.api.get("/readyz").status_code == 503
        assert pair.api.get("/healthz").status_code == 200
    finally:
        member.start()
    wait_until(lambda: pair.api.get("/readyz").status_code == 200, "ready again", 20)
    pair.ensure_up()
    assert ids() == before
