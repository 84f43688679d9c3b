"""A project of two services, `web` and `db`, and what is seen when it is to be deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from appserver.core.containers import ImageFacts
from appserver.core.deployment import Author, DeployPlan, DeployRequest, Seen
from appserver.core.entities import AppKey, Desired, Observed, ProjectFiles
from appserver.core.placement.request import Candidate

KEY = AppKey("default", "shop")
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
ANN, OPERATOR = Author("ann", True), Author("bob", False)
BASE = {
    "name": "shop",
    "services": {
        "web": {"image": "acme/web:1", "environment": {"COLOUR": "blue", "DB_PASSWORD": "sealed:v1:x"}},
        "db": {"image": "acme/db:1", "mem_limit": "104857600"},
    },
    "networks": {"default": {"name": "shop_default", "ipam": {}}},
}
IMAGES = {
    "web": ImageFacts("acme/web:1", "sha256:aa", "acme/web@sha256:11", {"arg.memory": "64M", "arg.privileged": "true"}),
    "db": ImageFacts("acme/db:1", "sha256:bb", "sha256:bb"),
}
WANTED = DeployRequest(KEY, ProjectFiles("shop", {"compose.yaml": ""}))


def seal(text: str) -> str:
    return f"sealed:v1:{text[::-1]}"


def seen(**changed: object) -> Seen:
    plain = Seen(
        now=NOW,
        stood_on={"applications/default/shop": 0},
        base=BASE,
        inputs="sealed:v1:inputs",
        images=IMAGES,
        candidates=(Candidate("n1", 2.0, 2**30),),
        where={("web", "environment"): "compose.yaml:4"},
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def after(first: DeployPlan, **changed: object) -> Seen:
    """What the next deployment sees once the first is in force."""
    assert first.record
    number = first.record.number
    return seen(
        stood_on={"applications/default/shop": 5},
        application=replace(first.application, revision=number),
        current=first.record,
        desired={"n1": Desired(number, 0)},
        observed={"n1": Observed(5, number, "done", NOW)},
        **changed,
    )


def steps(plan: DeployPlan) -> Mapping[str, str]:
    return {step.subject: step.action for step in plan.steps}
