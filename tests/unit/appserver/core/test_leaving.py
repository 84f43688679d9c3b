"""What a plan stops is told before it is stopped, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appserver.core.compose import HASH
from appserver.core.containers import ContainerState
from appserver.core.entities import Revision
from appserver.core.leaving import stopped_by
from appserver.core.reconcile import ReconcilePlan

REVISION = Revision(
    2, "ann", datetime(2026, 11, 21, tzinfo=UTC), "", "d", {}, {}, "", hashes={"web": "new", "db": "db"}
)


def container(name: str, service: str, known_as: str) -> ContainerState:
    return ContainerState(name, name, "shop", service, "running", "i", "sha", "h", labels={HASH: known_as})


OLD, NEW, DB = container("old", "web", "old"), container("fresh", "web", "new"), container("db", "db", "db")


@pytest.mark.parametrize(
    ("plan", "stopped"),
    [
        (ReconcilePlan((), up=("web",)), {"old"}),
        (ReconcilePlan((), up=("web",), keep=("web",)), set()),
        (ReconcilePlan((), force=("db",)), {"db"}),
        (ReconcilePlan((), restart=("web",)), {"old", "fresh"}),
        (ReconcilePlan((), remove=("old",)), {"old"}),
        (ReconcilePlan(()), set()),
    ],
)
def test_what_is_stopped(plan: ReconcilePlan, stopped: set[str]) -> None:
    assert stopped_by(plan, REVISION, [OLD, NEW, DB], {}) == stopped
