"""One application on several nodes, each with an engine: rolled out, held, put back, moved, lost and found."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from tests.lab.etcd import Cluster
from tests.lab.fleet import Fleet, fleet, load
from tests.lab.images import busybox
from tests.lab.wait import wait_until

pytestmark = pytest.mark.slow

TRUE = '["CMD", "/bin/busybox", "true"]'
FALSE = '["CMD", "/bin/busybox", "false"]'
ALL = ("n1", "n2", "n3", "n4")


@pytest.fixture(scope="module")
def ships(etcd: Cluster) -> Iterator[Fleet]:
    with fleet(etcd, "/fleet/", len(ALL)) as made:
        yield made


@pytest.fixture
def name(ships: Fleet, request: pytest.FixtureRequest) -> Iterator[str]:
    """Of an application that is taken away afterwards; every node is on and takes applications again."""
    yield f"t{crc32(request.node.name.encode())}"
    ships.servers.serve.start()
    for one in ships.hosts:
        ships.hosts[one].agent.thaw()
        ships.hosts[one].agent.start()
        ships.servers.api.post(f"nodes/{one}/undrain")
    wait_until(ships.all_well, "every node is well", 40)
    ships.clear()
    wait_until(ships.all_well, "every node is well", 40)


def compose(greeting: str = "one", probe: str = TRUE, **run: object) -> str:
    return f"""
services:
  web:
    image: {busybox()}
    labels: {{greeting: "{greeting}"}}
    healthcheck: {{test: {probe}, interval: 200ms, retries: 2}}
    stop_grace_period: 0s
    network_mode: none
