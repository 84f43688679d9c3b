"""Settings to an agent's part in updates."""

from __future__ import annotations

from pathlib import Path

from appserver.adapters.step_probes import HostProbes
from appserver.adapters.steps import LocalSteps
from appserver.agent.rollout import Worker
from appserver.agent.rollout_step import Parts
from appserver.ports import KV, Clock, Engine, Sealer
from appserver.settings import AgentSettings
from appserver.store import releases
from appserver.wiring.ansible import SHIPPED, store_of
from appserver.wiring.store import members_of

_PYTHON = "/usr/bin/python3"
"""Of the host: it has the modules that Ansible's own need for packages."""


def worker_of(settings: AgentSettings, kv: KV, engine: Engine, sealer: Sealer, clock: Clock) -> Worker | None:
    """None where it is no boot server."""
    if settings.lrn < 0:
        return None
    shipped = SHIPPED if SHIPPED.is_dir() else SHIPPED.parents[1]
    collections = (str(shipped / "collections"), "/usr/share/ansible/collections")
    steps = LocalSteps(Path(settings.state_dir) / "steps", collections, store_of(settings), _PYTHON)
    steps.tidy()
    probes = HostProbes(engine, *members_of(settings))
    parts = Parts(kv, clock, steps, probes, lambda version: releases.files(kv, sealer, version), settings.node_name)
    return Worker(kv, settings.lrn, parts)
