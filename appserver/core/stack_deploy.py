"""`deploy:` of a stack's service: what Compose's own options, `x-moorage` and placement say of how it is run.

The author's own `deploy` is stronger than what follows from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from appserver.core.compose import Service
from appserver.core.entities import Options

Faults = list[tuple[str, str]]

NODE = "moorage.node"
"""A label of Swarm's nodes: by which name the node is on record."""

_OWN = ("endpoint_mode", "labels", "rollback_config")
_CONDITIONS = {"always": "any", "unless-stopped": "any", "on-failure": "on-failure", "no": "none", "none": "none"}
_EXPRESSION = re.compile(r"(?P<of>[A-Za-z0-9_.-]+)\s*(?P<is>==|!=)\s*(?P<value>[A-Za-z0-9_.][A-Za-z0-9:_./ -]*)")
_JOBS = ("replicated-job", "global-job")


def deploy(service: Service, said: Options, constraints: Iterable[str]) -> tuple[dict[str, object], Faults]:
    """What Swarm is told, and what it cannot be told, each with its place."""
    faults: Faults = []
    given = cast(Mapping[str, Any], service.get("deploy") or {})
    mode = str(given.get("mode") or said.mode)
    asked = (service.get("scale"), given.get("replicas"), said.replicas)
    copies = int(str(next(one for one in asked if one is not None)))
    made: dict[str, object] = {name: given[name] for name in _OWN if given.get(name)}
    made["mode"] = mode
    if mode.startswith("replicated"):
        made["replicas"] = copies
    if mode in _JOBS:  # each run is a new one: there is nothing to update
        made.pop("rollback_config", None)
    else:
        made["update_config"] = _update(given, said, copies, mode)
    made["restart_policy"] = _restart(service, given, mode)
    if limits := _resources(service, given, faults):
        made["resources"] = limits
    if place := _placement(given, said, constraints, faults):
        made["placement"] = place
    return made, faults


def _update(given: Mapping[str, Any], said: Options, copies: int, mode: str) -> dict[str, object]:
    """It pauses where too many fail: the revision before is then put back as everywhere, and told with its causes.

    The ratio is between those that may fail and one more, as it is rounded on the way. Of a service that runs on each
    node, nobody knows here how many that are: none may fail.
    """
    ours = said.update
    tolerated = ours.max_failures if mode == "replicated" else 0
    made: dict[str, object] = {
        "parallelism": ours.batch(copies) if ours.share else ours.parallelism,
        "order": ours.order,
        "failure_action": "pause",
        "max_failure_ratio": round(min(1.0, (tolerated + 0.5) / max(1, copies)), 4) if tolerated else 0.0,
    }
    for name, seconds in (("delay", ours.delay_s), ("monitor", ours.monitor_s)):
        if seconds:
            made[name] = f"{round(seconds * 1000)}ms"  # which knows no exponents
    own = given.get("update_config") or {}
    return {**made, **{name: value for name, value in own.items() if value not in (None, "")}}


def _restart(service: Service, given: Mapping[str, Any], mode: str) -> dict[str, object]:
    """Unsaid, it is as Swarm has it: whatever ends is started again, on another node where its own is gone. A job
    that ended well is through."""
    usual = "on-failure" if mode in _JOBS else "any"
    if own := given.get("restart_policy"):
        made = dict(own)
    else:
        name, _, most = str(service.get("restart") or "always").partition(":")
        made = {"condition": _CONDITIONS.get(name, "any"), **({"max_attempts": int(most)} if most.isdigit() else {})}
    return {**made, "condition": usual} if made.get("condition", "any") == "any" else made


def _resources(service: Service, given: Mapping[str, Any], faults: Faults) -> dict[str, object]:
    own = given.get("resources") or {}
    limits, kept = dict(own.get("limits") or {}), dict(own.get("reservations") or {})
    if kept.pop("devices", None):
        faults.append(("deploy.resources.reservations.devices", "Swarm gives a container no devices"))
    for name, option in (("memory", "mem_limit"), ("cpus", "cpus"), ("pids", "pids_limit")):
        limits.setdefault(name, service.get(option))
    kept.setdefault("memory", service.get("mem_reservation"))
    made = {"limits": _amounts(limits), "reservations": _amounts(kept)}
    return {name: one for name, one in made.items() if one}


def _amounts(given: Mapping[str, Any]) -> dict[str, object]:
    """The format has memory and cpus as texts, and the number of processes as a number."""
    found = {name: value for name, value in given.items() if value not in (None, "", 0, "0")}
    return {name: str(value) if name in ("memory", "cpus") else value for name, value in found.items()}


def _placement(
    given: Mapping[str, Any], said: Options, constraints: Iterable[str], faults: Faults
) -> dict[str, object]:
    made = {name: value for name, value in (given.get("placement") or {}).items() if value}
    held = [*made.get("constraints", ()), *_expressed(constraints, faults)]
    if held:
        made["constraints"] = list(dict.fromkeys(held))
    if said.spread:
        made["preferences"] = [*made.get("preferences", ()), {"spread": f"node.labels.{said.spread}"}]
    return made


def _expressed(constraints: Iterable[str], faults: Faults) -> Iterator[str]:
    """Ours in Swarm's words: it compares whole values, and nothing else."""
    for text in constraints:
        if found := _EXPRESSION.fullmatch(text):
            of = NODE if found["of"] == "node" else found["of"]
            yield f"node.labels.{of}{found['is']}{found['value']}"
        else:
            faults.append(("constraints", f"{text!r} cannot be held to by a Swarm: it compares whole values of labels"))
