"""From the kernel of a node to its people: measured by a real agent, kept by it, asked for by API and command line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.etcd import Cluster
from tests.lab.images import busybox
from tests.lab.processes import NODE, Servers, app_server
from tests.lab.wait import wait_until

NAME = f"m{os.getpid()}"
BUSY = """
services:
  web:
    image: {image}
    command: ["/bin/busybox", "sh", "-c", "while :; do :; done"]
    cpus: 0.3
    mem_limit: 32M
    stop_grace_period: 0s
"""


@pytest.fixture(scope="module")
def servers(etcd_server: Cluster) -> Iterator[Servers]:
    """A pair whose agent measures every second."""
    with app_server(etcd_server, f"/metrics-{os.getpid()}/", agent={"metrics_interval_s": 1}) as started:
        yield started
        started.remove(NAME)


def lines(servers: Servers, path: str, **query: str) -> dict[tuple[str, str], list[float]]:
    """What is known of each number: (name of the subject, field) to what was measured."""
    answer = servers.api.get(path, **query)
    assert answer.status_code == 200, answer.text
    found: Any = answer.json()
    told = found["lines"] if "lines" in found else [line for part in found["items"] for line in part["lines"]]
    return {(one["name"], one["field"]): [n for n in one["mean"] if n is not None] for one in told}


def test_what_a_container_uses_is_told_and_outlives_the_agent(servers: Servers) -> None:
    """Within seconds, by the application and by the node; and after the agent was killed, from before that too."""
    body = {"cluster": "default", "name": NAME, "compose": BUSY.format(image=busybox())}
    answer = servers.api.post("applications", body)
    assert answer.status_code == 202, answer.text
    assert servers.api.wait(answer.json()["id"])["state"] == "done"
    container, path = f"{NAME}-web-1", f"applications/default/{NAME}/metrics"

    def uses() -> list[float]:
        return lines(servers, path, **{"from": "-5m"}).get((container, "cpu"), [])

    wait_until(lambda: any(cpu > 0.1 for cpu in uses()), "its work is seen", 30)
    assert lines(servers, path, **{"from": "-5m"})[(container, "memory_limit")][-1] == 32 << 20
    of_node = lines(servers, f"nodes/{NODE}/metrics", **{"from": "-5m"})
    assert of_node[(container, "cpu")] and of_node[("", "cpu")] and of_node[("/", "used")]
    before = len(lines(servers, f"nodes/{NODE}/metrics", **{"from": "-5m", "step": "10s"})[("", "cpu")])
    servers.kill_agent()
    servers.ensure_up()
    wait_until(
        lambda: len(lines(servers, f"nodes/{NODE}/metrics", **{"from": "-5m", "step": "10s"})[("", "cpu")]) > before,
        "it goes on where it was",
        30,
    )
    done = servers.moorage("node", "metrics", NODE, "--since", "5m")
    assert done.returncode == 0, done.stderr
    assert f"container {container}" in done.stdout
    told = json.loads(servers.moorage("node", "metrics", NODE, "--json", "--kind", "disk").stdout)
    assert {line["kind"] for line in told["lines"]} == {"disk"}


@pytest.mark.slow
@pytest.mark.night
def test_what_an_image_uses_is_shown_beside_what_is_asked_for_it(servers: Servers) -> None:
    """By the name in the compose file, though its container runs by an id; an agent that is stopped tells it first."""
    body = {"cluster": "default", "name": NAME, "compose": BUSY.format(image=busybox())}
    answer = servers.api.post("applications", body)
    assert answer.status_code in (200, 202), answer.text
    if answer.status_code == 202:
        assert servers.api.wait(answer.json()["id"])["state"] == "done"
    path, container = f"applications/default/{NAME}", f"{NAME}-web-1"
    wait_until(lambda: lines(servers, f"{path}/metrics").get((container, "cpu")), "it is measured", 30)
    over = (int(time.time()) // 60 + 1) * 60 + 3
    wait_until(lambda: time.time() > over, "a minute is over", 70)
    servers.restart_agent()
    servers.ensure_up()

    def known() -> dict[str, Any]:
        (web,) = servers.api.get(f"{path}/usage").json()["items"]
        return dict(web)

    wait_until(lambda: known()["used"], "it is told", 40)
    web = known()
    assert (web["image"], web["asked"]) == (busybox(), {"cpus": 0.3, "memory": 32 << 20})
    assert (web["used"]["image"], web["used"]["containers"]) == (busybox(), 1)
    assert 0.1 < web["used"]["cpus"]["median"] <= web["used"]["cpus"]["highest"] < 0.6
    done = servers.moorage("app", "usage", NAME)
    assert (done.returncode, "32 MiB" in done.stdout) == (0, True), done.stderr


def test_conditions_say_why_and_since(servers: Servers) -> None:
    """The clock is compared with etcd's; a threshold is a setting, and a node beyond it is not healthy."""

    def condition(node: str, name: str) -> dict[str, Any]:
        found = servers.api.get(f"nodes/{node}").json()
        return next((one for one in found.get("conditions", []) if one["name"] == name), {})

    wait_until(
        lambda: "within 2 s of etcd's" in condition(NODE, "clock").get("reason", ""), "the clock is compared", 90
    )
    assert condition(NODE, "disk")["ok"] and condition(NODE, "memory")["ok"]
    with servers.another_agent("n9", {"disk_free_percent": 90, "ip": "127.0.0.9"}):
        wait_until(lambda: condition("n9", "disk"), "the second node has reported", 30)
        disk = condition("n9", "disk")
        assert (disk["ok"], "GiB free of" in disk["reason"]) == (False, True)
        node = servers.api.get("nodes/n9").json()
        assert (node["on"], node["healthy"]) == (True, False)
        gauges = servers.api.get("/metrics").text
        assert 'moorage_node_condition{condition="disk",node="n9"} 0.0' in gauges
        assert f'moorage_node_condition{{condition="disk",node="{NODE}"}} 1.0' in gauges
        assert 'moorage_node_healthy{node="n9"} 0.0' in gauges
