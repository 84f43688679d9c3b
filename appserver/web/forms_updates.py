"""What calls about updates of the boot servers hold."""

from __future__ import annotations

from pydantic import Field

from appserver.web.forms import Body
from appserver.web.queries import Query, Short


class UpdatePlanQuery(Query):
    """As `UpdateBody`."""

    version: Short = Field("", description="a release that is kept; empty: as it stands")
    older: bool = False


class UpdateBody(Body):
    """`older`: it may be older than what is in force, which somebody has approved by saying so."""

    version: Short = Field("", description="a release that is kept; empty: the one that is there")
    older: bool = False


class StopBody(Body):
    reason: Short = ""
