"""A cluster that is a Swarm: projects become stacks, which Swarm mode places, updates and keeps up.

One manager here, and two workers; for several managers see test_stack_managers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.etcd import Cluster
from tests.lab.front import Front, front_of
from tests.lab.harbour import CLUSTER, Harbour, project
from tests.lab.harbour import harbour as harbour_of
from tests.lab.images import busybox
from tests.lab.visitors import ask, visiting
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def harbour(etcd: Cluster) -> Iterator[Harbour]:
    with harbour_of(etcd, "/stacks/", managers=1) as made:
        yield made


def test_a_project_becomes_a_stack(harbour: Harbour) -> None:
    """Its copies are Swarm's, on the nodes that Swarm chose; the application's page says where each is."""
    done = harbour.deploy("fleet", project())
    assert done["state"] == "done", done
    assert harbour.service("fleet_web")["Spec"]["Mode"] == {"Replicated": {"Replicas": 3}}
    app = harbour.fleet.servers.api.get(f"applications/{CLUSTER}/fleet").json()
    assert app["state"] == "running"


def test_swarm_replaces_what_changed_and_nothing_else(harbour: Harbour) -> None:
    """Another command for one service; the other's tasks stay. Then the same again: no one is touched."""
    beside = f"  side: {{image: {busybox()}, command: [sleep, '1000'], deploy: {{endpoint_mode: dnsrr}}}}"
    assert harbour.deploy("pair", project(service=beside))["state"] == "done"
    before = {one["Name"]: one["ID"] for n in ("web", "side") for one in harbour.tasks(f"pair_{n}")}
    assert harbour.deploy("pair", project("exec sleep 2000", service=beside))["state"] == "done"
    after = {one["Name"]: one["ID"] for n in ("web", "side") for one in harbour.tasks(f"pair_{n}")}
    assert {name for name in after if after[name] == before[name]} == {"pair_side.1", "pair_side.2", "pair_side.3"}
    assert harbour.shown("pair")["state"] == "running"
    again = harbour.fleet.servers.api.post(
        "applications", {"cluster": CLUSTER, "name": "pair", "compose": project("exec sleep 2000", service=beside)}
    )
    assert (again.status_code, again.json()["changed"]) == (200, False)


def test_what_does_not_come_up_is_put_back(harbour: Harbour) -> None:
    """Swarm pauses the update at its first failure; the revision before is Swarm's again, and the causes are told."""
    assert harbour.deploy("weak", project())["state"] == "done"
    done = harbour.deploy("weak", project("echo no harbour in sight; exit 3", more=", update: {monitor: 2s}"))
    assert done["state"] == "failed"
    assert any("no harbour in sight" in line for cause in done["causes"] for line in cause["logs"]), done["causes"]
    assert "sleep 1000" in str(harbour.service("weak_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"])
    wait_until(lambda: harbour.shown("weak")["state"] == "running", "it is as it was")
    assert harbour.shown("weak")["revision"] == 1
    wait_until(lambda: len(harbour.tasks("weak_web")) == 3, "all run")


@pytest.mark.night
def test_what_never_came_up_is_gone(harbour: Harbour) -> None:
    text = project("exit 4").replace("settle: 0s", "settle: 3s")  # each runs for a moment, all three at once perhaps
    done = harbour.deploy("never", text)
    assert done["state"] == "failed"
    assert "4" in str(done["causes"]), done
    wait_until(lambda: not harbour.docker("n1", "service", "ls", "-q", "-f", "name=never"), "it is gone")


