"""What answers about learned usage look like."""

from __future__ import annotations

from appserver.web.shapes import Shape


class Spread(Shape):
    """Over the minutes of containers: what half of them stayed below, 95 % of them, and the highest moment."""

    median: float
    p95: float
    highest: float


class Used(Shape):
    """What a container of an image used, in cores and bytes, within the last two to four weeks.

    `image`: what it was learned of: the one that was asked for, or its repository where nobody ran that tag.
    """

    image: str
    cpus: Spread
    memory: Spread
    containers: int
    since: str


class Asked(Shape):
    """What is reserved for one container: cores and bytes, 0 for nothing."""

    cpus: float
    memory: int


class ServiceUsage(Shape):
    """`used` is null where nobody ran such an image."""

    service: str
    image: str
    asked: Asked
    used: Used | None
