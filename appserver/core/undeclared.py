"""What a layer names and the project does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from appserver.core import compose
from appserver.core.compose import Project, Service
from image_config import Resolved


def undeclared(name: str, service: Service, project: Project, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Where, and why not: Compose would refuse the whole project for it, and only on the node."""
    volumes = cast(Sequence[Mapping[str, object]], service.get("volumes") or ())
    needed = cast(Mapping[str, Mapping[str, object]], service.get("depends_on") or {})
    named = {
        "configs": compose.sources(service, "configs"),
        "depends_on": {other for other, how in needed.items() if how.get("required") is not False},
        "networks": {*cast(Mapping[str, object], service.get("networks") or {})} - {"default"},
        "secrets": compose.sources(service, "secrets"),
        "volumes": {str(v["source"]) for v in volumes if v.get("type") == "volume" and v.get("source")},
    }
    for option, names in named.items():
        held = cast(Mapping[str, object], project.get("services" if option == "depends_on" else option) or {})
        for missing in sorted(names - held.keys()):
            rows = (row for row in resolved.explain() if row.option == option and missing in str((row.path, row.value)))
            by = next((row.source for row in rows if not row.removed), None)
            where = f"{name}.{option}" if by is None or by.kind == "form" else str(by)
            yield where, f"{option}: {missing} is not declared in the project"
