"""What a deployment is decided on, and what is decided: the values that pass between the beats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from appserver.core import plan
from appserver.core.compose import Project
from appserver.core.containers import ImageFacts
from appserver.core.entities import AppKey, Application, Desired, Observed, ProjectFiles, Revision
from appserver.core.expose import Expose
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Claim
from appserver.core.plan import Step
from appserver.core.updates import Rollout
from image_config import Repository


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """What a caller wants. `token` is a plan's: when given, nothing but that plan is applied."""

    key: AppKey
    files: ProjectFiles
    overrides: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    reason: str = ""
    token: str = ""
    source: str = "config"
    adopt: str = ""
    """A node whose running containers of this project are taken over without a restart."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything a deployment is decided on, gathered in one go.

    `stood_on` maps the application's own keys to the revisions they were read at: the commit demands they still
    hold. The plan's token is made of `people_left_it`.
    `base` is Compose's rendering with secrets sealed, `images` each service's image.
    """

    now: datetime
    stood_on: Mapping[str, int]
    base: Project
    inputs: str
    images: Mapping[str, ImageFacts]
    candidates: tuple[Candidate, ...]
    application: Application | None = None
    current: Revision | None = None
    overrides: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Those of `current`, opened, where its inputs are to be deployed again."""
    desired: Mapping[str, Desired] = field(default_factory=dict)
    observed: Mapping[str, Observed] = field(default_factory=dict)
    repository: Repository | None = None
    commits: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[tuple[str, str], str] = field(default_factory=dict)
    strategy: Strategy = "spread"
    bind_roots: tuple[str, ...] = ()
    in_swarm: bool = False
    """Its cluster is a Swarm: the project is a stack, which a manager's agent looks after."""
    unsettled: int = 0
    """A revision that is still being rolled out; 0 when none is."""
    fresh: frozenset[str] = frozenset()
    """Nodes that had no copy before it."""
    lost: Mapping[str, float] = field(default_factory=dict)
    """Nodes without their agent, and for how many seconds that has been watched."""
    unwell: frozenset[str] = frozenset()
    """Nodes that are away or not healthy now, which may pass."""

    @property
    def people_left_it(self) -> str:
        return people_left_it(self.application, self.desired)


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks; a privileged author is bound by no policy."""

    name: str
    privileged: bool


@dataclass(frozen=True, slots=True)
class DeployPlan:
    """What will be done and why, and the records that say so. Applied only while `stood_on` holds."""

    key: AppKey
    changed: bool
    token: str
    revision: int
    nodes: tuple[str, ...]
    """Those that run a copy each."""
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    diff: str
    commits: Mapping[str, str]
    stood_on: Mapping[str, int]
    record: Revision | None
    application: Application
    desired: Mapping[str, Desired]
    claims: Mapping[str, Claim]
    """What is reserved on each node until the roll-out is settled."""
    superseded: int = 0
    rollout: Rollout | None = None
    """How it goes on where not all is done at once."""

    @property
    def node(self) -> str:
        """The nodes in one line."""
        return ", ".join(self.nodes)

    @property
    def exposes(self) -> tuple[Expose, ...]:
        return self.record.options.expose if self.record else ()

    @property
    def text(self) -> str:
        return plan.text(self.steps) or "nothing to do\n"

    def to_json(self) -> Mapping[str, object]:
        return {
            "application": str(self.key),
            "changed": self.changed,
            "token": self.token,
            "revision": self.revision,
            "node": self.node,
            "nodes": list(self.nodes),
            "steps": plan.to_json(self.steps),
            "warnings": list(self.warnings),
            "commits": dict(self.commits),
            "diff": self.diff,
        }


def people_left_it(application: Application | None, desired: Mapping[str, Desired]) -> str:
    """What only people change of an application: they deploy, stop and remove it. How far a roll-out is, is not in it.

    Whoever decided on the same may decide again by themselves when the record has changed meanwhile.
    """
    if application is None:
        return ""
    runs = {one.run for one in desired.values()}
    state = next((run for run in ("stopped", "running", "removed") if run in runs), "")
    return f"{application.created_at.isoformat()} {application.latest} {state}"
