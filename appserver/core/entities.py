"""What is on record, as values. `store/codec.py` turns them into JSON and back, field for field.

Times are aware UTC datetimes; memory is bytes; cpus are cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from appserver.core.containers import ImageFacts
from appserver.core.expose import Expose
from appserver.core.updates import Mode, Update

Run = Literal["running", "stopped", "removed"]
Phase = Literal["acting", "settling", "done", "failed", "stopped", "removed", "backoff"]
SourceKind = Literal["hosted", "remote"]


@dataclass(frozen=True, slots=True)
class AppKey:
    """An application's address: unique within its cluster."""

    cluster: str
    name: str

    def __str__(self) -> str:
        return f"{self.cluster}.{self.name}"


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """A compose project as its author gave it. Paths are relative to the project's directory."""

    name: str
    files: Mapping[str, str]
    compose_files: tuple[str, ...] = ("compose.yaml",)
    env_file: str = ""
    """The text of `.env`, where the author gave one."""
    profiles: tuple[str, ...] = ()


MOST_FAILED_RESTARTS = 8
"""Kept of an application: whoever asked for an earlier one has read its end long ago."""


@dataclass(frozen=True, slots=True)
class FailedRestart:
    """A restart over several nodes that did not come to its end.

    `since` and `until` are the store revisions that wrote its roll-out first and last: who asked for it, or let it go
    on, did so at one of them or between.
    """

    since: int
    until: int
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """`applications/<cluster>/<app>`. `revision` is the one in force, `latest` the highest ever made."""

    name: str
    cluster: str
    init_file: str
    created_at: datetime
    revision: int
    latest: int
    containers: tuple[str, ...] = ()
    source: str = "config"
    """The configuration source whose git layer applies."""
    nodes: tuple[str, ...] = ()
    """The nodes that hold a desired record of it."""
    failed_restarts: tuple[FailedRestart, ...] = ()
    """The last that did, oldest first."""

    @property
    def key(self) -> AppKey:
        return AppKey(self.cluster, self.name)


@dataclass(frozen=True, slots=True)
class Options:
    """`x-moorage:` of a project: how it is to be run, apart from what it is."""

    heal: bool = False
    settle_s: float = 1.0
    """How long a container without a healthcheck must run to count as up."""
    timeout_s: float = 300.0
    secrets: tuple[str, ...] = ()
    """Environment names to be sealed, besides those whose name says so."""
    replicas: int = 1
    """Nodes that run a copy of the project each."""
    mode: Mode = "replicated"
    """`global`: a copy on every node that can take one."""
    spread: str = ""
    """A label of nodes: copies are kept even over its values."""
    grace_s: float | None = None
    """So long after its agent was lost, a node's copy is placed elsewhere; never without."""
    update: Update = field(default_factory=Update)
    expose: tuple[Expose, ...] = ()
    """What is reached through the proxies."""
    drain_s: float = 10.0
    """So long what a container was asked through a proxy may take before it is stopped."""

    @property
    def has_copies(self) -> bool:
        """Whether more than one node may run it at once."""
        return self.mode == "global" or self.replicas > 1


