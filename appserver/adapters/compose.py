"""`ports.Compose`: Docker Compose v2 as a program, never a parser of ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from appserver.adapters.compose_binary import Binary
from appserver.adapters.compose_render import render
from appserver.adapters.compose_run import Running
from appserver.core.entities import ProjectFiles
from appserver.errors import ComposeError

VERBS: Mapping[str, tuple[str, ...]] = {
    "stop": ("stop",),
    "unpause": ("unpause",),
    "down": ("down", "--remove-orphans"),
    "down-volumes": ("down", "--remove-orphans", "--volumes"),
}
_RUN_LIMIT_S = 600.0


class DockerCompose:
    """Renders in a sandbox, acts through the engine's socket."""

    def __init__(
        self, binary: Binary, engine: str = "/var/run/docker.sock", run_dir: Path = Path("/run/moorage")
    ) -> None:
        self._binary = binary
        self._running = Running(binary.path, engine, run_dir)

    @property
    def version(self) -> str:
        return self._binary.version_text

    def render(self, files: ProjectFiles, directory: str = "") -> Mapping[str, object]:
        """See `ports.Compose`, and `compose_portable` for what becomes of paths."""
        return render(self._binary, files, directory)

    def wait(self, project: str, stop: threading.Event) -> None:
        """See `ports.Compose`."""
        self._running.wait(project, stop)

    def up(
        self,
        project: str,
        text: str,
        services: Sequence[str],
        stop: threading.Event,
        force: bool = False,
        limit_s: float = 3600.0,
        keep: bool = False,
        scale: Mapping[str, int] | None = None,
    ) -> Iterator[str]:
        """See `ports.Compose`."""
        counts = tuple(part for name, n in (scale or {}).items() for part in ("--scale", f"{name}={n}"))
        flags = ("--force-recreate",) if force else ("--no-recreate",) if keep else ()
        only = ("--no-deps", *services) if services else ()
        arguments = ("up", "-d", "--no-build", *flags, *counts, *only)
        yield from self._running.lines(project, text, arguments, stop, limit_s)

    def run(
        self,
        verb: str,
        project: str,
        text: str,
        services: Sequence[str] = (),
        stop: threading.Event | None = None,
    ) -> None:
        """See `ports.Compose`."""
        arguments = (*VERBS[verb], *services)
        for _ in self._running.lines(project, text, arguments, stop or threading.Event(), _RUN_LIMIT_S):
            pass

    def hashes(self, text: str) -> Mapping[str, str]:
        """See `ports.Compose`."""
        told = self._running.output("hashes", text, ("config", "--hash", "*"))
        found = dict(line.split() for line in told.splitlines() if len(line.split()) == 2)
        if not found:
            raise ComposeError("docker compose config --hash tells no hash")
        return found
