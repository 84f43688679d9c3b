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

_OWN = ("endpoint_mode", "labels", "rollback_config")
_CONDITIONS = {"always": "any", "unless-stopped": "any", "on-failure": "on-failure", "no": "none", "none": "none"}
_EXPRESSION = re.compile(r"(?P<of>[A-Za-z0-9_.-]+)\s*(?P<is>==|!=)\s*(?P<value>[A-Za-z0-9_.][^*?\[\]]*)")
_SECONDS = "s"


def deploy(service: Service, said: Options, constraints: Iterable[str]) -> tuple[dict[str, object], Faults]:
    """What Swarm is told, and what it cannot be told, each with its place."""
    faults: Faults = []
    given = cast(Mapping[str, Any], service.get("deploy") or {})
    mode = str(given.get("mode") or said.mode)
    copies = given.get("replicas") or service.get("scale") or said.replicas
    made: dict[str, object] = {name: given[name] for name in _OWN if given.get(name)}
    made["mode"] = mode
    if mode.startswith("replicated"):
        made["replicas"] = int(str(copies))
    made["update_config"] = _update(given, said, int(str(copies)))
    made["restart_policy"] = _restart(service, given)
    if limits := _resources(service, given, faults):
        made["resources"] = limits
    if place := _placement(given, said, constraints, faults):
        made["placement"] = place
    return made, faults


def _update(given: Mapping[str, Any], said: Options, copies: int) -> dict[str, object]:
    """It pauses where too many fail: the revision before is then put back as everywhere, and told with its causes."""
    ours = said.update
    made: dict[str, object] = {
        "parallelism": ours.batch(copies) if ours.share else ours.parallelism,
        "order": ours.order,
        "failure_action": "pause",
        "max_failure_ratio": round(min(1.0, ours.max_failures / max(1, copies)), 3),
    }
    for name, seconds in (("delay", ours.delay_s), ("monitor", ours.monitor_s)):
        if seconds:
            made[name] = f"{seconds:g}{_SECONDS}"
    own = given.get("update_config") or {}
    return {**made, **{name: value for name, value in own.items() if value not in (None, "")}}


def _restart(service: Service, given: Mapping[str, Any]) -> dict[str, object]:
    """Unsaid, it is as Swarm has it: whatever ends is started again, on another node where its own is gone."""
    if own := given.get("restart_policy"):
        return dict(own)
    name, _, most = str(service.get("restart") or "always").partition(":")
    made: dict[str, object] = {"condition": _CONDITIONS.get(name, "any")}
    return {**made, "max_attempts": int(most)} if most.isdigit() else made


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
            of = "moorage.node" if found["of"] == "node" else found["of"]
            yield f"node.labels.{of}{found['is']}{found['value']}"
        else:
            faults.append(("constraints", f"{text!r} cannot be held to by a Swarm: it compares whole values of labels"))