x-moorage: {json.dumps({"timeout": "20s", **run})}
"""


def greetings(ships: Fleet, name: str) -> dict[str, str]:
    found = {node: host.label(name, "greeting") for node, host in ships.hosts.items()}
    return {node: said[0] for node, said in found.items() if said}


def test_three_copies_are_on_three_nodes_and_known_apart(ships: Fleet, name: str) -> None:
    """Spread over racks; each has its line on the page and its records; one more comes without touching the others."""
    assert ships.deploy(name, compose(replicas=3, spread="rack"))["state"] == "done"
    before = ships.on(name)
    assert len(before) == 3
    assert {"n1", "n3"} & before.keys() and {"n2", "n4"} & before.keys()
    told = ships.app(name)
    assert (told["state"], told["up"], told["of"], told["revision"]) == ("running", 3, 3, 1)
    assert {(copy["node"], copy["phase"], copy["revision"]) for copy in told["copies"]} == {
        (n, "done", 1) for n in before
    }
    names = {c for service in told["services"] for c in service["containers"]}
    assert names == {f"{name}-web-1.{node}" for node in before}
    assert ships.deploy(name, compose(replicas=4, spread="rack"))["state"] == "done"
    after = ships.on(name)
    assert {*after} == {*ALL}
    assert before.items() <= after.items(), "nothing of the others was touched"


def test_an_affinity_goes_by_what_agents_say_is_there(ships: Fleet, name: str) -> None:
    """Far from both copies of another application; drained, it goes to the one that is left so, then nowhere."""
    other = f"{name}b"
    ships.deploy(other, compose(replicas=2))
    taken = {*ships.on(other)}
    names = {f"{other}-web-1.{node}" for node in taken}
    wait_until(
        lambda: {c for service in ships.app(other)["services"] for c in service["containers"]} == names,
        "both are on record",
        20,
    )
    far = f"    environment: ['affinity:container!={other}-web-1']\n"
    assert ships.deploy(name, compose().replace("    network_mode", f"{far}    network_mode"))["state"] == "done"
    (first,) = ships.on(name)
    assert first not in taken
    (left,) = {*ALL} - taken - {first}
    assert ships.servers.moorage("node", "drain", first, "--yes", "--reason", "disk").returncode == 0
    wait_until(lambda: {*ships.on(name)} == {left}, "it is on the one that is left", 40)
    planned = ships.servers.moorage("node", "drain", left, "--plan")
    assert f"affinity container!={other}-web-1 does not hold" in planned.stdout + planned.stderr


def test_an_update_goes_on_node_by_node(ships: Fleet, name: str) -> None:
    """At every moment at least three of four run; the history has it; asked again there is nothing to do."""
    ships.deploy(name, compose("one", replicas=4))
    operation = ships.deploy(name, compose("two", replicas=4), wait=False)
    fewest, mixed = 4, False
    while ships.servers.api.get(f"operations/{operation['id']}").json()["state"] == "running":
        fewest = min(fewest, len(ships.on(name)))
        mixed = mixed or {*greetings(ships, name).values()} == {"one", "two"}
    assert (fewest >= 3, mixed) == (True, True)
    assert ships.servers.api.wait(operation["id"])["state"] == "done"
    assert greetings(ships, name) == dict.fromkeys(ALL, "two")
    again = ships.servers.api.post(
        "applications", {"cluster": "default", "name": name, "compose": compose("two", replicas=4)}
    )
    assert again.json()["changed"] is False


def test_start_first_never_leaves_a_node_without_the_service(ships: Fleet, name: str) -> None:
    """The new container is up before the old one goes; one that fails is taken away, and the old one never knew."""
    run = {"update": {"order": "start-first"}}
    ships.deploy(name, compose("one", **run))
    (node,) = ships.on(name)
    host = ships.hosts[node]
    (old,) = host.containers(name)
    operation = ships.deploy(name, compose("two", **run), wait=False)
    most, fewest = 1, 1
    while ships.servers.api.get(f"operations/{operation['id']}").json()["state"] in ("pending", "running"):
        found = len(host.containers(name))
        most, fewest = max(most, found), min(fewest, found)
    assert (most, fewest) == (2, 1)
    (new,) = host.containers(name, running=False)
    assert new != old
    assert greetings(ships, name) == {node: "two"}
    assert ships.app(name)["drift"] == []
    assert ships.deploy(name, compose("bad", FALSE, **run))["state"] == "failed"
    assert host.containers(name, running=False) == [new]
    wait_until(lambda: ships.app(name)["state"] != "deploying", "it is at rest", 20)
    assert ships.app(name)["drift"] == []
    assert ships.deploy(name, compose("three", **run))["state"] == "done"
    assert greetings(ships, name) == {node: "three"}


def test_a_restart_of_all_copies_never_stops_them_all(ships: Fleet, name: str) -> None:
    ships.deploy(name, compose("one", replicas=3))
    before = ships.on(name)
    answer = ships.servers.api.post(f"applications/default/{name}/restart", {"services": []})
    fewest = 3
    while ships.servers.api.get(f"operations/{answer.json()['id']}").json()["state"] in ("pending", "running"):
        fewest = min(fewest, len(ships.on(name)))
    assert fewest >= 2
    assert ships.on(name) == before, "the same containers, started again"
    started = {
        ships.hosts[node].engine.run("inspect", "-f", "{{.RestartCount}} {{.State.StartedAt}} {{.Created}}", one)
        for node, one in before.items()
    }
    assert all(one.split()[1] > one.split()[2] for one in started)


def test_an_update_that_does_not_come_up_is_put_back_and_the_rest_never_knew(ships: Fleet, name: str) -> None:
    ships.deploy(name, compose("one", replicas=4))
    before = ships.on(name)
    ended = ships.deploy(name, compose("bad", FALSE, replicas=4))
    assert ended["state"] == "failed"
    assert "n1: its healthcheck fails" in json.dumps(ended["causes"]), ended
    wait_until(lambda: greetings(ships, name) == dict.fromkeys(ALL, "one"), "all run what was there before", 30)
    assert sum(ships.on(name)[node] == before[node] for node in ALL) == 3, "one tried; the others were left alone"
    assert ships.app(name)["revision"] == 1


def test_held_looked_at_and_let_go(ships: Fleet, name: str) -> None:
    """`percentage` waits for a person; the command line resumes it."""
    ships.deploy(name, compose("one", replicas=4))
    ships.deploy(name, compose("two", replicas=4, update={"percentage": 25}), wait=False)
    wait_until(lambda: (ships.app(name)["rollout"] or {}).get("paused"), "it waits to be resumed", 30)
    assert sorted(greetings(ships, name).values()) == ["one", "one", "one", "two"]
    told = ships.servers.moorage("app", "show", name)
    assert "1 of 4 are updated" in told.stdout, told
    done = ships.servers.moorage("app", "resume", name)
    assert done.returncode == 0, done
    assert greetings(ships, name) == dict.fromkeys(ALL, "two")
    assert ships.servers.moorage("app", "resume", name).returncode == 2


def test_a_node_that_dies_in_the_middle_holds_nobody_up_and_catches_up(ships: Fleet, name: str) -> None:
    ships.deploy(name, compose("one", replicas=4))
    operation = ships.deploy(name, compose("two", replicas=4, update={"monitor": "1s"}), wait=False)
    wait_until(lambda: (ships.app(name)["rollout"] or {}).get("acting"), "one is at it", 20)
    node = ships.app(name)["rollout"]["acting"][0]
    ships.hosts[node].agent.kill()
    assert ships.servers.api.wait(operation["id"])["state"] == "done"
    told = ships.app(name)
    assert told["state"] == "degraded"
    assert f"the agent on {node} is away; 3 of 4" in told["reason"]
    ships.hosts[node].agent.start()
    wait_until(lambda: greetings(ships, name) == dict.fromkeys(ALL, "two"), "it caught up", 40)


def test_an_app_server_that_dies_in_the_middle_is_followed_by_another(ships: Fleet, name: str) -> None:
    ships.deploy(name, compose("one", replicas=4))
    with ships.servers.second_serve() as second:
        operation = ships.deploy(name, compose("two", replicas=4, update={"delay": "1s"}), wait=False)
        ships.servers.kill_serve()
        wait_until(lambda: greetings(ships, name) == dict.fromkeys(ALL, "two"), "it went on", 60)
        assert second.wait(operation["id"])["state"] == "done"


def test_a_node_is_drained_with_a_plan_and_takes_applications_again(ships: Fleet, name: str, tmp_path: Path) -> None:
    ships.deploy(name, compose("one", replicas=3))
    before = ships.on(name)
    (spare,) = {*ALL} - {*before}
    node = sorted(before)[0]
    run = ships.servers.moorage
    planned = run("node", "drain", node, "--plan")
    assert planned.returncode == 3, planned
    assert spare in planned.stdout
    assert ships.on(name) == before
    assert run("node", "drain", node, "--yes", "--reason", "new disk").returncode == 0
    wait_until(lambda: {*ships.on(name)} == {*ALL} - {node}, "its copy is elsewhere", 40)
    assert {n: ships.on(name)[n] for n in before if n != node} == {n: before[n] for n in before if n != node}
    assert "drained by root: new disk" in run("node", "show", node).stdout
    refused = ships.servers.api.post(
        "applications", {"cluster": "default", "name": name, "compose": compose("one", replicas=4)}
    )
    assert refused.status_code == 409
    assert "drained by root: new disk" in refused.text
    assert run("node", "undrain", node).returncode == 0
    assert ships.deploy(name, compose("one", replicas=4))["state"] == "done"


def test_what_a_lost_node_ran_is_elsewhere_after_its_grace_and_gone_when_it_is_back(ships: Fleet, name: str) -> None:
    ships.deploy(name, compose("one", grace="20s"))
    (node,) = ships.on(name)
    ships.hosts[node].agent.freeze()
    wait_until(lambda: {*ships.on(name)} - {node}, "it is placed elsewhere", 60)
    assert ships.servers.api.get(f"nodes/{node}").json()["lost_since"]
    ships.hosts[node].agent.thaw()
    wait_until(lambda: node not in ships.on(name), "the old copy is removed", 40)
    assert len(ships.on(name)) == 1
    wait_until(lambda: ships.app(name)["state"] == "running", "it is well", 20)


def test_what_could_be_placed_elsewhere_is_stopped_by_a_node_that_has_lost_the_store(
    ships: Fleet, name: str, etcd: Cluster
) -> None:
    """It cannot know whether it runs elsewhere by now. What may not move goes on. Both go on when the store is back."""
    ships.deploy(name, compose("one", grace="20s"))
    ships.deploy(f"{name}stays", compose("two"))
    (moves,), (stays,) = ships.on(name).values(), ships.on(f"{name}stays").values()
    for member in etcd.members:
        member.pause()
    try:
        wait_until(lambda: not ships.on(name), "it is stopped", 40)
        assert [*ships.on(f"{name}stays").values()] == [stays]
    finally:
        for member in etcd.members:
            member.resume()
    wait_until(lambda: [*ships.on(name).values()] == [moves], "the same container runs again", 40)
    wait_until(lambda: ships.app(name)["state"] == "running", "it is well", 20)
    assert ships.app(name)["drift"] == []


def test_so_it_is_by_an_agent_that_is_started_while_the_store_is_away(ships: Fleet, name: str, etcd: Cluster) -> None:
    """By what the one before it wrote; and what it stopped it begins anew when the store is back."""
    ships.deploy(name, compose("one", grace="20s"))
    ships.deploy(f"{name}stays", compose("two"))
    ((node, moves),), (stays,) = ships.on(name).items(), ships.on(f"{name}stays").values()
    for member in etcd.members:
        member.pause()
    try:
        for host in ships.hosts.values():
            host.agent.kill()
            host.agent.launch()
        wait_until(lambda: not ships.on(name), "it is stopped", 40)
        assert [*ships.on(f"{name}stays").values()] == [stays]
    finally:
        for member in etcd.members:
            member.resume()
    wait_until(lambda: ships.on(name) == {node: moves}, "the same container runs again", 60)
    wait_until(lambda: ships.app(name)["state"] == "running", "it is well", 30)
    assert ships.app(name)["drift"] == []


def test_one_on_every_node_and_on_one_that_comes_later(ships: Fleet, name: str) -> None:
    assert ships.servers.api.post("nodes/n4/cordon", {"reason": "later"}).status_code == 200
    done = ships.deploy(name, compose("one", mode="global"))
    assert ({*ships.on(name)}, done["state"]) == ({"n1", "n2", "n3"}, "done"), done
    assert ships.servers.api.post("nodes/n4/undrain").status_code == 200
    ships.until(name, lambda: {*ships.on(name)} == {*ALL}, "the fourth has one too", 40)


def test_one_on_a_node_that_may_be_used_again_while_it_is_deployed(ships: Fleet, name: str) -> None:
    """Cordoned when it was placed, and no more before anybody looked at the node anew."""
    assert ships.servers.api.post("nodes/n4/cordon", {"reason": "a moment"}).status_code == 200
    ships.deploy(name, compose("one", mode="global"), wait=False)
    assert ships.servers.api.post("nodes/n4/undrain").status_code == 200
    ships.until(name, lambda: {*ships.on(name)} == {*ALL}, "the fourth has one too", 40)


def test_an_image_that_no_registry_has_runs_where_it_is(ships: Fleet, name: str) -> None:
    """A copy more than nodes have it is refused with that reason, and it is not moved to where it is not."""
    image = busybox({"built": "here"})
    saved = subprocess.run(("docker", "save", image), capture_output=True, check=True).stdout
    load(ships.hosts["n3"].engine, saved)
    text = compose("one").replace(busybox(), image)
    assert ships.deploy(name, text)["state"] == "done"
    assert {*ships.on(name)} == {"n3"}
    two = {"cluster": "default", "name": name, "compose": compose("one", replicas=2).replace(busybox(), image)}
    refused = ships.servers.api.post("applications", two)
    assert (refused.status_code, f"n1: has not got {image}" in refused.text) == (409, True)
    planned = ships.servers.moorage("node", "drain", "n3", "--plan")
    assert planned.returncode == 1
    assert "which no registry has" in planned.stdout


def test_deleted_from_all_of_them(ships: Fleet, name: str) -> None:
    ships.deploy(name, compose("one", replicas=4))
    began = time.monotonic()
    answer = ships.servers.api.delete(f"applications/default/{name}")
    assert ships.servers.api.wait(answer.json()["id"])["state"] == "done"
    assert ships.on(name) == {}
    assert time.monotonic() - began < 30
