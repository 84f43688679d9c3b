"""`ports.Stacks`: the `docker` program where it knows a stack's file, and the engine's own API for everything else.

Works on the engine of a manager.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from appserver.adapters import stack_state as state
from appserver.adapters.compose_run import Running
from appserver.adapters.engine_client import Calls
from appserver.adapters.engine_state import lines
from appserver.adapters.stack_places import last_failed
from appserver.core.containers import ContainerState
from appserver.core.swarm_nodes import Mark, Member
from appserver.core.swarm_progress import Progress

_TIMEOUT_S = 10.0
_LIMIT_S = 60.0
_PROGRAM = "docker"


class DockerStacks:
    def __init__(self, socket: str, run_dir: Path) -> None:
        self.folder = run_dir / "stacks"
        self._calling = Calls(socket, _TIMEOUT_S)
        self._running = _Docker(shutil.which(_PROGRAM) or _PROGRAM, socket, run_dir)

    def containers(self, project: str) -> tuple[ContainerState, ...]:
        with self._calling("list a stack's tasks") as api:
            services, tasks = self._found(api, project)
            nodes = api.nodes() if tasks else ()
        return state.containers(project, services, tasks, nodes)

    def progress(self, project: str) -> Mapping[str, Progress]:
        with self._calling("list a stack's tasks") as api:
            services, tasks = self._found(api, project)
            nodes = api.nodes() if tasks else ()
        return state.progress(project, services, tasks, nodes)

    def owners(self, project: str) -> Collection[str]:
        with self._calling("list a stack's services") as api:
            return state.owners(api.services(filters=_of(project)))

    def deploy(self, project: str, text: str, stop: threading.Event, limit_s: float) -> Iterator[str]:
        arguments = ("stack", "deploy", "--prune", "--with-registry-auth", "--resolve-image", "never", "-c", "-")
        yield from self._running.lines(project, text, (*arguments, project), stop, limit_s)

    def restart(self, project: str, services: Collection[str], stop: threading.Event) -> None:
        for name in sorted(services):
            self._run(project, ("service", "update", "--force", "--detach", f"{project}_{name}"), stop)

    def stop(self, project: str, stop: threading.Event) -> None:
        with self._calling("list a stack's services") as api:
            names = [one["Spec"]["Name"] for one in api.services(filters=_of(project))]
        if names:
            self._run(project, ("service", "rm", *names), stop)

    def remove(self, project: str, stop: threading.Event) -> None:
        self._run(project, ("stack", "rm", project), stop)

    def is_there(self, project: str) -> bool:
        with self._calling("look what is left of a stack") as api:
            return bool(api.services(filters=_of(project)) or api.networks(filters=_of(project)))

    def tidy(self, project: str, kept: Collection[str]) -> None:
        with self._calling("remove what a stack mounts no more") as api:
            for ident in state.unused(kept, api.configs(filters=_of(project))):
                api.remove_config(ident)
            for ident in state.unused(kept, api.secrets(filters=_of(project))):
                api.remove_secret(ident)

    def last_lines(self, container: ContainerState, count: int) -> tuple[str, ...]:
        with self._calling("logs of a task") as api:
            place, _, known = container.name.rpartition(".")
            beside = api.tasks(filters={"service": place.rpartition(".")[0]})
            task = last_failed(beside, container) or api.inspect_task(known)
            url = api._url("/tasks/{0}/logs", task["ID"])  # the package has the logs of services alone
            answer = api._get(url, params={"stdout": 1, "stderr": 1, "tail": count}, stream=True)
            api._raise_for_status(answer)
            return tuple(lines(api._get_result_tty(True, answer, task["Spec"]["ContainerSpec"].get("TTY", False))))

    def members(self) -> tuple[Member, ...]:
        with self._calling("list Swarm's nodes") as api:
            return tuple(map(state.member, api.nodes()))

    def mark(self, mark: Mark) -> None:
        with self._calling("tell Swarm of a node") as api:
            found = api.inspect_node(mark.id)
            role = {"Role": mark.role} if mark.role else {}
            told = {"Labels": dict(mark.labels), "Availability": mark.availability, **role}
            api.update_node(mark.id, mark.version, {**found["Spec"], **told})

    def _run(self, project: str, arguments: Sequence[str], stop: threading.Event) -> None:
        for _ in self._running.lines(project, "", arguments, stop, _LIMIT_S):
            pass

    @staticmethod
    def _found(api: Any, project: str) -> tuple[list[Any], list[Any]]:
        services = api.services(filters=_of(project))
        return services, api.tasks(filters={"service": [one["ID"] for one in services]}) if services else []


class _Docker(Running):
    """The same locks as Compose's: a project is worked on by one process."""

    called = "docker"

    def _argv(self, project: str, arguments: Sequence[str], with_text: bool) -> list[str]:
        return [self._program, *arguments]

    def _environment(self) -> Mapping[str, str]:
        """With where the credentials for registries are: they go to the nodes with the services."""
        kept = {name: os.environ[name] for name in ("HOME", "DOCKER_CONFIG") if name in os.environ}
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **kept, "DOCKER_HOST": self._engine}


def _of(project: str) -> dict[str, str]:
    return {"label": f"{state.NAMESPACE}={project}"}