@pytest.mark.night
def test_what_somebody_did_by_hand_is_told_and_healed(harbour: Harbour) -> None:
    """Scaled, given a variable, removed: seen within seconds; healed where the application says so."""
    engine = harbour.engine("n1")
    assert harbour.deploy("drift", project())["state"] == "done"
    engine.run("service", "scale", "-d", "drift_web=1")
    wait_until(lambda: [d["what"] for d in harbour.shown("drift")["drift"]] == ["missing"], "it is told", 20)
    engine.run("service", "scale", "-d", "drift_web=3")
    wait_until(lambda: not harbour.shown("drift")["drift"], "it is as it was", 20)
    engine.run("service", "update", "-d", "--env-add", "BY=hand", "drift_web")
    wait_until(lambda: "settings" in str(harbour.shown("drift")["drift"]), "it is told", 20)
    assert harbour.deploy("drift", project(more=", heal: true"))["state"] == "done"
    spec = harbour.service("drift_web")["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert "BY=hand" not in spec.get("Env", [])
    engine.run("service", "rm", "drift_web")
    wait_until(lambda: len(harbour.tasks("drift_web")) == 3, "it is healed", 30)


def test_stopped_started_restarted_scaled_and_deleted(harbour: Harbour) -> None:
    assert harbour.deploy("life", project())["state"] == "done"
    first = {one["ID"] for one in harbour.tasks("life_web")}
    harbour.cli("app", "restart", f"{CLUSTER}/life", "--wait")
    assert not first & {one["ID"] for one in harbour.tasks("life_web")}
    harbour.cli("app", "stop", f"{CLUSTER}/life", "--wait")
    assert harbour.shown("life")["state"] == "stopped"
    assert not harbour.tasks("life_web")
    harbour.cli("app", "start", f"{CLUSTER}/life", "--wait")
    assert len(harbour.tasks("life_web")) == 3
    harbour.cli("app", "scale", f"{CLUSTER}/life", "web=2")
    assert len(harbour.tasks("life_web")) == 2
    harbour.cli("app", "delete", f"{CLUSTER}/life", "--yes", "--wait")
    assert not harbour.docker("n1", "service", "ls", "-q", "-f", "name=life")
    wait_until(lambda: not harbour.docker("n1", "network", "ls", "-q", "-f", "name=life"), "its network is forgotten")


def test_swarm_knows_the_nodes_as_they_are_on_record(harbour: Harbour, etcd: Cluster) -> None:
    """By label and name a service is placed; a cordon pauses a node, a drain empties it, and both end."""
    wait_until(lambda: harbour.member("n2")["Labels"].get("moorage.node") == "n2", "it is known by its name", 90)
    assert harbour.member("n2")["Labels"]["rack"] == "b"
    placed = "deploy: {endpoint_mode: dnsrr, placement: {constraints: [node.labels.rack == a]}}"
    compose = project().replace("deploy: {endpoint_mode: dnsrr}", placed)
    assert harbour.deploy("racked", compose)["state"] == "done"
    assert harbour.where("racked") == {"n1", "n3"}
    harbour.cli("node", "drain", "n3", "--yes")
    wait_until(lambda: harbour.member("n3")["Availability"] == "drain", "Swarm empties it", 40)
    wait_until(lambda: harbour.where("racked") == {"n1"}, "all are on n1, and on record there", 40)
    harbour.cli("node", "undrain", "n3")
    wait_until(lambda: harbour.member("n3")["Availability"] == "active", "Swarm may use it", 40)
    harbour.cli("node", "cordon", "n3")
    wait_until(lambda: harbour.member("n3")["Availability"] == "pause", "Swarm places nothing there", 40)
    harbour.cli("node", "undrain", "n3")
    wait_until(lambda: harbour.member("n3")["Availability"] == "active", "Swarm may use it", 40)


def test_logs_come_from_wherever_a_container_runs(harbour: Harbour) -> None:
    assert harbour.deploy("talk", project("echo ahoy from $$HOSTNAME; exec sleep 1000"))["state"] == "done"
    said = harbour.cli("app", "logs", f"{CLUSTER}/talk")
    assert said.count("ahoy from") == 3, said
    assert len({line.split()[-1] for line in said.splitlines()}) == 3, said


SEALED = """
services:
  web:
    image: {image}
    command: [sh, -c, "exec sleep 1000"]
    environment: {{DB_PASSWORD: hornpipe}}
    stop_grace_period: 0s
    deploy: {{endpoint_mode: dnsrr}}
    configs: [{{source: motd, target: /motd}}]
    secrets: [{{source: key, mode: 0400}}]
configs: {{motd: {{content: "{motd}"}}}}
secrets: {{key: {{environment: KEY}}}}
x-moorage: {{settle: 0s}}
"""


def test_configs_and_secrets_are_swarms(harbour: Harbour, etcd: Cluster) -> None:
    """Another content is another config, and the service that mounts it is updated; what is not mounted goes."""

    def put(motd: str) -> dict[str, Any]:
        text = SEALED.format(image=busybox(), motd=motd)
        told = {"cluster": CLUSTER, "name": "sealed", "compose": text, "env": "KEY=capstan"}
        answer = harbour.fleet.servers.api.post("applications", told)
        assert answer.status_code == 202, answer.text
        return harbour.fleet.servers.api.wait(answer.json()["id"])

    assert put("fair winds")["state"] == "done"
    assert put("foul winds")["state"] == "done"
    engine = harbour.fleet.hosts["n1"].engine
    mine = ("--filter", "label=com.docker.stack.namespace=sealed", "--format", "{{.Name}}")
    assert len(engine.run("config", "ls", *mine).split()) == 1
    assert len(engine.run("secret", "ls", *mine).split()) == 1
    [task] = harbour.tasks("sealed_web")
    for host in harbour.fleet.hosts.values():
        if ident := host.engine.run("ps", "-q", "--filter", f"label=com.docker.swarm.task.id={task['ID']}").strip():
            said = host.engine.run("exec", ident, "sh", "-c", "cat /motd /run/secrets/key; echo $DB_PASSWORD")
            assert said == "foul windscapstanhornpipe\n"
    kept = etcd.etcdctl("get", "--prefix", "--print-value-only", harbour.prefix)
    assert "hornpipe" not in kept
    assert "capstan" not in kept


@pytest.fixture(scope="module")
def quay(harbour: Harbour) -> Iterator[Front]:
    with front_of(harbour.fleet.servers) as made:
        yield made


@pytest.mark.night
def test_routes_lead_to_a_stack_wherever_it_runs(harbour: Harbour, quay: Front) -> None:
    """At 50 requests a second none fails while Swarm updates it, the new ones first; it is reached after a drain."""
    host = "ferry.example.net"

    def ferry(greeting: str) -> str:
        begin = f"mkdir -p /d; echo {greeting} > /d/index.html; httpd -f -p 80 -h /d &"
        serve = f"{begin} trap 'sleep 2; exit' TERM; wait"  # Swarm does not ask the proxies before it ends one
        probe = "[CMD, /bin/busybox, wget, -q, -O, /dev/null, 'http://127.0.0.1/']"
        more = f", expose: {{service: web, port: 80, host: {host}}}, update: {{order: start-first, monitor: 1s}}"
        health = f"stop_grace_period: 10s\n    healthcheck: {{test: {probe}, interval: 300ms}}"
        return project(serve, more).replace("stop_grace_period: 0s", health)

    assert harbour.deploy("ferry", ferry("one"))["state"] == "done"
    wait_until(lambda: ask(quay.port, host) == (200, "one"), "it is reached", 10)
    with visiting(quay.port, host) as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        assert harbour.deploy("ferry", ferry("two"))["state"] == "done"
        before = visits.count
        wait_until(lambda: visits.count > before + 50, "requests go on")
    assert visits.failed == {}, visits.answers
    assert visits.said[-1] == "two"
    harbour.cli("node", "drain", "n2", "--yes")
    wait_until(lambda: harbour.member("n2")["Availability"] == "drain", "Swarm empties it", 40)
    wait_until(lambda: "n2" not in {one["Node"] for one in harbour.tasks("ferry_web")}, "it has left", 40)
    wait_until(lambda: ask(quay.port, host) == (200, "two"), "it is reached", 3)
    harbour.cli("node", "undrain", "n2")


def test_a_plan_says_what_a_stack_cannot_do(harbour: Harbour) -> None:
    """Refused where the application may lean on it, told where it only tunes; nothing begins."""
    text = project().replace(
        "    stop_grace_period: 0s", "    stop_grace_period: 0s\n    security_opt: [no-new-privileges]"
    )
    told = {"cluster": CLUSTER, "name": "plain", "compose": text}
    answer = harbour.fleet.servers.api.post("applications/plan", told)
    assert answer.status_code == 422, answer.text
    assert [one["where"] for one in answer.json()["errors"]] == ["web.security_opt"]
    text = project().replace("    stop_grace_period: 0s", "    stop_grace_period: 0s\n    cpu_shares: 512")
    answer = harbour.fleet.servers.api.post("applications/plan", {**told, "compose": text})
    assert answer.status_code == 200, answer.text
    assert "web: cpu_shares counts on engines alone" in answer.json()["warnings"]
    assert not harbour.docker("n1", "service", "ls", "-q", "-f", "name=plain")
