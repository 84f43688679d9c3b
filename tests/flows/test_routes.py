"""Requests reach the containers of an application, wherever they are: 50 a second, and every one is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest

from tests.lab.bridged import Bridged, bridged_dockerd
from tests.lab.etcd import Cluster
from tests.lab.fleet import Fleet, fleet
from tests.lab.front import Front, front_of
from tests.lab.greeters import ANSWERS, greeter
from tests.lab.images import busybox
from tests.lab.visitors import ask, echoes, visiting, websocket
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ECHOES = (
    '#!/bin/sh\nwhile read -r line && [ "${#line}" -gt 1 ]; do :; done\n'
    "printf 'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n'\n"
    "printf 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n'\nexec cat\n"
)


def echo() -> str:
    return busybox(command=("/bin/busybox", "nc", "-ll", "-p", "81", "-e", "/bin/echoes"), files={"bin/echoes": ECHOES})


@pytest.fixture(scope="module")
def ships(etcd: Cluster) -> Iterator[Fleet]:
    with fleet(etcd, "/routes/", 3, bridged_dockerd, (greeter(), echo())) as made:
        yield made


@pytest.fixture(scope="module")
def quay(ships: Fleet) -> Iterator[Front]:
    with front_of(ships.servers) as made:
        yield made


@pytest.fixture
def name(ships: Fleet, request: pytest.FixtureRequest) -> Iterator[str]:
    """Of an application that is taken away afterwards."""
    yield f"t{crc32(request.node.name.encode())}"
    ships.clear()


def compose(host: str, greeting: str = "one", expose: Any = None, image: str = "", **run: object) -> str:
    exposed = {"service": "web", "port": 80, "host": host} if expose is None else expose
    return f"""
services:
  web:
    image: {image or greeter()}
    environment: {{GREETING: "{greeting}"}}
    healthcheck: {{test: {json.dumps(ANSWERS)}, interval: 300ms}}
    stop_grace_period: 0s
x-moorage: {json.dumps({"timeout": "30s", "expose": exposed, **run})}
"""


def serves(quay: Front, host: str, text: str, path: str = "/") -> bool:
    return ask(quay.port, host, path) == (200, text)


def deploy(ships: Fleet, quay: Front, name: str, text: str, host: str, greeting: str = "one") -> None:
    """Rolled out, and reached."""
    ended = ships.deploy(name, text)
    assert ended["state"] == "done", ended
    wait_until(lambda: serves(quay, host, greeting), f"{host} is reached", 5)


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_no_request_fails_while_copies_are_updated(ships: Fleet, quay: Front, name: str, order: str) -> None:
    """Two copies, one at a time, at 50 requests a second; each takes a fifth of a second, and each fifth is a POST."""
    host = f"{name}.example.net"
    deploy(ships, quay, name, compose(host, "one", replicas=2, update={"order": order}), host)
    with visiting(quay.port, host, "/cgi-bin/slow", posts=5) as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        ended = ships.deploy(name, compose(host, "two", replicas=2, update={"order": order}))
        assert ended["state"] == "done", ended
        before = visits.count
        wait_until(lambda: visits.count > before + 50, "requests go on")
    assert visits.failed == {}, visits.answers
    assert {*visits.answers} == {"200 one", "200 two"}
    assert visits.said[-1] == "two"


def test_no_request_fails_while_the_only_copy_is_updated_start_first(ships: Fleet, quay: Front, name: str) -> None:
    host = f"{name}.example.net"
    deploy(ships, quay, name, compose(host, "one", update={"order": "start-first"}), host)
    with visiting(quay.port, host, "/cgi-bin/slow", posts=5) as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        ended = ships.deploy(name, compose(host, "two", update={"order": "start-first"}))
        assert ended["state"] == "done", ended
    assert visits.failed == {}, visits.answers
    assert {*visits.answers} == {"200 one", "200 two"}


def test_no_request_fails_while_a_copy_moves(ships: Fleet, quay: Front, name: str) -> None:
    """A node is drained: its copy comes up elsewhere, then leaves."""
    host = f"{name}.example.net"
    deploy(ships, quay, name, compose(host, "one", replicas=2), host)
    node = sorted(ships.on(name))[0]
    with visiting(quay.port, host, "/cgi-bin/slow", posts=5) as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        assert ships.servers.moorage("node", "drain", node, "--yes").returncode == 0
        wait_until(lambda: node not in ships.on(name) and len(ships.on(name)) == 2, "it is elsewhere", 40)
        before = visits.count
        wait_until(lambda: visits.count > before + 50, "requests go on")
    ships.servers.api.post(f"nodes/{node}/undrain")
    assert visits.failed == {}, visits.answers


def test_a_container_that_is_killed_costs_what_it_was_answering_at_most(ships: Fleet, quay: Front, name: str) -> None:
    """Requests that only read are asked again elsewhere; when it is back, it is asked again."""
    host = f"{name}.example.net"
    deploy(ships, quay, name, compose(host, "one", replicas=2, heal=True), host)
    node, container = sorted(ships.on(name).items())[0]
    with visiting(quay.port, host) as visits:
        wait_until(lambda: visits.count > 25, "requests are answered")
        ships.hosts[node].engine.run("kill", container)
        wait_until(lambda: node in ships.on(name), "it is mended", 30)
        before = visits.count
        wait_until(lambda: visits.count > before + 50, "requests go on")
    assert visits.failed == {}, visits.answers
    wait_until(lambda: len(_containers(ships, host)) == 2, "both are asked", 10)


def test_a_host_that_is_gone_costs_the_requests_of_half_a_second_at_most(ships: Fleet, quay: Front, name: str) -> None:
    """It says nothing any more. What it was answering is lost; who comes then is answered by the other copy."""
    host = f"{name}.example.net"
    deploy(ships, quay, name, compose(host, "one", replicas=2), host)
    engine = ships.hosts[sorted(ships.on(name))[0]].engine
    assert isinstance(engine, Bridged)
    with visiting(quay.port, host, "/cgi-bin/slow") as visits:
        wait_until(lambda: visits.count > 50, "requests are answered")
        engine.cut()
        before = visits.count
        wait_until(lambda: visits.count > before + 300, "requests go on", 30)
        engine.heal()
    assert sum(visits.failed.values()) <= 25, visits.answers
    wait_until(lambda: len(_containers(ships, host)) == 2, "both are asked", 10)


def test_a_route_follows_within_a_second(ships: Fleet, quay: Front, name: str) -> None:
    """The moment at which the node says that a container is up, against that at which it is asked; and the way back."""
    host = f"{name}.example.net"
    ships.deploy(name, compose(host), wait=False)
    wait_until(lambda: _containers(ships, host), "a node says that it serves", 30)
    began = time.monotonic()
    wait_until(lambda: serves(quay, host, "one"), "it is reached", 5)
    assert time.monotonic() - began < 1.0
    wait_until(lambda: ships.app(name)["state"] == "running", "it runs", 20)
    ships.servers.api.post(f"applications/default/{name}/stop", {})
    wait_until(lambda: not _containers(ships, host), "the node says that it leaves", 20)
    began = time.monotonic()
    wait_until(lambda: ask(quay.port, host)[0] == 503, "nobody is asked", 5)
    assert time.monotonic() - began < 1.0


def test_a_websocket_stays_up_while_other_routes_change(ships: Fleet, quay: Front, name: str) -> None:
    """Routes come and go, more of them than there was room for: HAProxy is reloaded, and the tunnel lives."""
    host = f"{name}.example.net"
    told = f"""
