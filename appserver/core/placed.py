"""What a compose file says for Swarm of where a service runs, in the words of our own placement."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from appserver.core import compose
from appserver.core.compose import Project, Service
from image_config import Resolved

_CONSTRAINT = re.compile(r"\s*(?P<of>[A-Za-z0-9_.-]+)\s*(?P<operator>==|!=)\s*(?P<value>[^\x00-\x1f\x7f]{1,128})")
_PREFIX = "constraint:"
_LABEL = "node.labels."
_SWARMS_OWN = ("node.role",)
"""True of every node here, or of none: in a cluster of engines nobody manages and nobody works for a manager."""
_TRUE = "node.platform.os==linux"
_KNOWN = "node.hostname==NAME, node.labels.KEY==VALUE, or either with !="


@dataclass(frozen=True, slots=True)
class Placed:
    """Expressions of placement, and what is told beside them."""

    constraints: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def placed(service: Service) -> Placed:
    """Of one service, as Compose renders it. What cannot be held to is a fault: nobody else would notice."""
    constraints: list[str] = []
    warnings: list[str] = []
    faults: list[str] = []
    for text in _said(service):
        found = _CONSTRAINT.fullmatch(text)
        if found and f"{found['of']}{found['operator']}{found['value'].strip()}" == _TRUE:
            continue
        if found and found["of"] in _SWARMS_OWN:
            warnings.append(f"deploy.placement.constraints: {text} counts in a Swarm alone")
        elif found and (key := _key(found["of"])):
            constraints.append(f"{key}{found['operator']}{_literal(found['value'].strip())}")
        else:
            faults.append(f"deploy.placement.constraints: {text!r} cannot be held to here; there is {_KNOWN}")
    return Placed(tuple(constraints), tuple(warnings), tuple(faults))


def constraints_of(project: Project) -> tuple[str, ...]:
    """Of all its services: they are placed together. Each once, in their order."""
    return tuple(
        dict.fromkeys(text for service in compose.services(project).values() for text in placed(service).constraints)
    )


def constraints_in_force(project: Project, explained: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[str, ...]:
    """Of a revision as it is on record: with those that stood among variables.

    Args:
        explained: see `among_variables`.
    """
    return tuple(dict.fromkeys((*among_variables(explained, _PREFIX), *constraints_of(project))))


def among_variables(explained: Mapping[str, Sequence[Mapping[str, object]]], prefix: str) -> Iterator[str]:
    """What a revision says under that prefix among its variables, of which no container is told.

    Args:
        explained: service to `Explained.to_json()` of each value.
    """
    rows = (row for found in explained.values() for row in found if row.get("option") == "environment")
    said = (row.get("value") for row in rows if not row.get("removed"))
    return (text.removeprefix(prefix) for text in said if isinstance(text, str) and text.startswith(prefix))


def faults_of(name: str, found: Placed, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Where, and why not: a file and its line, where the constraint was written in one."""
    for why in found.faults:
        rows = (row for row in resolved.explain() if row.path[:3] == _PATH and repr(row.path[-1]) in why)
        by = next((row.source for row in rows if not row.removed), None)
        yield (f"{name}.deploy.placement.constraints" if by is None or by.kind == "form" else str(by)), why


_PATH = ("deploy", "placement", "constraints")


def _said(service: Service) -> list[str]:
    deploy = cast(Mapping[str, Mapping[str, object]], service.get("deploy") or {})
    listed = cast(Sequence[object], (deploy.get("placement") or {}).get("constraints") or ())
    return [str(text).replace("$$", "$") for text in listed]


def _key(of: str) -> str:
    """By what our placement knows it; empty where it does not."""
    return "node" if of == "node.hostname" else of.removeprefix(_LABEL) if of.startswith(_LABEL) else ""


def _literal(value: str) -> str:
    """Swarm compares letter by letter; ours takes globs, `/…/` for a pattern and `~` for a wish."""
    text = glob.escape(value)
    return f"[{text[0]}]{text[1:]}" if text[0] in "~/" else text
