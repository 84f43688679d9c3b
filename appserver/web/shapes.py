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
    action: Literal["create", "recreate", "start", "stop", "remove", "none"]
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
    restores: int
    in_force: bool
    digest: str


class StrayProject(Shape):
    """A compose project that runs on a node and is not ours yet."""

    name: str
    working_dir: str
    config_files: list[str]
    services: list[str]
    readable: bool


class Engine(Shape):
    version: str
    compose_version: str
    cpus: float
    memory: int


class Condition(Shape):
    name: str
    ok: bool
    reason: str
    since: str


class Reserved(Shape):
    cpus: float
    memory: int
    ports: list[str]


class Node(Shape):
    """`on`: its agent is alive. `healthy`: every condition is good besides."""

    name: str
    address: str
    cluster: str
    lrn: int
    labels: dict[str, str]
    on: bool
    healthy: bool
    engine: Engine | None
    conditions: list[Condition]
    reserved: Reserved
    applications: list[str]


class BootServer(Shape):
    """`nodes` and `addresses` are those of the agents that say they run there. `on`: one of them is alive."""

    lrn: int
    nodes: list[str]
    addresses: list[str]
    on: bool


class InstalledBootServer(BootServer):
    """With what is on record of it: container to image, and package to version."""

    containers: dict[str, str]
    debs: dict[str, str]


class InstalledDifference(Shape):
    """One name that two boot servers do not have alike; null where one does not have it."""

    kind: Literal["container", "deb"]
    name: str
    before: str | None
    after: str | None


class Holder(Shape):
    lrn: int
    name: str
    version: str


class Cluster(Shape):
    """`system` groups are computed and cannot be changed."""

    name: str
    title: str
    kind: str
    strategy: str
    labels: dict[str, str]
    system: bool
    nodes: list[str]
    on: list[str]
    applications: list[str]


class GoodCommit(Shape):
    commit: str
    at: str | None


class SourceFault(Shape):
    message: str
    commit: str
    at: str | None


class Waiting(Shape):
    """An application that the commit in force is not rolled out to yet."""

    application: str
    why: str


class Source(Shape):
    """Where configuration comes from. `webhook_secret` is told once, by the call that made it."""

    name: str
    kind: Literal["hosted", "remote"]
    url: str
    branch: str
    interval_s: float
    username: str
    has_credential: bool
    known_hosts: str
    push_url: str
    webhook_url: str
    last_good: GoodCommit | None
    last_error: SourceFault | None
    checked_at: str | None
    pending: list[Waiting]
    created_at: str | None
    webhook_secret: str | None = None


class User(Shape):
    name: str
    role: str
    disabled: bool
    system: bool
    created_at: str


class Invitation(Shape):
    """The link works once, for a day."""

    name: str
    role: str
    url: str


class Token(Shape):
    id: str
    user: str
    scope: str
    title: str
    created_at: str
    expires_at: str | None


class NewToken(Token):
    """`token` is shown this once."""

    token: str


class Me(Shape):
    name: str
    role: str
    via: str


class AuditEntry(Shape):
    id: str
    at: str
    user: str
    action: str
    subject: str
    result: Literal["ok", "refused", "failed"]
    detail: str
    address: str


class Happening(Shape):
    id: str
    bus: str
    action: str
    severity: Literal["INFO", "WARNING", "ERROR"]
    subject: str
    message: str
    at: str
    user: str
    detail: dict[str, Any]


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
