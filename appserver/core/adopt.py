"""Taking over containers that run already, without touching them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from appserver.core import compose
from appserver.core.containers import ContainerState
from appserver.core.entities import Cause, Revision


@dataclass(frozen=True, slots=True)
class Adoption:
    """`taken` maps container id to the service hash it stands for from now on; with faults nothing is taken."""

    taken: Mapping[str, str]
    faults: tuple[Cause, ...] = ()


def adopt(revision: Revision, containers: Sequence[ContainerState], hashes: Mapping[str, str]) -> Adoption:
    """
    Args:
        containers: all of the project.
        hashes: service to what Compose makes of `comparable(revision.base)`: the same number stands on a container
            that was started from the same definition.
    """
    taken: dict[str, str] = {}
    faults: list[Cause] = []
    for c in containers:
        if c.service not in revision.hashes:
            faults.append(Cause(c.service, f"{c.name} is of a service that the imported files do not have"))
        elif c.config_hash != hashes.get(c.service):
            faults.append(Cause(c.service, f"{c.name} runs another definition than the imported files give"))
        else:
            taken[c.id] = revision.hashes[c.service]
    if not containers:
        faults.append(Cause("", "nothing of this project is on the node"))
    return Adoption({}, tuple(faults)) if faults else Adoption(taken)


def comparable(base: compose.Project) -> compose.Project:
    """The project so that Compose can read it for its hashes, which do not take in what configs and secrets hold."""
    held = {
        kind: {name: {"file": "/dev/null"} for name in cast(Mapping[str, object], base[kind])}
        for kind in ("configs", "secrets")
        if base.get(kind)
    }
    return {**base, **held}
