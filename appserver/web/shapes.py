"""What answers look like, for the OpenAPI document. The API's tests hold every answer against these."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class Listed(Shape, Generic[T]):
    """One page; `next` is the cursor of the one after it, for `?after=`."""

    items: list[T]
    next: str | None


class Problem(Shape):
    """Every error, as application/problem+json (RFC 9457)."""

    class Fault(Shape):
        where: str
        why: str

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault]


class ValueChange(Shape):
    option: str
    before: str | None
    after: str | None
    source: str


class Step(Shape):
    action: Literal["create", "recreate", "update", "start", "stop", "remove", "none"]
    subject: str
    cause: str
    changes: list[ValueChange]


class Plan(Shape):
    """What would be done, and why. Apply it by sending its `token` with the same request."""

    application: str
    changed: bool
    token: str
    revision: int
    node: str
    nodes: list[str]
    steps: list[Step]
    warnings: list[str]
    commits: dict[str, str]
    diff: str


class Service(Shape):
    name: str
    state: str
    health: str
    action: str
    cause: str
    containers: list[str]
    image_id: str
    ports: list[str]


class Cause(Shape):
    service: str
    why: str
    exit_code: int | None
    last_probe: str
    logs: list[str]


class Drift(Shape):
    service: str
    what: str
    before: str
    after: str


class Operation(Shape):
    """Something under way. Its state is derived from the record, so it outlives the app server that began it."""

    id: str
    state: Literal["pending", "running", "done", "failed", "superseded"]
    application: str
    revision: int
    phase: str
    step: str
    services: list[Service]
    causes: list[Cause]
    done_at: str | None


class Behind(Shape):
    """Data that is not copied when an application moves: a volume, or a directory of the hosts."""

    kind: Literal["volume", "bind"]
    name: str
    services: list[str]


class TransferPlan(Shape):
    """What becomes of an application that is moved to another cluster; `leaves` are the nodes it is on now."""

    application: str
    to: str
    changed: bool
    token: str
    nodes: list[str]
    leaves: list[str]
    steps: list[Step]
    warnings: list[str]
    commits: dict[str, str]
    diff: str
    behind: list[Behind]
    routes: list[str]
    stopped: bool


class Transfer(Shape):
    """A move to another cluster.

    `arriving`: the new one comes up; `passing`: it gets the routes; `leaving`: the old one goes; `undoing`: the new.
    """

    application: str
    to: str
    becomes: str
    state: Literal["arriving", "passing", "leaving", "undoing", "done", "failed"]
    step: str
    causes: list[Cause]
    operation: str
    by: str
    begun_at: str
    ended_at: str | None


class Copy(Shape):
    """The part of one node; `revision` is the one that came up last."""

    node: str
    on: bool
    run: str
    wanted: int
    revision: int
    phase: str
    step: str


class Rollout(Shape):
    """A revision on its way over several nodes."""

    revision: int
    before: int
    waiting: list[str]
    acting: list[str]
    done: list[str]
    failed: list[str]
    away: list[str]
    paused: str


class Application(Shape):
    name: str
    cluster: str
    state: str
    reason: str
    revision: int
    wanted: int
    latest: int
    node: str
    services: list[Service]
    up: int
    expected: list[str]
    drift: list[Drift]
    causes: list[Cause]
    created_at: str
    changed_at: str | None
    source: str
    version: int
    operation: str
    of: int
    copies: list[Copy]
    rollout: Rollout | None


class Explained(Shape):
    """One value of one service, who says so, and the weaker values it hides."""

    model_config = ConfigDict(extra="allow")

    service: str
    option: str
    value: Any
    source: str
    hides: list[dict[str, Any]]


class Explanation(Shape):
    items: list[Explained]
    warnings: list[str]


class Revision(Shape):
    model_config = ConfigDict(extra="allow")

    number: int
    author: str
    at: str
    reason: str
    outcome: str
    causes: list[Cause]
    commits: dict[str, str]
    images: dict[str, str]
    references: dict[str, str]
    restores: int
    in_force: bool
    digest: str


class ConfigFault(Shape):
    """`where` is file and line, `key` as its author wrote it."""

    where: str
    key: str
    why: str


class Value(Shape):
    """One value of a container, who says so, and the weaker values it hides."""

    model_config = ConfigDict(extra="allow")

    option: str
    key: str
    value: Any
    source: str
    hides: list[dict[str, Any]]


class Configuration(Shape):
    items: list[Value]
    constraints: list[str]
    affinities: list[str]
    warnings: list[str]
