"""Room that is kept for one container: its record, the name of who holds it, and what makes two requests the same."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256

from appserver.core.placement.request import Request, Resident

LEASE_S = 300.0
"""How long room is kept for a container that does not come, where nobody says."""


@dataclass(frozen=True, slots=True)
class Placed:
    """`placements/<cluster>/<name>`: one container that has a place, whether it is there yet or not.

    It stands as long as the claim of its holder in `reservations/<node>`, and is written and deleted together with it.
    What the container is told (environment, arguments) is not kept: that may be secret.
    """

    node: str
    image: str
    """With its tag."""
    at: datetime
    by: str
    lease_s: float = LEASE_S
    """It may be without its container for so long."""
    asked: str = ""
    """`digest` of what was asked, where the name was the caller's to give."""
    type: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""
    reschedulable: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """When and by whom containers were asked for; the rest as `Placed` has it."""

    at: datetime
    by: str
    lease_s: float = LEASE_S
    digest: str = ""


def holder(cluster: str, name: str) -> str:
    """Who holds a container's room. No application's holder has a slash in it."""
    return f"{cluster}/{name}"


def is_of_container(known_as: str) -> bool:
    return "/" in known_as


def parted(known_as: str) -> tuple[str, str]:
    """Cluster and name of the container that a holder stands for."""
    cluster, _, name = known_as.partition("/")
    return cluster, name


def copies(name: str, count: int) -> tuple[str, ...]:
    """Names of so many containers that are asked for at once; of one it is the name itself."""
    return (name,) if count == 1 else tuple(f"{name}-{number}" for number in range(1, count + 1))


def one_of(wanted: Request, cluster: str, name: str, group: str = "") -> Request:
    """The request of one container by its name. Copies are a group, where theirs has no other name."""
    return replace(wanted, holder=holder(cluster, name), name=name, group=wanted.group or group)


def record(wanted: Request, node: str, of: Asked) -> Placed:
    return Placed(
        node, wanted.image, of.at, of.by, of.lease_s, of.digest, wanted.type, wanted.labels, wanted.group,
        wanted.reschedulable,
    )  # fmt: skip


def resident(known_as: str, placed: Placed) -> Resident:
    """What it is for others before it is there: it will run."""
    name = parted(known_as)[1]
    return Resident(name=name, image=placed.image, group=placed.group, holder=known_as)


def digest(wanted: Request, count: int) -> str:
    """Of everything that decides where the containers go, and nothing else: no secret is in it."""
    asked = asdict(replace(wanted, holder="", name=""))
    return sha256(json.dumps([asked, count], sort_keys=True).encode()).hexdigest()[:32]
