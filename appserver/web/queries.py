"""What stands after `?` in a request, parsed once."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from appserver.core.boot import Kind
from appserver.errors import Invalid
from appserver.services.metrics import Range

Name = Annotated[str, Field(max_length=300, description="a-z 0-9 _ . -, 1 to 63, beginning and ending alphanumeric")]
Short = Annotated[str, Field(max_length=1000)]


class Query(BaseModel):
    """What stands after `?`; what is not known there is let be."""

    model_config = ConfigDict(extra="ignore")


class PageQuery(Query):
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    after: Annotated[str, Field(max_length=200, description="`next` of the page before")] = ""


class ApplicationsQuery(PageQuery):
    cluster: Name = ""


class RoutesQuery(PageQuery):
    after: Annotated[str, Field(max_length=500, description="`next` of the page before")] = ""


class ExplainQuery(Query):
    revision: Annotated[int, Field(ge=0, le=99_999_999, description="0: the one in force")] = 0
    service: Short = ""
    option: Short = ""


class DeleteQuery(Query):
    volumes: Annotated[bool, Field(description="remove the named volumes too")] = False


class LogsQuery(Query):
    service: Short = ""
    tail: Annotated[int, Field(ge=0, le=10_000)] = 100
    follow: bool = False
    since: Short = ""


class OutputQuery(Query):
    """Of what a run of a playbook said."""

    after: Annotated[int, Field(ge=0, le=10**15, description="the line after which to begin")] = 0
    tail: Annotated[int, Field(ge=0, le=1_000_000, description="the last lines; 0: all that are kept")] = 0


class AuditQuery(PageQuery):
    user: Short = ""
    subject: Short = ""


class NoticesQuery(PageQuery):
    undelivered: Annotated[bool, Field(description="those alone that did not arrive, or not yet")] = False


class HoldersQuery(PageQuery):
    """One of `deb` and `image`."""

    deb: Short = ""
    image: Short = ""
    version: Short = Field("", description="of the package, or the image's tag")

    def wanted(self) -> tuple[Kind, str]:
        if bool(self.deb) == bool(self.image):
            raise Invalid("deb", "name a package in `deb`, or an image in `image`")
        return ("deb", self.deb) if self.deb else ("container", self.image)


class ImageQuery(PageQuery):
    after: Annotated[str, Field(max_length=1000, description="`next` of the page before")] = ""
    image: Annotated[str, Field(max_length=1000, description="of this one alone")] = ""


class MetricsQuery(Query):
    """Which time, and how finely."""

    begin: Annotated[
        str, Field(alias="from", max_length=100, description="ISO 8601, Unix time or `-90m`; empty: an hour before")
    ] = ""
    to: Annotated[str, Field(max_length=100, description="the same; empty: now")] = ""
    step: Annotated[str, Field(max_length=100, description="`30s`, `5m`; empty: for at most 240 points")] = ""

    def range(self) -> Range:
        return Range(self.begin, self.to, self.step)


class NodeMetricsQuery(MetricsQuery):
    """And of what."""

    kind: Annotated[
        str, Field(max_length=100, description="some of node, disk, device, network, container; empty: all")
    ] = ""

    def kinds(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.kind.split(",")) if self.kind else ()


class EventsQuery(PageQuery):
    bus: Short = ""
    subject: Short = ""
