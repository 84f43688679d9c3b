"""What answers about nodes, boot servers and clusters look like."""

from __future__ import annotations

from typing import Literal

from appserver.web.shapes import Shape


class StrayProject(Shape):
    """A compose project that runs on a node and is not ours yet."""

    name: str
    working_dir: str
    config_files: list[str]
    services: list[str]
    readable: bool


class Engine(Shape):
    version: str
    compose_version: str
    swarm: str
    """Its part in a Swarm: `manager`, `worker`, or empty."""
    cpus: float
    memory: int


class InUse(Shape):
    """By everything that runs there, over some minutes."""

    cpus: float
    memory: int


class Condition(Shape):
    name: str
    ok: bool
    reason: str
    since: str


class Reserved(Shape):
    cpus: float
    memory: int
    ports: list[str]


class Cordon(Shape):
    """Nothing new is placed there; with `drain`, what is there goes elsewhere."""

    by: str
    at: str
    reason: str
    drain: bool


class Moved(Shape):
    """One application that leaves a node, and where it is from now on; or why it stays."""

    application: str
    nodes: list[str]
    text: str
    operation: str
    refused: str


class Node(Shape):
    """`on`: its agent is alive. `healthy`: every condition is good besides, or a mere warning.

    `handshake`: how far its start-up is, `waiting`, `init-new`, `init-recovery`, `work` or `ok`; empty where its agent
    tells nothing of it, as while it is off.
    """

    name: str
    address: str
    cluster: str
    lrn: int
    labels: dict[str, str]
    on: bool
    healthy: bool
    handshake: str
    ip: str
    engine: Engine | None
    in_use: InUse | None
    conditions: list[Condition]
    reserved: Reserved
    applications: list[str]
    placements: list[str]
    cordon: Cordon | None
    lost_since: str | None


class StartUp(Shape):
    """`leader`: address of the app server that answers nodes; empty: none does. `known`: nodes that ever came up.

    `mode`: how one of those begins when it comes back; others begin as new ones. `states`: handshake to nodes.
    """

    leader: str
    mode: Literal["new", "recovery"]
    known: int
    states: dict[str, int]


class BootServer(Shape):
    """`nodes` and `addresses` are those of the agents that say they run there. `on`: one of them is alive."""

    lrn: int
    nodes: list[str]
    addresses: list[str]
    on: bool


class InstalledChange(Shape):
    """A package, a container, or a user of the board (`bmc`) that somebody changed; null where it was, or is, not."""

    at: str
    kind: str
    name: str
    before: str | None
    after: str | None


class InstalledBootServer(BootServer):
    """With what is on record of it: container to image, package to version; and its last changes, newest first."""

    containers: dict[str, str]
    debs: dict[str, str]
    changes: list[InstalledChange]


class InstalledDifference(Shape):
    """One name that two boot servers do not have alike; null where one does not have it."""

    kind: Literal["container", "deb"]
    name: str
    before: str | None
    after: str | None


class Holder(Shape):
    lrn: int
    name: str
    version: str


class Cluster(Shape):
    """`system` groups are computed and cannot be changed."""

    name: str
    title: str
    kind: str
    strategy: str
    live: bool
    """Whether what is in use beyond what is reserved counts in the rank of nodes."""
    labels: dict[str, str]
    selector: list[str]
    system: bool
    nodes: list[str]
    on: list[str]
    applications: list[str]