@dataclass(frozen=True, slots=True)
class Revision:
    """`revisions/<cluster>/<app>/<n>`: immutable.

    `project` is the effective project, canonical, with images pinned and secrets sealed; `digest` its
    sha256. `base` is what Compose made of the author's files, before the layers: a `git push` is
    planned from it. `inputs` are the author's files, sealed whole.
    """

    number: int
    author: str
    at: datetime
    reason: str
    digest: str
    project: Mapping[str, object]
    base: Mapping[str, object]
    inputs: str
    overrides: str = ""
    """The form's or the API's own values, as JSON sealed whole; "" where there are none."""
    overrides_by: str = ""
    overrides_at: str = ""
    commits: Mapping[str, str] = field(default_factory=dict)
    """Configuration source to the commit that was read."""
    images: Mapping[str, ImageFacts] = field(default_factory=dict)
    """Service to image."""
    explained: Mapping[str, tuple[Mapping[str, object], ...]] = field(default_factory=dict)
    """Service to `Explained.to_json()` of each value."""
    warnings: tuple[str, ...] = ()
    """What layers said that was not followed, and why."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """Service to our hash of its effective definition."""
    node: str = ""
    options: Options = field(default_factory=Options)
    restores: int = 0
    """The revision that this one puts back; 0 when it is new."""


@dataclass(frozen=True, slots=True)
class Desired:
    """`desired/<node>/<cluster>.<app>`: what the agent of the node is to bring about.

    `restart` rises by one for each restart asked for; `restart_services` are those meant by the last
    (empty: all). `remove_volumes` counts only with `run == "removed"`.
    """

    revision: int
    previous: int
    run: Run = "running"
    restart: int = 0
    restart_services: tuple[str, ...] = ()
    remove_volumes: bool = False
    by: str = ""
    stack: bool = False
    """It is a stack of Swarm mode, which the agent of this manager looks after."""
    handed_on: bool = False
    """With `run == "removed"`: another manager looks after the stack, and nothing of it is to go."""
    deleted: bool = False
    """With `run == "removed"`: somebody deleted the application, and may take that back; else it left this node."""
    adopt: bool = False
    """Take over containers that run already, without a restart, where they match."""


@dataclass(frozen=True, slots=True)
class ServiceObserved:
    """One service as the agent last saw it. `action` and `cause` are those of the last act."""

    name: str
    state: str
    health: str = "none"
    action: str = "none"
    cause: str = ""
    containers: tuple[str, ...] = ()
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a service failed: one sentence, and what there was to see."""

    service: str
    why: str
    exit_code: int | None = None
    last_probe: str = ""
    logs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.service}: {self.why}" if self.service else self.why


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between what was wanted and what is there."""

    service: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Observed:
    """`observed/<node>/<cluster>.<app>`.

    `acted_on` is the store revision of the `desired` record this answers; `revision` the one that came up
    last. `failed` is the revision that was given up, with `causes`: the agent has then put
    `revision` back by itself. `step` is a sentence about the present moment.
    """

    acted_on: int
    revision: int
    phase: Phase
    at: datetime
    step: str = ""
    services: tuple[ServiceObserved, ...] = ()
    failed: int = 0
    causes: tuple[Cause, ...] = ()
    drift: tuple[Drift, ...] = ()
    restart: int = 0
    attempts: int = 0
    stack: Mapping[str, str] = field(default_factory=dict)
    """Service of a stack to a digest of what Swarm was told of it."""
    adopted: Mapping[str, str] = field(default_factory=dict)
    """Id of a container taken over as it ran to the service hash it stands for: it carries no label of ours."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`outcomes/<cluster>/<app>/<n>`: how a revision ended."""

    state: Literal["deployed", "failed", "superseded"]
    at: datetime
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """`containers/<cluster>/<name>`."""

    id: str
    image: str
    digest: str
    state: str
    node: str
    application: str
    by: str = ""
    """The node whose agent says so, where it is not `node`: a stack's containers are told by a manager."""


@dataclass(frozen=True, slots=True)
class Source:
    """`sources/<name>`: a git repository of container configuration, kept here or elsewhere.

    `credential` is a sealed token or private key, `webhook_secret` sealed too; `known_hosts` are the public
    keys by which an ssh server is known.
    """

    name: str
    kind: SourceKind
    created_at: datetime
    branch: str = "main"
    """The one that is rolled out."""
    url: str = ""
    interval_s: float = 60.0
    username: str = ""
    credential: str = ""
    known_hosts: str = ""
    webhook_secret: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class SourceState:
    """`sourcestate/<name>`.

    `commit` is the last good one: it is in force until a better one comes, whatever `error` says of a newer one.
    `place` is where it came from: `hosted`, or a URL.
    `pending` are applications (`<cluster>.<app>`) that the commit is still to be rolled out to, each with the
    reason it waits. `asked` counts the requests to look at a remote now, `answered` those that were met.
    """

    commit: str = ""
    place: str = ""
    at: datetime | None = None
    pending: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    error_commit: str = ""
    error_at: datetime | None = None
    checked_at: datetime | None = None
    asked: int = 0
    answered: int = 0
