"""What answers about placements look like."""

from __future__ import annotations

from typing import Any, Literal

from appserver.web.shapes import Shape
from appserver.web.shapes_learned import Asked, Used


class Resource(Shape):
    """Citadel's engine, as it answers. `total_memory` is in MB."""

    id: str
    addr: str
    total_cpus: float
    total_memory: float


class Placed(Shape):
    """Citadel's answer: the request as it was sent, and the engine to run it on."""

    container: dict[str, Any]
    resource: Resource


class PlacedMany(Shape):
    """Of several at once; each has its own `container_name`."""

    items: list[Placed]


class Score(Shape):
    """Why a node stands where it stands, best first. `share` is what of it would be reserved: 0 empty, 2 full."""

    node: str
    share: float
    unmet: int
    alike: int
    pulls: bool


class Refusal(Shape):
    node: str
    why: str


class Portion(Shape):
    node: str
    count: int


class PlacementExplanation(Shape):
    """What would be decided, and why. `resource` is null where not all of it fits, and `nearest` says what would.

    `asked` is for one container, `used` what containers of its image did; null where nobody ran it.
    """

    cluster: str
    strategy: Literal["spread", "binpack", "random"]
    fits: bool
    container: dict[str, Any]
    resource: Resource | None
    nodes: list[Portion]
    scores: list[Score]
    refused: list[Refusal]
    nearest: str
    asked: Asked
    used: Used | None


class Placement(Shape):
    """One container that has a place. `promised`: it is not there yet, and its room is kept until `until`."""

    holder: str
    cluster: str
    name: str
    node: str
    state: Literal["promised", "running", "stopped"]
    at: str
    by: str
    until: str | None
    container: dict[str, Any]