services:
  echo: {{image: "{echo()}", stop_grace_period: 0s}}
x-moorage: {{settle: 200ms, expose: {{service: echo, port: 81, host: {host}}}}}
"""
    assert ships.deploy(name, told)["state"] == "done"
    wait_until(lambda: _containers(ships, host), "it is up", 10)
    wait_until(lambda: ask(quay.port, host)[0] != 503, "it is reached", 10)
    with websocket(quay.port, host) as opened:
        assert echoes(opened, "hello")
        many = [{"service": "web", "port": 80, "host": f"{n}.{name}.example.net"} for n in range(60)]
        for number in range(4):
            other = f"{name}-{number}"
            mine = [{**one, "host": f"x{number}-{one['host']}"} for one in many]
            deploy(ships, quay, other, compose("", expose=mine), mine[59]["host"])
            assert echoes(opened, f"still there {number}")
        ships.servers.api.wait(ships.servers.api.delete(f"applications/default/{name}-0").json()["id"])
        assert echoes(opened, "still there")
    assert "Loading success" in quay.log.partition("Loading success")[2], "it was reloaded for more than 200 routes"


def test_paths_lead_to_services_and_hosts_to_one_application(ships: Fleet, quay: Front, name: str) -> None:
    """The longest path wins, at a slash; another application is refused, told by whom, and may have it afterwards."""
    host = f"{name}.example.net"
    two = [
        {"service": "web", "port": 80, "host": host},
        {"service": "other", "port": 80, "host": host, "path": "/api"},
    ]
    text = compose(host, "one", expose=two)
    other = text.split("services:\n")[1].split("x-moorage")[0].replace("web:", "other:").replace('"one"', '"two"')
    deploy(ships, quay, name, text.replace("x-moorage", f"{other}x-moorage"), host)
    wait_until(lambda: serves(quay, host, "two", "/api"), "the path is reached", 5)
    assert ask(quay.port, host.upper())[1] == "one"
    assert ask(quay.port, host, "/apis")[0] == 404, "it is the first service that knows no such page"
    assert ask(quay.port, "nobody.example.net")[0] == 302, "what nobody has is the app server's"
    body = {"cluster": "default", "name": f"{name}-thief", "compose": compose(host)}
    refused = ships.servers.api.post("applications", body)
    assert refused.status_code == 409
    assert f"{host}/ is default.{name}'s" in refused.text
    ships.servers.api.wait(ships.servers.api.delete(f"applications/default/{name}").json()["id"])
    deploy(ships, quay, f"{name}-thief", compose(host, "mine now"), host, "mine now")


def test_routes_outlast_their_program_and_the_proxy_a_reload(ships: Fleet, quay: Front, name: str) -> None:
    """`moorage proxy` is killed: routes stay. HAProxy begins anew with what it had."""
    host = f"{name}.example.net"
    deploy(ships, quay, name, compose(host), host)
    wait_until(lambda: quay.keeps(host), "it is kept where HAProxy begins anew from")
    quay.routing.kill()
    assert serves(quay, host, "one")
    with visiting(quay.port, host) as visits:
        loaded = quay.log.count("Loading success")
        quay.program.send_signal(12)
        wait_until(lambda: quay.log.count("Loading success") > loaded, "it is reloaded", 10)
        before = visits.count
        wait_until(lambda: visits.count > before + 25, "requests go on")
    assert visits.failed == {}, visits.answers
    quay.routing.start()
    assert serves(quay, host, "one")


def _containers(ships: Fleet, host: str) -> list[dict[str, Any]]:
    found = [one for one in ships.servers.api.get("routes", limit=500).json()["items"] if one["host"] == host]
    return found[0]["containers"] if found else []
