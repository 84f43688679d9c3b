"""What is asked of a node: its engine, Compose, packages and shared tree, and the agents of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Protocol

from appserver.core.conditions import DiskHealth, Offset, Space
from appserver.core.containers import (
    ContainerProcess,
    ContainerState,
    EngineEvent,
    EngineInfo,
    ImageFacts,
    StrayProject,
)
from appserver.core.entities import ProjectFiles
from appserver.core.handshake import Proof
from appserver.core.metrics import Reading, Sample, Subject
from appserver.core.swarm_nodes import Mark, Member
from appserver.core.swarm_progress import Progress


class Engine(Protocol):
    """The Docker Engine of this node."""

    def info(self) -> EngineInfo: ...
    def containers(
        self, project: str | None = None, known: Mapping[str, ContainerState] | None = None
    ) -> tuple[ContainerState, ...]:
        """Containers that carry Compose's project label, stopped ones too; one-off runs left out.

        Of one project in full; of all, only what the engine's list says (no exit code, probe, limits, networks' state).

        Args:
            known: id to a full state from before, which stands where the engine's list says nothing else.
        """

    def running(self) -> tuple[ContainerState, ...]:
        """Every running container of this host, whosever, as listed; `image` by a name with its tag, if it has one."""

    def processes(self, known: Mapping[str, ContainerProcess]) -> tuple[ContainerProcess, ...]:
        """Every running container of this host, by name.

        Args:
            known: id to what was found before, which stands for as long as the container's process may be that one.
        """

    def image(self, reference: str) -> ImageFacts | None:
        """None when this engine does not hold it."""

    def pull(self, reference: str) -> ImageFacts: ...
    def keep(self, image_id: str, name: str) -> None:
        """Tag the image so that a prune of dangling images leaves it."""

    def unkeep(self, repository: str) -> None:
        """Take away every tag that `keep` gave below this repository name; images nobody else names go with it."""

    def remove(self, container_id: str) -> None:
        """Stop one container, in the time it has for that, and remove it; its named volumes stay.

        Nothing happens when it is gone already.
        """

    def logs(
        self,
        container_id: str,
        tail: int,
        follow: bool = False,
        since: datetime | None = None,
        stop: Event | None = None,
    ) -> Iterator[str]: ...
    def events(self, stop: Event) -> Iterator[EngineEvent]:
        """Container events from now on; ends when `stop` is set, raises EngineError when the engine goes away.

        The first says `connected`: what is listed after it and what follows leave no gap.
        """

    def owners(self) -> Mapping[str, Mapping[str, str]]:
        """`volumes` and `networks`: the name of each to the Compose project that it was made for, "" for none."""

    def stats(self, project: str) -> tuple[Mapping[str, object], ...]:
        """Per running container: name, service, cpu_seconds (so far), memory, memory_limit (bytes), pids, at."""

    def stray_projects(self) -> tuple[StrayProject, ...]:
        """Compose projects on this host that carry no label of ours."""


class Stacks(Protocol):
    """The Swarm that this node's engine manages, one stack at a time. Every call raises EngineError when it is away."""

    folder: Path
    """For files that it is to read, for a moment: gone with the power."""

    def containers(self, project: str) -> tuple[ContainerState, ...]:
        """A stack's tasks that are wanted, and those that ended by themselves, on whatever node."""

    def progress(self, project: str) -> Mapping[str, Progress]:
        """By service."""

    def owners(self, project: str) -> Collection[str]:
        """The applications whose services are in a stack of this name, "" for services of none."""

    def deploy(self, project: str, text: str, stop: Event, limit_s: float) -> Iterator[str]:
        """Give Swarm the whole stack; what is not in it goes. Lines of what is done, which it does afterwards.

        Raises:
            ComposeError
        """

    def restart(self, project: str, services: Collection[str], stop: Event) -> None:
        """Replace the tasks of these, as an update does."""

    def stop(self, project: str, stop: Event) -> None:
        """Remove the services alone."""

    def remove(self, project: str, stop: Event) -> None:
        """Everything of it but its volumes."""

    def is_there(self, project: str) -> bool:
        """Whether services or networks of it are left."""

    def tidy(self, project: str, kept: Collection[str]) -> None:
        """Remove the configs and secrets of a stack but these."""

    def last_lines(self, container: ContainerState, count: int) -> tuple[str, ...]:
        """Of what a task wrote, wherever it ran."""

    def members(self) -> tuple[Member, ...]:
        """Every node of the Swarm."""

    def mark(self, mark: Mark) -> None:
        """Give a node of the Swarm these labels, and no others, this availability, and the role if one is said.

        Raises:
            EngineError: also where it is not any more what was decided on.
        """


class Packages(Protocol):
    """The packages of this host."""

    def installed(self) -> Mapping[str, str]:
        """Name to version of what is fully installed.

        Raises:
            BackendError: it cannot be asked.
        """

    def stamp(self) -> int:
        """A number that differs once `installed` may."""


