"""A cluster that is a Swarm: projects become stacks, which Swarm mode places, updates and keeps up.

No routing mesh here: this kernel cannot do it. Services are found by their networks, as `dnsrr` has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from tests.lab.bridged import Bridged
from tests.lab.engine import Dockerd
from tests.lab.etcd import Cluster
from tests.lab.fleet import Fleet, fleet
from tests.lab.images import busybox
from tests.lab.switch import Switch, switch
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow]

CLUSTER = "harbour"
NODES = 3


@pytest.fixture(scope="module")
def lan() -> Iterator[Switch]:
    with switch() as made:
        yield made


@pytest.fixture(scope="module")
def harbour(etcd: Cluster, lan: Switch) -> Iterator[Fleet]:
    """Three managers."""

    @contextmanager
    def engine() -> Iterator[Bridged]:
        with lan.dockerd() as made:
            yield made

    def form(engines: Sequence[Dockerd]) -> None:
        lan.swarm([cast(Bridged, one) for one in engines], managers=NODES)

    with fleet(etcd, "/stacks/", NODES, engine, cluster=CLUSTER, prepare=form) as made:
        said = made.servers.moorage("cluster", "put", CLUSTER, "--kind", "swarm")
        assert said.returncode == 0, said.stderr
        wait_until(lambda: _managers(made) == NODES, "every node is known for a manager", 90)
        yield made


def _managers(made: Fleet) -> int:
    items = made.servers.api.get("nodes").json()["items"]
    return sum(one["engine"]["swarm"] == "manager" for one in items if one["engine"])


def project(command: str = "exec sleep 1000", more: str = "", service: str = "") -> str:
    return f"""
services:
  web:
    image: {busybox()}
    command: [sh, -c, "{command}"]
    stop_grace_period: 0s
    deploy: {{endpoint_mode: dnsrr}}
{service}
x-moorage: {{replicas: 3, settle: 0s, timeout: 40s{more}}}
"""


def deploy(made: Fleet, name: str, compose: str) -> dict[str, Any]:
    """The operation, at its end."""
    answer = made.servers.api.post("applications", {"cluster": CLUSTER, "name": name, "compose": compose})
    assert answer.status_code == 202, answer.text
    return made.servers.api.wait(answer.json()["id"])


def service(made: Fleet, name: str, node: str = "n1") -> dict[str, Any]:
    told: list[dict[str, Any]] = json.loads(made.hosts[node].engine.run("service", "inspect", name))
    return told[0]


def test_a_project_becomes_a_stack(harbour: Fleet) -> None:
    """Its copies are Swarm's, on the nodes that Swarm chose; the application's page says where each is."""
    done = deploy(harbour, "fleet", project())
    assert done["state"] == "done", done
    assert service(harbour, "fleet_web")["Spec"]["Mode"] == {"Replicated": {"Replicas": 3}}
    app = harbour.servers.api.get(f"applications/{CLUSTER}/fleet").json()
    print(json.dumps(app, indent=1)[:3000])
    assert app["state"] == "running"


def tasks(made: Fleet, name: str) -> list[dict[str, Any]]:
    """Those that Swarm wants to run."""
    form = ("--filter", "desired-state=running", "--format", "{{json .}}", "--no-trunc")
    return [json.loads(line) for line in made.hosts["n1"].engine.run("service", "ps", *form, name).splitlines()]


def shown(made: Fleet, name: str) -> dict[str, Any]:
    told: dict[str, Any] = made.servers.api.get(f"applications/{CLUSTER}/{name}").json()
    return told


def cli(made: Fleet, *argv: str) -> str:
    done = made.servers.moorage(*argv)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_swarm_replaces_what_changed_and_nothing_else(harbour: Fleet) -> None:
    """Another command for one service; the other's tasks stay. Then the same again: no one is touched."""
    beside = f"  side: {{image: {busybox()}, command: [sleep, '1000'], deploy: {{endpoint_mode: dnsrr}}}}"
    assert deploy(harbour, "pair", project(service=beside))["state"] == "done"
    before = {one["Name"]: one["ID"] for n in ("web", "side") for one in tasks(harbour, f"pair_{n}")}
    assert deploy(harbour, "pair", project("exec sleep 2000", service=beside))["state"] == "done"
    after = {one["Name"]: one["ID"] for n in ("web", "side") for one in tasks(harbour, f"pair_{n}")}
    assert {name for name in after if after[name] == before[name]} == {"pair_side.1", "pair_side.2", "pair_side.3"}
    assert shown(harbour, "pair")["state"] == "running"
    again = harbour.servers.api.post(
        "applications", {"cluster": CLUSTER, "name": "pair", "compose": project("exec sleep 2000", service=beside)}
    )
    assert (again.status_code, again.json()["changed"]) == (200, False)


