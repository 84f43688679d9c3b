"""Applications that move between a cluster of engines and a Swarm: up there first, then gone here, or all as it was.

The Swarm has two nodes, of which n1 manages it; e1 is a node of the cluster `default`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.etcd import Cluster
from tests.lab.fleet import PROJECT, Fleet, Host, load
from tests.lab.front import Front, front_of
from tests.lab.harbour import CLUSTER, harbour
from tests.lab.images import busybox
from tests.lab.visitors import ask, visiting
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow]

ENGINES, SWARM = "default", CLUSTER


@pytest.fixture(scope="module")
def both(etcd: Cluster) -> Iterator[Fleet]:
    with harbour(etcd, "/stackmoves/", managers=1, nodes=2) as swarm, swarm.lan.dockerd() as apart:
        made = swarm.fleet
        load(apart, subprocess.run(("docker", "save", busybox()), capture_output=True, check=True).stdout)
        told = {"engine": apart.socket, "cluster": ENGINES, "ip": apart.address, "lrn": -1}
        with made.servers.another_agent("e1", told) as agent:
            made.hosts["e1"] = Host("e1", agent, apart)
            wait_until(made.all_well, "every node is well", 60)
            yield made


@pytest.fixture(scope="module")
def quay(both: Fleet) -> Iterator[Front]:
    with front_of(both.servers) as made:
        yield made


def project(command: str = "exec sleep 1000", more: str = "") -> str:
    return f"""
services:
  web:
    image: {busybox()}
    command: [sh, -c, "{command}"]
    environment: {{DB_PASSWORD: hunter-two}}
    stop_grace_period: 0s
    deploy: {{endpoint_mode: dnsrr}}
    volumes: ["data:/data"]
{more}
volumes: {{data: {{}}}}
x-moorage: {{settle: 1s, timeout: 40s}}
"""


def deploy(made: Fleet, name: str, compose: str) -> None:
    answer = made.servers.api.post("applications", {"cluster": ENGINES, "name": name, "compose": compose})
    assert answer.status_code == 202, answer.text
    assert made.servers.api.wait(answer.json()["id"])["state"] == "done"


def move(made: Fleet, app: str, to: str, *more: str) -> subprocess.CompletedProcess[str]:
    return made.servers.moorage("app", "move", app, "--to", to, *more)


def here(made: Fleet, name: str) -> list[str]:
    """Containers of it that run on e1."""
    return made.hosts["e1"].containers(name)


def tasks(made: Fleet, name: str) -> list[dict[str, Any]]:
    """Those of the stack's service that run, as the manager has it."""
    engine = made.hosts["n1"].engine
    if not engine.run("service", "ls", "-q", "-f", f"name={name}_web").split():
        return []
    form = ("--filter", "desired-state=running", "--format", "{{json .}}", "--no-trunc")
    found = [json.loads(line) for line in engine.run("service", "ps", *form, f"{name}_web").splitlines()]
    return [one for one in found if one["CurrentState"].startswith("Running")]


def state(made: Fleet, cluster: str, name: str) -> str:
    answer = made.servers.api.get(f"applications/{cluster}/{name}")
    return str(answer.json()["state"]) if answer.status_code == 200 else ""


def moved(made: Fleet, cluster: str, name: str) -> dict[str, Any]:
    told: dict[str, Any] = made.servers.api.get(f"applications/{cluster}/{name}/move").json()
    return told


def test_to_a_swarm_and_back(both: Fleet) -> None:
    """The plan says what changes; what it wrote stays behind where it was, and is there when it comes back."""
    deploy(both, "ship", project("echo once >> /data/log; exec sleep 1000"))
    planned = move(both, "ship", SWARM, "--dry-run")
    assert planned.returncode == 3, planned.stderr
    told = planned.stdout
    assert "web: create — from default, on n1; run otherwise there" in told
    assert "web in default: remove — once all of it is up in harbour" in told
    assert "deploy.restart_policy.condition: any" in told
    assert "volume ship_data stays behind in default: its data is not copied" in told
    assert "hunter-two" not in told and "***" not in told
    before = both.servers.api.get("applications/default/ship/revisions/1").json()["images"]

    gone = move(both, "ship", SWARM)
    assert gone.returncode == 0, gone.stderr
    assert "done: ship is in harbour" in gone.stdout
    assert (len(tasks(both, "ship")), here(both, "ship"), state(both, ENGINES, "ship")) == (1, [], "")
    assert state(both, SWARM, "ship") == "running"
    assert both.servers.api.get("applications/harbour/ship/revisions/1").json()["images"] == before
    assert "ship_data" in both.hosts["e1"].engine.run("volume", "ls", "-q").split()

    back = move(both, f"{SWARM}/ship", ENGINES)
    assert back.returncode == 0, back.stderr
    assert (tasks(both, "ship"), len(here(both, "ship")), state(both, SWARM, "ship")) == ([], 1, "")
    engine = both.hosts["e1"].engine
    assert engine.run("exec", here(both, "ship")[0], "cat", "/data/log").split() == ["once", "once"]
    assert engine.run("exec", here(both, "ship")[0], "sh", "-c", "echo $DB_PASSWORD").strip() == "hunter-two"


