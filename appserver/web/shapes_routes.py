"""What answers about routes look like."""

from __future__ import annotations

from appserver.web.shapes import Shape


class RouteContainer(Shape):
    """`container` is its id, shortened; `port` is the node's."""

    node: str
    container: str
    address: str
    port: int


class Route(Shape):
    """Requests for `host`, at `path` or below it. Without `containers`, nothing of the application takes any now."""

    host: str
    path: str
    url: str
    application: str
    containers: list[RouteContainer]
