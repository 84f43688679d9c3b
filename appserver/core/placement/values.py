"""Citadel's values, field by field as its seed has them; memory in MB (1024 × 1024 bytes), cpus in cores.

`codec.py` is their JSON, `translate.py` what placement makes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Port:
    """`host_ip` "" is every address of the host, `port` is the host's; 0 leaves it to the engine."""

    proto: str = ""
    host_ip: str = ""
    port: int = 0
    container_port: int = 0


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    name: str = ""
    maximum_retry: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """What is to be run. The fields after `privileged` are not Citadel's, and stay out of JSON where they are empty."""

    name: str
    cpus: float = 0.0
    cpuset: str = ""
    memory: float = 0.0
    """MB."""
    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    hostname: str = ""
    domain: str = ""
    args: tuple[str, ...] = ()
    type: str = ""
    labels: tuple[str, ...] = ()
    bind_ports: tuple[Port, ...] = ()
    user_data: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    restart_policy: RestartPolicy = RestartPolicy()
    publish: bool = False
    network_mode: str = ""
    container_name: str = ""
    privileged: bool = False
    constraints: tuple[str, ...] = ()
    affinities: tuple[str, ...] = ()
    resources: Mapping[str, int] = field(default_factory=dict)
    """Counted ones, such as gpus; disk in bytes."""
    group: str = ""
    spread_by: str = ""
    prefer_image: bool = False
    reschedulable: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """`memory` in MB; `labels` are words, of which `key=value` is also a label of Classic Swarm's."""

    id: str = ""
    addr: str = ""
    cpus: float = 0.0
    memory: float = 0.0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    id: str = ""
    name: str = ""
    image: Image | None = None
    engine: Engine | None = None
    state: str = ""
    """running or stopped."""
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineSnapshot:
    id: str = ""
    cpus: float = 0.0
    memory: float = 0.0
    reserved_cpus: float = 0.0
    reserved_memory: float = 0.0
    current_memory: float = 0.0
    current_cpu: float = 0.0
    """In use now: MB, and cores."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    cpus: float = 0.0
    memory: float = 0.0
    container_count: int = 0
    engine_count: int = 0
    image_count: int = 0
    reserved_cpus: float = 0.0
    reserved_memory: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """`type` is Docker's status. Without a time it has not been told when."""

    type: str = ""
    container: Container | None = None
    engine: Engine | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImageInfo:
    name: str
    tag: str = "latest"

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}"


def parse_image_name(text: str) -> ImageInfo:
    """`host:port/ns/img:tag`: a colon is the tag's only after the last slash. A digest is kept with the name."""
    head, slash, last = text.rpartition("/")
    if "@" in last:
        return ImageInfo(text, "")
    name, colon, tag = last.partition(":")
    return ImageInfo(head + slash + name, tag if colon else "latest")
