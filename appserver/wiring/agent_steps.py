"""Settings to what a step of an update is run with. `agent_updates` brings this in with the first one."""

from __future__ import annotations

from pathlib import Path

from appserver.adapters.step_probes import HostProbes
from appserver.adapters.steps import LocalSteps
from appserver.agent.rollout import Begun
from appserver.agent.rollout_step import Doing, Parts
from appserver.core.rollout_record import Progress, Run
from appserver.ports import KV, Clock, Engine, Sealer
from appserver.settings import AgentSettings
from appserver.store import releases
from appserver.wiring.ansible import SHIPPED, store_of
from appserver.wiring.store import members_of

_PYTHON = "/usr/bin/python3"
"""Of the host: it has the modules that Ansible's own need for packages."""


def begins(settings: AgentSettings, kv: KV, engine: Engine, sealer: Sealer, clock: Clock) -> Begun:
    shipped = SHIPPED if SHIPPED.is_dir() else SHIPPED.parents[1]
    collections = (str(shipped / "collections"), "/usr/share/ansible/collections")
    steps = LocalSteps(Path(settings.state_dir) / "steps", collections, store_of(settings), _PYTHON)
    steps.tidy()
    probes = HostProbes(engine, *members_of(settings))
    parts = Parts(kv, clock, steps, probes, lambda version: releases.files(kv, sealer, version), settings.node_name)

    def begun(run: Run, step: int, request: int, before: Progress) -> Doing:
        return Doing(parts, settings.lrn, run, step, request, before)

    return begun
