"""Settings to an agent's part in updates.

What a step is run with is imported when the first one is: agents wait for most of their time, and have to be small.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from appserver.agent.rollout import Begun, Worker
from appserver.core.rollout_record import Progress, Run
from appserver.ports import KV, Clock, Engine, Sealer
from appserver.settings import AgentSettings

if TYPE_CHECKING:
    from appserver.agent.rollout_step import Doing


def worker_of(settings: AgentSettings, kv: KV, engine: Engine, sealer: Sealer, clock: Clock) -> Worker | None:
    """None where it is no boot server."""
    if settings.lrn < 0:
        return None

    @cache
    def begins() -> Begun:
        steps = import_module("appserver.wiring.agent_steps")
        return cast(Begun, steps.begins(settings, kv, engine, sealer, clock))

    def begun(run: Run, step: int, request: int, before: Progress) -> Doing:
        return begins()(run, step, request, before)

    return Worker(kv, settings.lrn, begun)
