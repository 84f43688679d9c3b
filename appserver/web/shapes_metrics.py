"""What answers about measurements look like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appserver.web.shapes import Shape


class MetricLine(Shape):
    """One number over time: averages and greatest values of each step; null where nothing is known.

    `name`: mount point of a disk, name of a device, a network interface or a container; empty for the node itself.
    `application`: `<cluster>.<name>` of a container of an application.
    """

    kind: Literal["node", "disk", "device", "network", "container"]
    name: str
    application: str
    service: str
    field: str
    unit: Literal["cores", "bytes", "bytes/s", "1/s", "ratio", "seconds", "number"]
    mean: list[float | None]
    peak: list[float | None]


class NodeMetrics(Shape):
    """The i-th number of a line is of the `step` seconds from `from` + i × `step` on."""

    node: str
    begin: str = Field(alias="from")
    to: str
    step: int
    lines: list[MetricLine]


class ApplicationMetrics(Shape):
    """One answer for each node that has a part in it. `away`: node to why it gave none."""

    items: list[NodeMetrics]
    away: dict[str, str]