def test_what_does_not_come_up_there_stays_as_it_is_here(both: Fleet) -> None:
    """It needs what only the volume here holds."""
    engine = both.hosts["e1"].engine
    engine.run("volume", "create", "anchor_data", "--label", "com.docker.compose.project=anchor")
    engine.run("run", "--rm", "-v", "anchor_data:/data", busybox(), "touch", "/data/chain")
    deploy(both, "anchor", project("test -e /data/chain || { echo no chain here; exit 3; }; exec sleep 1000"))
    before = here(both, "anchor")
    failed = move(both, "anchor", SWARM)
    assert failed.returncode == 1, failed.stdout
    assert "it did not come up in harbour" in failed.stderr
    assert "no chain here" in failed.stderr
    assert (here(both, "anchor"), state(both, ENGINES, "anchor")) == (before, "running")
    assert (tasks(both, "anchor"), state(both, SWARM, "anchor")) == ([], "")


@pytest.mark.night
@pytest.mark.parametrize("moment", ["arriving", "leaving"])
def test_it_outlasts_the_app_server(both: Fleet, moment: str) -> None:
    """Killed in the middle and started again: the move is carried on from where it was."""
    name = f"kill-{moment}"
    more = """    healthcheck: {test: [CMD, test, -e, /tmp/up], interval: 1s, retries: 60}"""
    deploy(both, name, project("trap 'sleep 4; exit' TERM; sleep 3; touch /tmp/up; while :; do sleep 0.2; done", more))
    if moment == "leaving":
        both.hosts["e1"].agent.freeze()
    answer = both.servers.api.post(f"applications/default/{name}/move", {"to": SWARM})
    assert (answer.status_code, answer.json()["state"]) == (202, "arriving"), answer.text
    wait_until(lambda: moved(both, ENGINES, name)["state"] == moment, f"it is {moment}", 60)
    both.servers.kill_serve()
    both.hosts["e1"].agent.thaw()
    both.servers.serve.start()
    wait_until(lambda: moved(both, ENGINES, name)["state"] == "done", "it is carried on", 90)
    assert (len(tasks(both, name)), here(both, name)) == (1, [])
    wait_until(both.all_well, "every node is well", 40)


@pytest.mark.night
def test_one_that_is_stopped_is_moved_stopped(both: Fleet) -> None:
    deploy(both, "dock", project())
    said = both.servers.moorage("app", "stop", "dock")
    assert said.returncode == 0, said.stderr
    said = move(both, "dock", SWARM)
    assert said.returncode == 0, said.stderr
    assert (tasks(both, "dock"), state(both, SWARM, "dock"), state(both, ENGINES, "dock")) == ([], "stopped", "")
    leftover = both.hosts["e1"].engine.run("ps", "-aq", "--filter", f"{PROJECT}=dock").split()
    assert leftover == []
    said = both.servers.moorage("app", "start", f"{SWARM}/dock")
    assert said.returncode == 0, said.stderr
    assert (len(tasks(both, "dock")), state(both, SWARM, "dock")) == (1, "running")


def test_an_option_that_a_stack_has_not_is_the_plans_refusal(both: Fleet) -> None:
    deploy(both, "crane", project(more="    security_opt: [no-new-privileges]"))
    said = move(both, "crane", SWARM, "--dry-run")
    assert said.returncode == 2, said.stdout
    assert "web.security_opt: Swarm has no such option" in said.stderr


@pytest.mark.night
def test_no_request_fails_while_it_moves(both: Fleet, quay: Front) -> None:
    """Its route changes hands once it answers there: at 50 requests a second, to the Swarm and back."""
    host = "barge.example.net"
    probe = "[CMD, /bin/busybox, wget, -q, -O, /dev/null, 'http://127.0.0.1/']"
    text = project(
        "hostname > /data/index.html; exec httpd -f -p 80 -h /data",
        f"    healthcheck: {{test: {probe}, interval: 300ms}}",
    ).replace("timeout: 40s", f"timeout: 40s, expose: {{service: web, port: 80, host: {host}}}")
    deploy(both, "barge", text)
    wait_until(lambda: ask(quay.port, host)[0] == 200, "it is reached", 10)
    with visiting(quay.port, host) as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        said = move(both, "barge", SWARM)
        assert said.returncode == 0, said.stderr
        there = visits.count
        wait_until(lambda: visits.count > there + 50, "requests go on")
        said = move(both, f"{SWARM}/barge", ENGINES)
        assert said.returncode == 0, said.stderr
        back = visits.count
        wait_until(lambda: visits.count > back + 50, "requests go on")
    assert visits.failed == {}, visits.answers
    assert len(visits.answers) == 3, visits.answers
