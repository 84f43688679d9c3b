"""An application on a real app server, agent, engine and etcd, and a working copy whose pushes configure it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import requests

from tests.lab.git import Copy, clone
from tests.lab.processes import Servers
from tests.lab.wait import wait_until

QUICK = '{test: ["CMD", "/bin/busybox", "true"], interval: 1m, start_period: 1m, start_interval: 100ms}'
SLOW = (
    "{test: [CMD, /bin/busybox, test, -f, /up], interval: 1m, start_period: 1m, start_interval: 100ms}\n"
    '    command: [/bin/busybox, sh, -c, "sleep 2; touch /up; exec sleep 600"]'
)
"""Healthy after two seconds."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Shop:
    """The application `name`, of one service `web`, whose greeting the file `path` of its source sets."""

    servers: Servers
    name: str
    folder: Path
    source: str

    @property
    def path(self) -> str:
        return f"default/{self.name}/web.yml"

    @property
    def url(self) -> str:
        return f"{self.servers.url}/git/{self.source}.git"

    def copy(self) -> Copy:
        """A fresh clone."""
        return clone(self.folder / f"copy{next(_numbers)}", self.url, "root", self.servers.token)

    def says(self, greeting: str) -> dict[str, str | bytes | None]:
        """The change that sets the greeting."""
        return {self.path: f"environment: {{GREETING: {greeting}}}\n"}

    def greets(self) -> str:
        """The running container's greeting; "" when none runs, or none was set."""
        found = subprocess.run(
            ("docker", "inspect", "-f", "{{json .Config.Env}}", f"{self.name}-web-1"),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        told = json.loads(found.stdout) if found.returncode == 0 else None
        return next((one.partition("=")[2] for one in told or () if one.startswith("GREETING=")), "")

    def container(self) -> str:
        """Its id."""
        argv = ("docker", "inspect", "-f", "{{.Id}}", f"{self.name}-web-1")
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def show(self) -> dict[str, object]:
        answer = self.servers.api.get(f"applications/default/{self.name}")
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    def state(self) -> dict[str, object]:
        """The source, as the API shows it."""
        answer = self.servers.api.get(f"sources/{self.source}")
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    def in_force(self) -> str:
        """The source's last good commit."""
        good = self.state()["last_good"]
        return str(good["commit"]) if isinstance(good, dict) else ""

    def page(self) -> str:
        """The source's page, as a browser is given it."""
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {self.servers.token}"}
            answer = session.get(f"{self.servers.url}/sources/{self.source}", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.text

    def refusals(self) -> list[str]:
        """What the audit says of refused pushes to the source, newest first."""
        items = self.servers.api.get("audit", subject=f"source:{self.source}", limit=500).json()["items"]
        return [one["detail"] for one in items if (one["action"], one["result"]) == ("push", "refused")]

    def settles_on(self, commit: str, greeting: str, timeout_s: float = 30.0) -> None:
        """The commit is in force, rolled out, and nothing is left to do."""

        def settled() -> bool:
            state = self.state()
            good = state["last_good"]
            return isinstance(good, dict) and good["commit"] == commit and not state["pending"]

        wait_until(settled, f"{commit[:6]} is in force and nothing is pending", timeout_s)
        wait_until(lambda: self.greets() == greeting, f"the container greets with {greeting}", timeout_s)
        wait_until(lambda: self.show()["revision"] == self.show()["latest"], "the newest revision is in force")
        assert self.show()["state"] == "running"


@contextmanager
def shop(
    servers: Servers, folder: Path, image: str, health: str = QUICK, source: str = "config", name: str = ""
) -> Iterator[Shop]:
    """Deployed and healthy; removed at the end, with whatever a test made of it."""
    found = Shop(servers, name or f"shop{os.getpid()}-{next(_numbers)}", folder, source)
    compose = f"services:\n  web:\n    image: {image}\n    stop_grace_period: 0s\n    healthcheck: {health}\n"
    body = {"name": found.name, "compose": compose, "source": source}
    answer = servers.api.post("applications", body)
    assert answer.status_code == 202, answer.text
    try:
        assert servers.api.wait(answer.json()["id"])["state"] == "done"
        yield found
    finally:
        servers.remove(found.name)
