"""What a node's engine holds: images, containers, projects. Memory is bytes; cpus are cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

LOG_BEAT = "\0"
"""In the place of a line of a followed log: there is none yet. No line is this: none holds a control character."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image as an engine or a registry knows it.

    `pin` is what a service's `image:` becomes: `repo@sha256:…` where a registry digest is known,
    else the image id itself, for images that never saw a registry.
    """

    reference: str
    id: str
    pin: str
    labels: Mapping[str, str] = field(default_factory=dict)
    origin: Literal["engine", "registry"] = "engine"


@dataclass(frozen=True, slots=True)
class SwarmMember:
    """What an engine is in Swarm mode, by Swarm's own ids."""

    cluster: str
    node: str
    manager: bool = False


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a node's Docker Engine says of itself."""

    version: str
    cpus: float
    memory: int
    compose_version: str = ""
    root: str = ""
    """Directory in which it keeps images and volumes."""
    swarm: SwarmMember | None = None
    """None where it is in no Swarm, or not yet."""

    @property
    def role(self) -> str:
        """In a Swarm; empty where it is in none."""
        return "" if self.swarm is None else "manager" if self.swarm.manager else "worker"


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """One container event, or a container's joining or leaving a network (`connect`, `disconnect`).

    `project` is Compose's label; empty for other containers, and for network events.
    """

    action: str
    container_id: str
    project: str
    service: str
    at: float


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container of a compose project, as the engine has it now.

    `health` is `none` without a healthcheck, else `starting`, `healthy` or `unhealthy`.
    """

    id: str
    name: str
    project: str
    service: str
    state: str
    image: str
    image_id: str
    config_hash: str
    health: str = "none"
    exit_code: int = 0
    started_at: datetime | None = None
    last_probe: str = ""
    probe_ran: bool = True
    """False when the engine could not enter it for its last probe, which says nothing of the application."""
    restart_count: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    """Why the engine could not start it, or that memory ran out."""
    memory: int = 0
    """Limit in bytes, 0 for none; so are `cpus`, in cores."""
    cpus: float = 0.0
    restart: str = "no"
    """Restart policy: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`."""
    networks: tuple[str, ...] = ()
    published: Mapping[int, int] = field(default_factory=dict)
    """Its TCP ports to those of the host by which other hosts reach them."""
    in_host_network: bool = False
    node: str = ""
    """Of a stack's: the node it runs on; empty for this one."""


@dataclass(frozen=True, slots=True)
class ContainerProcess:
    """A running container by its first process, as the host numbers it.

    `application` (`<cluster>.<app>`) is what its label says; empty where it has none, as an adopted one's.
    """

    id: str
    name: str
    pid: int
    application: str = ""
    service: str = ""
    project: str = ""
    image: str = ""
    """As it was started, where that still names it."""
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class StrayProject:
    """A compose project found running on a host, not ours yet."""

    name: str
    config_files: tuple[str, ...]
    working_dir: str
    services: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """The texts of its files, where the agent could read them."""