class Host(Protocol):
    """What the kernel says of this host: of the host itself, also where the agent has namespaces of its own."""

    def read(self, containers: Sequence[ContainerProcess]) -> Reading:
        """Everything that is measured, now. What cannot be read is left out; nothing is raised for it."""

    def spaces(self, paths: Sequence[str]) -> tuple[Space, ...]:
        """The file systems that hold these paths, each once and by the first of them; what cannot be read is told."""

    def memory(self) -> tuple[int, int]:
        """Bytes that the kernel could give without swapping, and that there are.

        Raises:
            BackendError: it cannot be read.
        """


class Disks(Protocol):
    """The disks of this host, by what they say of themselves (SMART)."""

    def health(self) -> tuple[DiskHealth, ...]:
        """In bounded time. Empty where nothing can be asked: no program for it, no disks, none that answers."""


class TimeSources(Protocol):
    """Clocks of other hosts."""

    def ahead(self) -> tuple[Offset, ...]:
        """How far this host's clock is before each of those that answered, in bounded time."""


class MetricHistory(Protocol):
    """Samples that outlive the agent, bounded by time and by size."""

    def append(self, level: str, sample: Sample) -> None:
        """
        Raises:
            BackendError: it could not be written; what was there before can be read.
        """

    def spans(self) -> Mapping[str, tuple[int, int]]:
        """Level to the Unix times of its oldest and newest sample; levels without samples are left out."""

    def read(self, level: str, start: int, end: int, wanted: Callable[[Subject], bool]) -> Iterator[Sample]:
        """From `start` until before `end`, as they were written; with the subjects that are wanted."""


class SharedTree(Protocol):
    """The file system that all hosts of a site share, by what proves it: the cluster's token in a file at its root.

    Both return in bounded time, whatever the file system does.
    """

    def prove(self, token: str, name: str) -> Proof:
        """Compare, then write and read back a file of `name`."""

    def mark(self, token: str) -> Proof:
        """Put the token there where there is none; one that is there stays, and is compared."""


class Compose(Protocol):
    """Docker Compose v2."""

    def render(self, files: ProjectFiles, directory: str = "") -> Mapping[str, object]:
        """What `docker compose config` makes of the files: canonical, as JSON values, every `$` doubled.

        What a config or secret reads from a file or `.env` stands in its `content` (`x-file`: where it came from); a
        bind of a project file is such a config too, and a bind of a project directory one with `x-files`, path to text.

        Args:
            directory: where the project lives on its own host, so that the binds of its paths stay as they are.
        Raises:
            Invalid: Compose refused the files; its own words, paths relative to the project.
        """

    def wait(self, project: str, stop: Event) -> None:
        """Until what an earlier program of ours left running on the project has ended, by itself within its own limit.

        Raises:
            ComposeError: `stop` was set before that.
        """

    def up(
        self,
        project: str,
        text: str,
        services: Sequence[str],
        stop: Event,
        force: bool = False,
        limit_s: float = 3600.0,
        keep: bool = False,
        scale: Mapping[str, int] | None = None,
    ) -> Iterator[str]:
        """Create or recreate what differs; progress line by line. With `services`, those alone.

        Args:
            force: recreate them even if Compose sees no difference.
            keep: recreate none: Compose sees a difference where a service is brought up without those it depends on.
            scale: so many containers of these services, whatever the text says.
        Raises:
            ComposeError: it ended badly, was stopped, or was not through within `limit_s`.
        """

    def run(self, verb: str, project: str, text: str, services: Sequence[str] = (), stop: Event | None = None) -> None:
        """One of `stop`, `unpause`, `down`, `down-volumes`.

        Without a text, Compose goes by the labels of what is there.

        Raises:
            ComposeError: it ended badly, or `stop` was set before it was through.
        """

    def hashes(self, text: str) -> Mapping[str, str]:
        """Compose's own configuration hash of each service."""


class Nodes(Protocol):
    """Live reads from agents, over mutual TLS."""

    def images(self, node: str, references: Sequence[str]) -> Mapping[str, ImageFacts | None]: ...
    def logs(
        self, node: str, container_id: str, tail: int, follow: bool = False, since: datetime | None = None
    ) -> Iterator[str | None]:
        """Line by line; None where a log that is followed has been silent for some seconds."""

    def stats(self, node: str, project: str) -> Sequence[Mapping[str, object]]: ...
    def stray_projects(self, node: str) -> tuple[StrayProject, ...]: ...
    def metrics(self, node: str, query: Mapping[str, str]) -> Mapping[str, object]:
        """A range of what was measured there, as the agent's `/metrics-range` answers."""


class Registry(Protocol):
    """Image registries, read without pulling."""

    def image(self, reference: str) -> ImageFacts | None: ...
