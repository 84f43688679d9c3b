"""A cluster that is a Swarm: projects become stacks, which Swarm mode places, updates and keeps up.

No routing mesh here: this kernel cannot do it. Services are found by their networks, as `dnsrr` has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from tests.lab.bridged import Bridged
from tests.lab.engine import Dockerd
from tests.lab.etcd import Cluster
from tests.lab.fleet import Fleet, fleet
from tests.lab.front import Front, front
from tests.lab.images import busybox
from tests.lab.switch import Switch, switch
from tests.lab.visitors import ask, visiting
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
x-moorage: {{replicas: 3, settle: 0s{more or ", timeout: 40s"}}}
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
    cli(harbour, "app", "scale", f"{CLUSTER}/life", "web=2")
    assert len(tasks(harbour, "life_web")) == 2
    cli(harbour, "app", "delete", f"{CLUSTER}/life", "--yes", "--wait")
    assert not harbour.hosts["n1"].engine.run("service", "ls", "-q", "-f", "name=life")
    assert not harbour.hosts["n1"].engine.run("network", "ls", "-q", "-f", "name=life")


def member(made: Fleet, node: str) -> dict[str, Any]:
    """A node's own words to Swarm: its labels and availability."""
    ident = made.hosts[node].engine.run("info", "--format", "{{.Swarm.NodeID}}").strip()
    told: list[dict[str, Any]] = json.loads(made.hosts["n1"].engine.run("node", "inspect", ident))
    return cast(dict[str, Any], told[0]["Spec"])


def where(etcd: Cluster, name: str) -> set[str]:
    """Nodes that have a container of it, as it is on record."""
    told = etcd.etcdctl("get", "--prefix", "--print-value-only", f"/stacks/containers/{CLUSTER}/")
    records = [json.loads(line) for line in told.splitlines() if line]
    return {one["node"] for one in records if one["application"] == f"{CLUSTER}.{name}"}


def test_swarm_knows_the_nodes_as_they_are_on_record(harbour: Fleet, etcd: Cluster) -> None:
    """By label and name a service is placed; a cordon pauses a node, a drain empties it, and both end."""
    wait_until(lambda: member(harbour, "n2")["Labels"].get("moorage.node") == "n2", "it is known by its name", 90)
    assert member(harbour, "n2")["Labels"]["rack"] == "b"
    placed = "deploy: {endpoint_mode: dnsrr, placement: {constraints: [node.labels.rack == a]}}"
    compose = project().replace("deploy: {endpoint_mode: dnsrr}", placed)
    assert deploy(harbour, "racked", compose)["state"] == "done"
    assert where(etcd, "racked") == {"n1", "n3"}
    cli(harbour, "node", "drain", "n3", "--yes")
    wait_until(lambda: member(harbour, "n3")["Availability"] == "drain", "Swarm empties it", 40)
    wait_until(lambda: where(etcd, "racked") == {"n1"}, "all are on n1, and on record there", 40)
    cli(harbour, "node", "undrain", "n3")
    wait_until(lambda: member(harbour, "n3")["Availability"] == "active", "Swarm may use it", 40)
    cli(harbour, "node", "cordon", "n3")
    wait_until(lambda: member(harbour, "n3")["Availability"] == "pause", "Swarm places nothing there", 40)
    cli(harbour, "node", "undrain", "n3")
    wait_until(lambda: member(harbour, "n3")["Availability"] == "active", "Swarm may use it", 40)


def test_logs_come_from_wherever_a_container_runs(harbour: Fleet) -> None:
    assert deploy(harbour, "talk", project("echo ahoy from $$HOSTNAME; exec sleep 1000"))["state"] == "done"
    said = cli(harbour, "app", "logs", f"{CLUSTER}/talk")
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


