"""What is sent to have containers placed: Citadel's own JSON, and beside it how many, where, and whether at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from appserver.core.placement.codec import decode_request
from appserver.core.placement.placed import LEASE_S
from appserver.errors import Invalid
from appserver.services.placements import MOST_AT_ONCE, PlacementRequest
from appserver.web.queries import Name, PageQuery, Query, Short

_DEFAULT = "default"
_LONGEST_KEY = 200


def _of(told: str, *kinds: str) -> Any:
    """A field of Citadel's: `codec` reads it, and says where it is wrong."""
    shape: dict[str, Any] = {"type": kinds[0]} if len(kinds) == 1 else {"anyOf": [{"type": kind} for kind in kinds]}
    return Field(None, description=told, json_schema_extra=shape)


class PlacementBody(BaseModel):
    """Citadel's request. `memory` is in MB or has a unit, `cpus` are cores; both may be texts."""

    model_config = ConfigDict(extra="allow", strict=True)

    cluster: Name | None = Field(None, description="`default` where neither this nor the query says another")
    dry_run: bool = Field(False, description="only explain; nothing is written")
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE, description="each gets a place, or none does")] = 1
    strategy: Literal["spread", "binpack", "random"] | None = Field(
        None, description="else that of the type, or the cluster's"
    )
    lease_s: Annotated[float, Field(ge=1, le=86_400, description="so long it may be without its container")] = LEASE_S
    image: Any = _of("or `name`, as in Citadel's Image", "string")
    cpus: Any = _of("cores", "number", "string")
    memory: Any = _of("MB", "number", "string")
    type: Any = _of("chooses the scheduler", "string")
    labels: Any = _of("words that the node must have", "array")
    bind_ports: Any = _of("`proto`, `host_ip`, `port`, `container_port`", "array")
    container_name: Any = _of("asking again by the same name gives the same place", "string")
    links: Any = _of("containers that it is to be beside, with their aliases", "object")
    network_mode: Any = _of("`container:NAME` is to be beside it", "string")
    environment: Any = _of("`constraint:…` and `affinity:…` count; nothing of it is kept", "object")
    constraints: Any = _of("of the node: `zone==a`, `storage!=~hdd*`", "array")
    affinities: Any = _of("of what is there: `container==db`", "array")
    resources: Any = _of("counted ones: `gpus`, `disk` in bytes", "object")
    group: Any = _of("who its replicas are", "string")
    spread_by: Any = _of("a label of nodes, over whose values the group is even", "string")
    prefer_image: Any = _of("nodes that hold the image come first", "boolean")
    reschedulable: Any = _of("may be moved so that another finds room", "boolean")

    def sent(self) -> dict[str, Any]:
        """Citadel's part, as it was sent."""
        return {name: value for name, value in _as_sent().items() if name not in _OURS}

    def request(self, query: PlaceQuery) -> PlacementRequest:
        if self.cluster is not None and query.cluster not in ("", self.cluster):
            raise Invalid("cluster", f"the body says {self.cluster}, and the query {query.cluster}")
        cluster = (query.cluster or _DEFAULT) if self.cluster is None else self.cluster
        image = decode_request(self.sent())
        return PlacementRequest(cluster, image, self.count, self.strategy, self.lease_s, _key())


class PlaceQuery(Query):
    """For a body that is Citadel's and nothing more."""

    cluster: Name = ""
    dry_run: bool = False


class PlacementsQuery(PageQuery):
    cluster: Name = ""
    node: Short = ""


_OURS = frozenset({"cluster", "dry_run", "count", "strategy", "lease_s"})


def _as_sent() -> Mapping[str, Any]:
    """In its order, and with what was left out left out."""
    found = request.get_json()
    return found if isinstance(found, Mapping) else {}


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Invalid("Idempotency-Key", f"is at most {_LONGEST_KEY} characters in one line")
    return key
