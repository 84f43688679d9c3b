"""What a boot server has, from its real dpkg and engine to the command line."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import Any

from tests.lab.processes import LRN, Servers, remove_project
from tests.lab.wait import wait_until


def boot(servers: Servers, *args: str) -> Any:
    done = servers.moorage("boot", *args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_boot_server_is_on_record_with_what_it_has(servers: Servers, test_image: str) -> None:
    """Its packages as dpkg lists them; a container that somebody started by hand within seconds, then gone again."""
    version = subprocess.run(
        ("dpkg-query", "-W", "-f", "${Version}", "dpkg"), capture_output=True, text=True, check=True
    ).stdout
    wait_until(lambda: boot(servers, "find", "--deb", "dpkg")["items"], 20)
    assert boot(servers, "list")["items"] == [{"lrn": LRN, "nodes": ["n1"], "addresses": ["127.0.0.1"], "on": True}]
    assert boot(servers, "find", "--deb", "dpkg", "--version", version)["items"] == [
        {"lrn": LRN, "name": "dpkg", "version": version}
    ]
    name = f"byhand-{uuid.uuid4().hex[:8]}"
    argv = ("docker", "run", "-d", "--name", name, "--label", f"com.docker.compose.project={name}", test_image)
    subprocess.run(argv, capture_output=True, check=True)
    try:
        wait_until(lambda: boot(servers, "show", str(LRN))["containers"].get(name) == test_image, 20)
        held = boot(servers, "find", "--image", test_image)["items"]
        assert {"lrn": LRN, "name": name, "version": test_image} in held
    finally:
        remove_project(name)
    wait_until(lambda: name not in boot(servers, "show", str(LRN))["containers"], 20)
    news = servers.api.get("events?subject=n1&limit=200").json()["items"]
    assert {f"{name} {test_image} added", f"{name} {test_image} removed"} <= {
        part for one in news for part in one["message"].split(", ")
    }


def test_people_get_tables_and_a_sentence_for_nothing(servers: Servers) -> None:
    """And who names neither a package nor an image is told to."""
    wait_until(lambda: boot(servers, "find", "--deb", "dpkg")["items"], 20)
    shown = servers.moorage("boot", "show", str(LRN)).stdout
    assert "DEBS" in shown
    assert "\ndpkg" in shown
    assert "have the same" in servers.moorage("boot", "diff", str(LRN), str(LRN)).stderr
    assert servers.moorage("boot", "show", "999").returncode == 2
    assert servers.moorage("boot", "find").returncode == 2
