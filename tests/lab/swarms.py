"""The Swarm of a lab's engines, as its managers tell of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab


def info(host: BootHost) -> dict[str, Any]:
    """What the engine says of itself."""
    told: dict[str, Any] = json.loads(host.run("docker", "info", "--format", "{{json .}}"))
    return told


def states(boots: Lab) -> list[str]:
    return [info(host)["Swarm"]["LocalNodeState"] for host in boots.hosts]


def nodes(host: BootHost) -> list[dict[str, Any]]:
    ids = host.run("docker", "node", "ls", "-q").split()
    told: list[dict[str, Any]] = json.loads(host.run("docker", "node", "inspect", *ids))
    return told


def roles(boots: Lab) -> Mapping[str, str]:
    """Of the nodes that are there, reachable where they are managers; a node that is down is told as that."""
    told = {}
    for one in nodes(boots[0]):
        manager = one.get("ManagerStatus", {}).get("Reachability") == "reachable"
        name = one["Description"]["Hostname"]
        role = "manager" if manager else one["Spec"]["Role"] if one["Spec"]["Role"] == "worker" else "unreachable"
        told[name] = role if one["Status"]["State"] == "ready" and name not in told else "down"
    return told


def labels(host: BootHost, name: str) -> dict[str, str]:
    return next(one["Spec"]["Labels"] for one in nodes(host) if one["Description"]["Hostname"] == name)


def leader(host: BootHost) -> bool:
    return "Leader" in host.run("docker", "node", "ls", check=False)


def tasks(host: BootHost) -> list[str]:
    """Names of the nodes on which replicas of the service run."""
    form = ("--filter", "desired-state=running", "--format", "{{.CurrentState}} {{.Node}}")
    lines = host.run("docker", "service", "ps", *form, "web").splitlines()
    return [line.split()[-1] for line in lines if line.startswith("Running")]
