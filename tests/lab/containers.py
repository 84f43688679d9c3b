"""Containers as Compose leaves them, started without it: for tests of what looks at containers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appserver.adapters.engine_state import CONFIG_HASH, PROJECT, SERVICE
from tests.lab.agents import run_docker


def start(
    project: str,
    service: str,
    image: str,
    command: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> str:
    """A container with Compose's labels, named as it names its first of a service; its id."""
    told = {PROJECT: project, SERVICE: service, CONFIG_HASH: "hash", **(labels or {})}
    chosen = [part for name, value in told.items() for part in ("--label", f"{name}={value}")]
    name = ("--name", f"{project}-{service}-1")
    return run_docker("run", "-d", "--network=none", *name, *chosen, *flags, image, *command).strip()


def shell(script: str) -> tuple[str, ...]:
    """A command that runs a script in the tests' images."""
    return ("/bin/busybox", "sh", "-c", script)