def test_configs_and_secrets_are_swarms(harbour: Fleet, etcd: Cluster) -> None:
    """Another content is another config, and the service that mounts it is updated; what is not mounted goes."""

    def put(motd: str) -> dict[str, Any]:
        text = SEALED.format(image=busybox(), motd=motd)
        told = {"cluster": CLUSTER, "name": "sealed", "compose": text, "env": "KEY=capstan"}
        answer = harbour.servers.api.post("applications", told)
        assert answer.status_code == 202, answer.text
        return harbour.servers.api.wait(answer.json()["id"])

    assert put("fair winds")["state"] == "done"
    assert put("foul winds")["state"] == "done"
    engine = harbour.hosts["n1"].engine
    mine = ("--filter", "label=com.docker.stack.namespace=sealed", "--format", "{{.Name}}")
    assert len(engine.run("config", "ls", *mine).split()) == 1
    assert len(engine.run("secret", "ls", *mine).split()) == 1
    [task] = tasks(harbour, "sealed_web")
    for host in harbour.hosts.values():
        if ident := host.engine.run("ps", "-q", "--filter", f"label=com.docker.swarm.task.id={task['ID']}").strip():
            said = host.engine.run("exec", ident, "sh", "-c", "cat /motd /run/secrets/key; echo $DB_PASSWORD")
            assert said == "foul windscapstanhornpipe\n"
    kept = etcd.etcdctl("get", "--prefix", "--print-value-only", "/stacks/")
    assert "hornpipe" not in kept
    assert "capstan" not in kept


def test_another_manager_takes_over_where_one_is_lost(harbour: Fleet, etcd: Cluster) -> None:
    """The agent that looks after a stack dies: no task is touched, and another goes on. Back, it touches nothing."""
    assert deploy(harbour, "heir", project())["state"] == "done"
    held = shown(harbour, "heir")["node"]
    before = {one["ID"] for one in tasks(harbour, "heir_web")}
    harbour.hosts[held].agent.kill()
    wait_until(lambda: shown(harbour, "heir")["node"] != held, "another manager has it", 60)
    wait_until(lambda: shown(harbour, "heir")["state"] == "running", "it has looked", 30)
    assert deploy(harbour, "heir", project(more=", heal: true"))["state"] == "done"
    harbour.hosts[held].agent.start()
    wait_until(harbour.all_well, "it is back", 60)
    gone = f"/stacks/desired/{held}/{CLUSTER}.heir"
    wait_until(lambda: gone not in etcd.etcdctl("get", "--keys-only", "--prefix", gone), "it let go", 60)
    assert {one["ID"] for one in tasks(harbour, "heir_web")} == before
    assert where(etcd, "heir") <= {"n1", "n2", "n3"}


@pytest.fixture(scope="module")
def quay(harbour: Fleet) -> Iterator[Front]:
    with TemporaryDirectory(prefix="moorage-front-") as name:
        Path(name).chmod(0o755)
        with front(harbour.servers, Path(name)) as made:
            yield made


def test_routes_lead_to_a_stack_wherever_it_runs(harbour: Fleet, quay: Front) -> None:
    """At 50 requests a second none fails while Swarm updates it, the new ones first; it is reached after a drain."""
    host = "ferry.example.net"

    def ferry(greeting: str) -> str:
        serve = f"mkdir -p /d; echo {greeting} > /d/index.html; exec httpd -f -p 80 -h /d"
        probe = "[CMD, /bin/busybox, wget, -q, -O, /dev/null, 'http://127.0.0.1/']"
        more = f", expose: {{service: web, port: 80, host: {host}}}, update: {{order: start-first, monitor: 1s}}"
        health = f"stop_grace_period: 0s\n    healthcheck: {{test: {probe}, interval: 300ms}}"
        return project(serve, more).replace("stop_grace_period: 0s", health)

    assert deploy(harbour, "ferry", ferry("one"))["state"] == "done"
    wait_until(lambda: ask(quay.port, host) == (200, "one"), "it is reached", 10)
    with visiting(quay.port, host) as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        assert deploy(harbour, "ferry", ferry("two"))["state"] == "done"
        before = visits.count
        wait_until(lambda: visits.count > before + 50, "requests go on")
    assert visits.failed == {}, visits.answers
    assert visits.said[-1] == "two"
    cli(harbour, "node", "drain", "n2", "--yes")
    wait_until(lambda: member(harbour, "n2")["Availability"] == "drain", "Swarm empties it", 40)
    wait_until(lambda: "n2" not in {one["Node"] for one in tasks(harbour, "ferry_web")}, "it has left", 40)
    wait_until(lambda: ask(quay.port, host) == (200, "two"), "it is reached", 3)
    cli(harbour, "node", "undrain", "n2")


