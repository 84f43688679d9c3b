"""Moves to another cluster, as the pages are shown them: one on its way, one that failed, and plans."""

from __future__ import annotations

from dataclasses import replace

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.plan import Step, ValueChange
from appserver.core.transfer import Transfer
from appserver.core.transfer_plan import Behind, TransferPlan
from appserver.errors import InvalidMany
from appserver.services.transfers import TransferView
from tests.web import values
from tests.web.values import EVIL, ago

_BEGUN = Transfer("edge", "ada", ago(seconds=20), "", ago(days=3), ago(seconds=20), 1, step="comes up in edge")
MOVING = {
    one.key: one
    for one in (
        TransferView(values.WIKI, _BEGUN, values.RUNNING.id),
        TransferView(
            values.MAIL,
            replace(
                _BEGUN,
                phase="failed",
                step=f"it did not come up in edge: {values.CAUSE}",
                causes=(values.CAUSE,),
                ended_at=ago(seconds=3),
            ),
            values.RUNNING.id,
        ),
        TransferView(AppKey("default", "gone"), replace(_BEGUN, phase="done", step="it is in edge"), values.RUNNING.id),
    )
}


def plan(_: Caller, key: AppKey, to: str) -> TransferPlan:
    """Of the shop; the blog cannot go."""
    if key == values.BLOG:
        raise InvalidMany((("web.devices", "Swarm gives a container no devices"), ("db.ipc", f"no such option {EVIL}")))
    told = "from default, on quay-7"
    change = ValueChange("deploy.restart_policy.condition", None, "any")
    return TransferPlan(
        key=key,
        there=replace(values.PLAN, key=AppKey(to, key.name)),
        steps=(
            Step("create", "cache", told),
            Step("create", "web", f"{told}; run otherwise there", (change, ValueChange("restart", "always", None))),
            Step("remove", "cache in default", f"once all of it is up in {to}"),
            Step("remove", "web in default", f"once all of it is up in {to}"),
        ),
        diff=values.DIFF,
        nodes=("harbour-1",),
        behind=(Behind("volume", "shop_data", ("web", "cache")), Behind("bind", f"/srv/{EVIL}", ("web",))),
        routes=("shop.example/",),
        stopped=True,
        token="t",
    )
