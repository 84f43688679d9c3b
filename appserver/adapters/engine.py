"""`ports.Engine` on the low-level client of the `docker` package: one list call where a listing will do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from docker.errors import ImageNotFound, NotFound

from appserver.adapters import engine_state as state
from appserver.adapters.engine_client import Calls
from appserver.adapters.engine_stray import stray_projects
from appserver.core.containers import (
    ContainerProcess,
    ContainerState,
    EngineEvent,
    EngineInfo,
    ImageFacts,
    StrayProject,
)
from appserver.errors import EngineError

_TIMEOUT_S = 10.0
_PULL_TIMEOUT_S = 120
_STOP_GRACE_S = 10
_LOOK_S = 5.0
_EVENTS = (
    "create", "start", "die", "kill", "stop", "restart", "destroy", "health_status", "update", "rename", "oom", "pause",
    "unpause", "connect", "disconnect",
)  # fmt: skip


class DockerEngine:
    """Every call ends within its timeout."""

    def __init__(self, socket: str, compose_version: str = "", timeout_s: float = _TIMEOUT_S) -> None:
        self._compose_version = compose_version
        self._calling = Calls(socket, timeout_s)

    def info(self) -> EngineInfo:
        with self._calling("info") as api:
            found = api.info()
        return EngineInfo(
            version=found["ServerVersion"],
            cpus=float(found["NCPU"]),
            memory=found["MemTotal"],
            compose_version=self._compose_version,
            root=found.get("DockerRootDir", ""),
            swarm=state.swarm(found.get("Swarm") or {}),
        )

    def containers(
        self, project: str | None = None, known: Mapping[str, ContainerState] | None = None
    ) -> tuple[ContainerState, ...]:
        label = f"{state.PROJECT}={project}" if project else state.PROJECT
        with self._calling("list containers") as api:
            listed = [
                item
                for item in api.containers(all=True, filters={"label": label})
                if (item.get("Labels") or {}).get(state.ONE_OFF) != "True"
            ]
            found = [state.from_list(item) for item in listed]
            if project is not None:
                in_full = (_in_full(api, entry, (known or {}).get(entry.id)) for entry in found)
                found = [one for one in in_full if one is not None]
        return tuple(sorted(found, key=lambda c: (c.project, c.service, c.name)))

    def running(self) -> tuple[ContainerState, ...]:
        with self._calling("list containers") as api:
            listed, images = api.containers(), api.images()
        tags = {image["Id"]: image.get("RepoTags") or () for image in images}
        return tuple(state.from_list({**item, "Image": state.named(item, tags)}) for item in listed)

    def processes(self, known: Mapping[str, ContainerProcess]) -> tuple[ContainerProcess, ...]:
        with self._calling("list containers") as api:
            listed = api.containers()
            found = (known.get(item["Id"]) or _process(api, item) for item in listed)
            return tuple(sorted((one for one in found if one is not None), key=lambda one: one.name))

    def image(self, reference: str) -> ImageFacts | None:
        with self._calling(f"inspect image {reference}") as api:
            try:
                return state.facts(api.inspect_image(reference), reference)
            except ImageNotFound:
                return None

    def pull(self, reference: str) -> ImageFacts:
        """
        Raises:
            EngineError: no registry gave it.
        """
        repository = state.repository(reference)
        tag = reference[len(repository) + 1 :] or "latest"
        with self._calling(f"pull {reference}", _PULL_TIMEOUT_S) as api:
            api.reload_config()
            for told in api.pull(repository, tag, stream=True, decode=True):
                if "error" in told:
                    raise EngineError(f"pull {reference}: {state.printable(str(told['error']))}")
        if (found := self.image(reference)) is None:
            raise EngineError(f"pull {reference}: the engine does not hold it afterwards")
        return found

    def keep(self, image_id: str, name: str) -> None:
        repository = state.repository(name)
        with self._calling(f"tag {name}") as api:
            api.tag(image_id, repository, name[len(repository) + 1 :] or "latest")

    def unkeep(self, repository: str) -> None:
        with self._calling(f"untag {repository}") as api:
            for image in api.images(name=repository):
                for tag in image.get("RepoTags") or ():
                    if state.repository(tag) == repository:
                        _remove_tag(api, tag)

    def owners(self) -> Mapping[str, Mapping[str, str]]:
        with self._calling("list volumes and networks") as api:
            found = {"volumes": api.volumes().get("Volumes") or (), "networks": api.networks()}
        return {
            kind: {item["Name"]: (item.get("Labels") or {}).get(state.PROJECT, "") for item in items}
            for kind, items in found.items()
        }

    def remove(self, container_id: str) -> None:
        with self._calling("remove a container") as api:
            try:
                grace_s = (api.inspect_container(container_id).get("Config") or {}).get("StopTimeout")
                api.stop(container_id, timeout=_STOP_GRACE_S if grace_s is None else grace_s)
                api.remove_container(container_id, v=False, force=True)
            except NotFound:
                return

    def logs(
        self,
        container_id: str,
        tail: int,
        follow: bool = False,
        since: datetime | None = None,
        stop: threading.Event | None = None,
    ) -> Iterator[str]:
        with self._calling("logs") as api:
            try:
                stream = api.logs(container_id, stream=True, follow=follow, tail=tail, since=since)
            except NotFound as error:
                raise EngineError(f"there is no container {container_id}") from error
            with _closed_on(stop, stream):
                yield from state.lines(stream)

    def events(self, stop: threading.Event) -> Iterator[EngineEvent]:
        with self._calling("events") as api:
            wanted = {"type": ["container", "network"], "event": list(_EVENTS)}
            stream = api.events(decode=True, filters=wanted)
            with _closed_on(stop, stream):
                yield EngineEvent("connected", "", "", "", time.time())
                for item in stream:
                    yield state.event(item)
        if not stop.is_set():
            raise EngineError("the engine went away")

    def stats(self, project: str) -> tuple[Mapping[str, object], ...]:
        running = [c for c in self.containers(project) if c.state == "running"]
        if not running:
            return ()
        with self._calling("stats") as api, ThreadPoolExecutor(min(8, len(running))) as pool:
            samples = pool.map(lambda c: _sample(api, c), running)
            return tuple(one for one in samples if one is not None)

    def stray_projects(self) -> tuple[StrayProject, ...]:
        return stray_projects(self.containers())


def _in_full(api: Any, listed: ContainerState, known: ContainerState | None) -> ContainerState | None:
    """None when it was removed since it was listed."""
    if known is not None and state.is_still(known, listed):
        return known
    try:
        return state.from_inspect(api.inspect_container(listed.id))
    except NotFound:
        return None


def _process(api: Any, item: Mapping[str, Any]) -> ContainerProcess | None:
    """None when it ended since it was listed."""
    try:
        pid = api.inspect_container(item["Id"])["State"]["Pid"]
    except NotFound:
        return None
    return state.process(item, pid) if pid else None


def _sample(api: Any, container: ContainerState) -> Mapping[str, object] | None:
    try:
        return state.usage(container, api.stats(container.id, stream=False, one_shot=True))
    except NotFound:
        return None


def _remove_tag(api: Any, tag: str) -> None:
    try:
        api.remove_image(tag)
    except ImageNotFound:
        return


@contextmanager
def _closed_on(stop: threading.Event | None, stream: Any) -> Iterator[None]:
    """Close the stream when `stop` is set, so that a reader that waits for the next chunk comes back."""
    done = threading.Event()
    watcher = threading.Thread(target=_close_when, args=(stop, done, stream), daemon=True) if stop else None
    if watcher:
        watcher.start()
    try:
        yield
    finally:
        done.set()
        stream.close()


def _close_when(stop: threading.Event, done: threading.Event, stream: Any) -> None:
    while not done.is_set():
        if stop.wait(_LOOK_S):
            stream.close()
            return
