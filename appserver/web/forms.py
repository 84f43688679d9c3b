"""What requests hold, parsed once: JSON bodies and versions; and pages of what is answered. Each fault says where."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from flask import Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field

from appserver.core.access import Role
from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, ProjectFiles
from appserver.core.sources import SourceRequest
from appserver.errors import Invalid, PreconditionFailed
from appserver.store.names import check_app
from appserver.store.records import ABSENT
from appserver.web.queries import Name, PageQuery, Short
from image_config import Target

T = TypeVar("T")

Text = Annotated[str, Field(max_length=2_000_000)]

COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""Where Compose itself looks, in its order."""


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DeployBody(Body):
    """An application as its author gives it: one compose text, or several files."""

    cluster: Name = "default"
    name: Name
    compose: Text = ""
    files: dict[Short, Text] = Field(default_factory=dict, max_length=500)
    compose_files: list[Short] = Field(default_factory=list, max_length=50)
    env: Text = Field("", description="text of `.env`")
    profiles: list[Short] = Field(default_factory=list, max_length=50)
    overrides: dict[Name, dict[Short, Any]] = Field(default_factory=dict, max_length=500)
    reason: Short = ""
    source: Name = "config"
    token: Short = Field("", description="of a plan: nothing but that plan is applied")

    def request(self) -> DeployRequest:
        if bool(self.compose) == bool(self.files):
            raise Invalid("compose", "give the text of one file here, or several in `files`")
        files = dict(self.files) or {COMPOSE_NAMES[0]: self.compose}
        named = tuple(self.compose_files) or next(((name,) for name in COMPOSE_NAMES if name in files), ())
        if not named:
            raise Invalid("compose_files", f"none of `files` is {', '.join(COMPOSE_NAMES)}: say which are to be used")
        for name in named:
            if name not in files:
                raise Invalid("compose_files", f"{name} is not among `files`")
        key = check_app(AppKey(self.cluster, self.name))
        project = ProjectFiles(self.name, files, named, self.env, tuple(self.profiles))
        return DeployRequest(key, project, self.overrides, self.reason, self.token, self.source)


class RollbackBody(Body):
    revision: Annotated[int, Field(ge=1, le=99_999_999)]
    token: Short = ""
    dry_run: bool = False
    reason: Short = ""


class MoveBody(Body):
    to: Name = Field(description="the cluster it goes to")
    dry_run: bool = False
    token: Short = Field("", description="of a plan: nothing but that plan is applied")


class ServicesBody(Body):
    """Empty: all services."""

    services: list[Name] = Field(default_factory=list, max_length=500)


class ReasonBody(Body):
    reason: Short = ""


class DrainBody(Body):
    reason: Short = ""
    dry_run: bool = False


class ScaleBody(Body):
    service: Name
    replicas: Annotated[int, Field(ge=0, le=1000)]


class ImportBody(Body):
    node: Name
    project: Name
    cluster: Name = "default"
    name: Name


class LoginBody(Body):
    username: Short
    password: Short
    title: Annotated[str, Field(max_length=100)] = "log in"
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] = 30


class TokenBody(Body):
    title: Annotated[str, Field(max_length=100)]
    scope: Role | None = Field(None, description="at most your own role")
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class InviteBody(Body):
    name: Name
    role: Role = "viewer"


class UserBody(Body):
    role: Role | None = None
    disabled: bool | None = None


class PasswordBody(Body):
    current: Short
    password: Short


class ClusterBody(Body):
    kind: Literal["engines", "swarm", "group"] = "engines"
    strategy: Literal["spread", "binpack", "random"] = "spread"
    labels: dict[Short, Short] = Field(default_factory=dict, max_length=100)
    title: Short = ""
    selector: list[Short] = Field(default_factory=list, max_length=20)
    live: bool = False


class StartUpBody(Body):
    mode: Literal["new", "recovery"]


class SourceBody(Body):
    """A secret that is left out stays as it is; empty, it is removed."""

    name: Name = ""
    kind: Literal["hosted", "remote"] = "hosted"
    url: Short = ""
    branch: Short = "main"
    interval_s: Annotated[float, Field(ge=0, le=1_000_000)] = 60.0
    username: Short = ""
    credential: Text | None = None
    known_hosts: Text = ""
    webhook_secret: Short | None = None

    def request(self, name: str) -> SourceRequest:
        if self.name not in ("", name):
            raise Invalid("name", f"a source keeps its name: {name}")
        rest = self.model_dump(exclude={"name"})
        return SourceRequest(name, **rest)


class LintBody(Body):
    """Path to text."""

    files: dict[Short, Text] = Field(max_length=20_000)


class ExplainBody(Body):
    """One container that there may be, or may not. `labels` are as if its image had them."""

    image: Short
    cluster: Name = ""
    application: Name = ""
    service: Short = ""
    container: Short = ""
    labels: dict[Short, Text] = Field(default_factory=dict, max_length=1000)
    source: Name = "config"

    def target(self) -> Target:
        return Target(self.image, self.cluster, self.application, self.service, self.container)


class NoticeBody(Body):
    channel: Short = Field("", description="slack, webhook or mail; empty: all")


class SettingBody(Body):
    value: Text | dict[Short, Any] = Field(description="as people write it: `1h30m`, a URL, lines; or a JSON object")

    def text(self) -> str:
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)


def application_key(cluster: str, name: str) -> AppKey:
    return check_app(AppKey(cluster, name))


def if_match() -> int:
    """The version a write was decided on; 0 when the caller does not say, `ABSENT` where it found nothing.

    Raises:
        PreconditionFailed: it names something that was never a version here.
    """
    if request.headers.get("If-None-Match", "").strip() == "*":
        return ABSENT
    text = request.headers.get("If-Match", "").strip()
    if text in ("", "*"):
        return 0
    number = text.removeprefix("W/").strip('"')
    if not number.isdecimal() or len(number) > 18:
        raise PreconditionFailed(f"If-Match: {text[:60]} is no version of this")
    return int(number)


def one(body: object, version: int = 0, status: int = 200) -> Response:
    """One object, with its store revision as ETag."""
    response = jsonify(body)
    response.status_code = status
    if version:
        response.set_etag(str(version))
        response.make_conditional(request)
        response.headers.pop("Date", None)  # the server sets it
    return response


def listed(items: Sequence[T], asked: PageQuery, key: Callable[[T], str], show: Callable[[T], object]) -> Response:
    """A page of items sorted by `key`, which is their cursor."""
    later = [item for item in sorted(items, key=key) if key(item) > asked.after]
    shown = later[: asked.limit]
    return listing([show(item) for item in shown], key(shown[-1]) if len(later) > asked.limit else "")


def listing(items: Sequence[object], following: str = "") -> Response:
    return jsonify({"items": list(items), "next": following or None})


def time(text: str, where: str) -> datetime | None:
    """ISO 8601; without a zone it is UTC; empty is None."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(where, "is a time such as 2026-11-21T07:30:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
