"""Records as deployments write them, for tests that stand where the app server would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from appserver.core import compose
from appserver.core.containers import ContainerState, ImageFacts
from appserver.core.entities import AppKey, Options, Revision

AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)

Services = Mapping[str, Mapping[str, Any]]


def revision(
    key: AppKey,
    number: int,
    services: Services,
    options: Options = Options(settle_s=0.2, timeout_s=30.0),  # noqa: B008  # a frozen value
    images: Mapping[str, ImageFacts] | None = None,
    base: Mapping[str, object] | None = None,
    **rest: object,
) -> Revision:
    """A revision of these services, canonical, with hashes; `rest` are other parts of the project."""
    whole = {"name": key.name, "networks": {"default": {"name": f"{key.name}_default"}}, **rest}
    connected = {name: {"networks": {"default": None}, **service} for name, service in services.items()}
    project = compose.canonical(whole, key, connected)
    return Revision(
        number=number,
        author="tester",
        at=AT,
        reason="",
        digest=compose.digest(project),
        project=project,
        base=base or {**whole, "services": dict(connected)},
        inputs="",
        images=images or {},
        hashes=compose.hashes(project),
        node="n1",
        options=options,
    )


def container(of: Revision, service: str, **fields: Any) -> ContainerState:
    """A running container as Compose makes it of a revision's service; `fields` say what is otherwise."""
    name = str(of.project["name"])
    number = fields.pop("number", 1)
    labels = dict(compose.services(of.project)[service]["labels"]) if service in compose.services(of.project) else {}  # type: ignore[call-overload]
    told: dict[str, Any] = {
        "id": f"{service}-{number}-id",
        "name": f"{name}-{service}-{number}",
        "project": name,
        "service": service,
        "state": "running",
        "image": "img",
        "image_id": of.images[service].id if service in of.images else "sha256:1",
        "config_hash": "compose-hash",
        "labels": labels,
        "networks": (f"{name}_default",),
        "started_at": AT,
    }
    return ContainerState(**{**told, **fields})