def test_a_plan_says_what_a_stack_cannot_do(harbour: Fleet) -> None:
    """Refused where the application may lean on it, told where it only tunes; nothing begins."""
    text = project().replace(
        "    stop_grace_period: 0s", "    stop_grace_period: 0s\n    security_opt: [no-new-privileges]"
    )
    told = {"cluster": CLUSTER, "name": "plain", "compose": text}
    answer = harbour.servers.api.post("applications/plan", told)
    assert answer.status_code == 422, answer.text
    assert [one["where"] for one in answer.json()["errors"]] == ["web.security_opt"]
    text = project().replace("    stop_grace_period: 0s", "    stop_grace_period: 0s\n    cpu_shares: 512")
    answer = harbour.servers.api.post("applications/plan", {**told, "compose": text})
    assert answer.status_code == 200, answer.text
    assert "web: cpu_shares counts on engines alone" in answer.json()["warnings"]
    assert not harbour.hosts["n1"].engine.run("service", "ls", "-q", "-f", "name=plain")


def leader(made: Fleet) -> str:
    """The manager that leads, by its name on record."""
    wait_until(lambda: "Leader" in listed(made), "there is a leader", 60)
    ids = {host.engine.run("info", "--format", "{{.Swarm.NodeID}}").strip(): node for node, host in made.hosts.items()}
    return next(ids[line.split()[0]] for line in listed(made).splitlines() if line.endswith("Leader"))


def listed(made: Fleet) -> str:
    """Swarm's nodes; empty while it has no leader."""
    try:
        return made.hosts["n1"].engine.run("node", "ls", "--format", "{{.ID}} {{.ManagerStatus}}")
    except RuntimeError:
        return ""


def service_text(made: Fleet, name: str, node: str) -> str:
    """Empty while that node's Swarm has no leader."""
    try:
        return str(service(made, name, node))
    except RuntimeError:
        return ""


def is_up(made: Fleet, name: str) -> bool:
    """The newest revision is in force."""
    told = shown(made, name)
    return bool(told["state"] == "running" and told["revision"] == told["latest"])


@pytest.mark.night
@pytest.mark.parametrize("how", ["cut", "frozen"])
def test_the_leader_is_lost_to_the_swarm(harbour: Fleet, lan: Switch, quay: Front, how: str) -> None:
    """Its tasks run elsewhere, an update goes on with the majority, requests are answered; then it is in the Swarm again."""
    host, name = f"{how}.example.net", f"lugger-{how}"
    serve = "mkdir -p /d; echo ahoy > /d/index.html; exec httpd -f -p 80 -h /d"
    more = f", expose: {{service: web, port: 80, host: {host}}}, update: {{order: start-first, monitor: 1s}}"
    more = more.replace(", expose", ", timeout: 120s, expose")
    assert deploy(harbour, name, project(serve, more))["state"] == "done"
    wait_until(lambda: ask(quay.port, host) == (200, "ahoy"), "it is reached", 10)
    lost = leader(harbour)
    lookout = next(node for node in harbour.hosts if node != lost)
    engine = cast(Bridged, harbour.hosts[lost].engine)
    with visiting(quay.port, host, rate=20) as visits:
        wait_until(lambda: visits.count > 10, "requests are answered")
        lan.cut(engine) if how == "cut" else engine.freeze()
        try:
            told = {"cluster": CLUSTER, "name": name, "compose": project(f"true; {serve}", more)}
            assert harbour.servers.api.post("applications", told).status_code == 202
            wait_until(lambda: "true; " in service_text(harbour, f"{name}_web", lookout), "the Swarm is told", 90)
            wait_until(lambda: is_up(harbour, name), "it is rolled out", 150)
            before = visits.count
            wait_until(lambda: visits.count > before + 20, "requests go on")
        finally:
            lan.heal(engine) if how == "cut" else engine.thaw()
    assert visits.failed == {}, visits.answers
    down = ("node", "ls", "--filter", "role=manager", "--format", "{{.Status}} {{.ManagerStatus}}")
    wait_until(lambda: harbour.hosts[lookout].engine.run(*down).count("Ready") == NODES, "it is in the Swarm again", 60)
    wait_until(harbour.all_well, "the node is well", 90)