def test_what_does_not_come_up_is_put_back(harbour: Fleet) -> None:
    """Swarm pauses the update at its first failure; the revision before is Swarm's again, and the causes are told."""
    assert deploy(harbour, "weak", project())["state"] == "done"
    done = deploy(harbour, "weak", project("echo no harbour in sight; exit 3", more=", update: {monitor: 2s}"))
    assert done["state"] == "failed"
    assert any("no harbour in sight" in line for cause in done["causes"] for line in cause["logs"]), done["causes"]
    assert "sleep 1000" in str(service(harbour, "weak_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"])
    app = shown(harbour, "weak")
    assert (app["revision"], app["state"]) == (1, "running"), app
    wait_until(lambda: len(tasks(harbour, "weak_web")) == 3, "all run")


def test_what_never_came_up_is_gone(harbour: Fleet) -> None:
    done = deploy(harbour, "never", project("exit 4"))
    assert done["state"] == "failed"
    assert "4" in str(done["causes"]), done
    wait_until(lambda: not harbour.hosts["n1"].engine.run("service", "ls", "-q", "-f", "name=never"), "it is gone")


def test_what_somebody_did_by_hand_is_told_and_healed(harbour: Fleet) -> None:
    """Scaled, given a variable, removed: seen within seconds; healed where the application says so."""
    engine = harbour.hosts["n2"].engine
    assert deploy(harbour, "drift", project())["state"] == "done"
    engine.run("service", "scale", "-d", "drift_web=1")
    wait_until(lambda: [d["what"] for d in shown(harbour, "drift")["drift"]] == ["missing"], "it is told", 20)
    engine.run("service", "scale", "-d", "drift_web=3")
    wait_until(lambda: not shown(harbour, "drift")["drift"], "it is as it was", 20)
    engine.run("service", "update", "-d", "--env-add", "BY=hand", "drift_web")
    wait_until(lambda: "settings" in str(shown(harbour, "drift")["drift"]), "it is told", 20)
    assert deploy(harbour, "drift", project(more=", heal: true"))["state"] == "done"
    spec = service(harbour, "drift_web")["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert "BY=hand" not in spec.get("Env", [])
    engine.run("service", "rm", "drift_web")
    wait_until(lambda: len(tasks_or_none(harbour, "drift_web")) == 3, "it is healed", 30)


def tasks_or_none(made: Fleet, name: str) -> list[dict[str, Any]]:
    try:
        return tasks(made, name)
    except RuntimeError:
        return []


def test_stopped_started_restarted_scaled_and_deleted(harbour: Fleet) -> None:
    assert deploy(harbour, "life", project())["state"] == "done"
    first = {one["ID"] for one in tasks(harbour, "life_web")}
    cli(harbour, "app", "restart", f"{CLUSTER}/life", "--wait")
    assert not first & {one["ID"] for one in tasks(harbour, "life_web")}
    cli(harbour, "app", "stop", f"{CLUSTER}/life", "--wait")
    assert shown(harbour, "life")["state"] == "stopped"
    assert not tasks_or_none(harbour, "life_web")
    cli(harbour, "app", "start", f"{CLUSTER}/life", "--wait")
    assert len(tasks(harbour, "life_web")) == 3
    cli(harbour, "app", "delete", f"{CLUSTER}/life", "--yes", "--wait")
    assert not harbour.hosts["n1"].engine.run("service", "ls", "-q", "-f", "name=life")
    assert not harbour.hosts["n1"].engine.run("network", "ls", "-q", "-f", "name=life")
