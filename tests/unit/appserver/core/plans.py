"""Plans as literals, for tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from appserver.core.deployment import DeployPlan
from appserver.core.entities import AppKey, Application, Revision
from appserver.core.placement.request import Claim
from appserver.core.plan import Step

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def planned(
    key: AppKey, recorded: bool, steps: tuple[Step, ...] = (), warnings: tuple[str, ...] = (), superseded: int = 0
) -> DeployPlan:
    """Revision 3 on n1; with `recorded` there is a record of it, of which nobody asks more than that."""
    return DeployPlan(
        key=key,
        changed=True,
        token="t",
        revision=3,
        nodes=("n1",),
        steps=steps,
        warnings=warnings,
        diff="",
        commits={},
        stood_on={},
        record=cast(Revision, object()) if recorded else None,
        application=Application(key.name, key.cluster, "compose.yaml", NOW, 2, 3),
        desired={},
        claims={"n1": Claim()},
        superseded=superseded,
    )
