"""How a plan is carried out, where the world is not as it was when the plan was made."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any, cast

import pytest

from appserver.agent.hands import Hands
from appserver.agent.project import Projects
from appserver.core.entities import AppKey
from appserver.core.reconcile import ReconcilePlan
from appserver.errors import ComposeError
from appserver.ports import Compose, Engine
from tests.lab.records import revision

KEY = AppKey("default", "shop")
TAKEN = 'docker compose up: Conflict. The container name "/1a2b_shop-web-1" is already in use by container "77".'


class Failing:
    """`ports.Compose.up` that ends badly as often as there are `reasons`."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = list(reasons)
        self.calls: list[tuple[str, ...]] = []

    def up(self, project: str, text: str, services: tuple[str, ...], stop: Event, **_: Any) -> Iterator[str]:
        self.calls.append(services)
        yield f"run {len(self.calls)}"
        if self.reasons:
            raise ComposeError(self.reasons.pop(0))


class Texts:
    """`agent.project.Projects` with one text."""

    def text(self, *_: Any) -> str:
        return "services: {}\n"


class Owned:
    """`ports.Engine.owners` with the volumes that were made for other projects."""

    def __init__(self, volumes: dict[str, str]) -> None:
        self._volumes = volumes

    def owners(self) -> dict[str, dict[str, str]]:
        return {"volumes": self._volumes, "networks": {}}


def carried_out(compose: Failing, over: Event | None = None, **volumes: str) -> list[str]:
    hands = Hands(cast(Engine, Owned(volumes)), cast(Compose, compose), cast(Projects, Texts()))
    plan = ReconcilePlan((), up=("web",))
    wanted = revision(KEY, 1, {"web": {"image": "img"}}, volumes={"db_data": {"name": "shop_db_data"}})
    return list(hands.carry_out(KEY, wanted, {}, plan, over or Event(), 60.0))


def test_a_name_that_is_taken_for_a_moment_is_tried_again() -> None:
    """What an interrupted run was still having made appears after the plan: one more run finds it cleared away."""
    compose = Failing(TAKEN)
    assert carried_out(compose) == ["run 1", "a name was still taken; once more", "run 2"]
    assert compose.calls == [("web",), ("web",)]


def test_a_name_that_stays_taken_is_a_failure() -> None:
    """Somebody else's container has it: that is told, not tried for ever."""
    compose = Failing(TAKEN, TAKEN)
    with pytest.raises(ComposeError, match="already in use"):
        carried_out(compose)
    assert len(compose.calls) == 2


def test_another_failure_is_not_tried_again() -> None:
    """Nor is anything once it is not wanted any more."""
    broken, unwanted = Failing("no such image"), Failing(TAKEN)
    with pytest.raises(ComposeError, match="no such image"):
        carried_out(broken)
    over = Event()
    over.set()
    with pytest.raises(ComposeError, match="already in use"):
        carried_out(unwanted, over)
    assert (len(broken.calls), len(unwanted.calls)) == (1, 1)


def test_what_was_made_for_another_application_is_not_taken() -> None:
    """Its name is the same where names have an underscore in them; Compose is not even asked."""
    compose = Failing()
    with pytest.raises(ComposeError, match=r"^the volume shop_db_data is shop_db's$"):
        carried_out(compose, shop_db_data="shop_db")
    assert compose.calls == []
    assert carried_out(compose, shop_db_data="shop", shop_other="shop_other") == ["run 1"]
