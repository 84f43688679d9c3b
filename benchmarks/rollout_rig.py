"""Engines that are nodes of Moorage's and of a Swarm at once, with a service of three kinds on each of them.

`benchmarks.rollout` updates them. HAProxy is in front of each kind, with the same retries.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from tests.lab.bridged import Bridged
from tests.lab.daemon import free_port
from tests.lab.engine import Dockerd
from tests.lab.etcd import etcd_members
from tests.lab.fleet import Fleet, fleet
from tests.lab.front import front_of
from tests.lab.greeters import SLOW
from tests.lab.images import busybox
from tests.lab.switch import Switch, switch
from tests.lab.visitors import ask
from tests.lab.wait import wait_until

NAME = "rollout"
HOST = f"{NAME}.example.net"
SWARM_PORT, HAND_PORT = 8080, 8081
ANSWERS = "/bin/busybox wget -q -O /dev/null http://127.0.0.1/"
SERVES = (
    "mkdir -p /data/cgi-bin; cp /bin/slow /data/cgi-bin/; cd /data; touch ready; echo $GREETING > index.html;"
    'httpd -f -p 80 -h /data & trap "$ENDS" TERM; wait'
)
START, STOP = "Moorage, start-first", "Moorage, stop-first"
SWARM, HAND = "`docker service update`", "`docker compose up -d --wait` in a loop"
BEHIND = """
defaults
  mode http
  option redispatch 1
  option http-server-close
  retries 3
  retry-on conn-failure empty-response
  timeout connect 3s
  timeout queue 10s
  timeout client 60s
  timeout server 60s
  option httpchk GET /ready
  default-server check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
"""
"""The same as the role's, for servers at fixed ports. A request that writes is not asked twice there either."""
PART = """
frontend {name}
  bind 127.0.0.1:{port}
  http-request disable-l7-retry unless {{ method GET HEAD }}
  default_backend {name}-servers
backend {name}-servers
{servers}
"""


@dataclass(slots=True)
class Bench:
    """`ways`: how it is updated, to the proxy's port and what does it; each takes the text that is said afterwards."""

    ships: Fleet
    image: str
    ending: str
    folder: Path
    route: int
    swarm: int
    hand: int

    @property
    def ways(self) -> dict[str, tuple[int, Callable[[str], None]]]:
        return {
            START: (self.route, partial(self.by_moorage, "start-first")),
            STOP: (self.route, partial(self.by_moorage, "stop-first")),
            SWARM: (self.swarm, self.by_swarm),
            HAND: (self.hand, self.by_hand),
        }

    def begin(self) -> None:
        """All three are there, and answer."""
        self.by_moorage("stop-first", "begun")
        self.create_service()
        self.by_hand("begun")
        for port in (self.route, self.swarm, self.hand):
            wait_until(lambda port=port: ask(port, HOST) == (200, "begun"), "it is reached", 20)

    def by_moorage(self, order: str, text: str) -> None:
        expose = {"service": "web", "port": 80, "host": HOST}
        run = {"replicas": len(self.ships.hosts), "settle": "0s", "update": {"order": order}, "expose": expose}
        compose = json.dumps({"services": {"web": self.service(text)}, "x-moorage": run})
        answer = self.ships.servers.api.post("applications", {"name": NAME, "compose": compose})
        assert answer.status_code == 202, answer.text
        with self.ships.servers.api.stream(f"operations/{answer.json()['id']}/events") as lines:
            next(line for line in lines if line.startswith("event: done"))
        ended = self.ships.servers.api.get(f"operations/{answer.json()['id']}").json()
        assert ended["state"] == "done", ended

    def by_swarm(self, text: str) -> None:
        self._manager.run("service", "update", "-q", "--env-add", f"GREETING={text}", NAME)

    def by_hand(self, text: str) -> None:
        service = {**self.service(text), "ports": [f"{HAND_PORT}:80"]}
        (self.folder / "compose.yaml").write_text(json.dumps({"services": {"web": service}}))
        loop = 'for socket; do DOCKER_HOST="unix://$socket" docker compose -p by-hand up -d --wait || exit; done'
        sockets = [host.engine.socket for host in self.ships.hosts.values()]
        done = subprocess.run(
            ("sh", "-c", loop, "sh", *sockets), cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def create_service(self) -> None:
        self._manager.run(
            *("service", "create", "-q", "--name", NAME, "--replicas", str(len(self.ships.hosts))),
            *("--publish", f"mode=host,published={SWARM_PORT},target=80", "--endpoint-mode", "dnsrr"),
            *("--health-cmd", ANSWERS, "--health-interval", "1m", "--health-start-period", "1m"),
            *("--health-start-interval", "250ms", "--update-order", "stop-first", "--update-parallelism", "1"),
            *("--update-monitor", "100ms", "--env", "GREETING=begun", "--env", f"ENDS={self.ending}"),
            *("--no-resolve-image", self.image),
        )

    def service(self, text: str) -> dict[str, Any]:
        probe = {"test": ["CMD-SHELL", ANSWERS], "interval": "1m", "start_period": "1m", "start_interval": "250ms"}
        return {
            "image": self.image,
            "environment": {"GREETING": text, "ENDS": self.ending},
            "healthcheck": probe,
            "restart": "always",
        }

    @property
    def _manager(self) -> Dockerd:
        return self.ships.hosts["n1"].engine


@contextmanager
def rig(nodes: int, ending: str) -> Iterator[Bench]:
    """Engines behind a switch, each a node of Moorage's and of a Swarm, and a proxy of each kind."""
    image = busybox(command=("/bin/busybox", "sh", "-c", SERVES), files={"bin/slow": SLOW})
    with ExitStack() as undo:
        lan = undo.enter_context(switch())
        form = partial(_form, lan)
        etcd = undo.enter_context(etcd_members(flags=()))
        ships = undo.enter_context(fleet(etcd, "/rollout/", nodes, lan.dockerd, (image,), prepare=form))
        ours = undo.enter_context(front_of(ships.servers))
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="moorage-rollout-")))
        ports = (free_port(), free_port())
        undo.enter_context(_proxy(folder, ports, [cast(Bridged, one.engine).address for one in ships.hosts.values()]))
        yield Bench(ships, image, ending, folder, ours.port, *ports)


def _form(lan: Switch, engines: Sequence[Dockerd]) -> None:
    lan.swarm([cast(Bridged, one) for one in engines], managers=1)


@contextmanager
def _proxy(folder: Path, ports: Sequence[int], addresses: Sequence[str]) -> Iterator[None]:
    """HAProxy as a person sets it up, in front of fixed ports of the engines."""
    text = BEHIND
    for name, port, behind in zip(("swarm", "hand"), ports, (SWARM_PORT, HAND_PORT), strict=True):
        servers = "\n".join(f"  server n{n} {address}:{behind}" for n, address in enumerate(addresses, 1))
        text += PART.format(name=name, port=port, servers=servers)
    (folder / "haproxy.cfg").write_text(text)
    with (folder / "log").open("w") as log:
        argv = ("setpriv", "--pdeathsig=SIGTERM", "haproxy", "-f", str(folder / "haproxy.cfg"))
        running = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)
