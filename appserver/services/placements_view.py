"""Containers that have a place, as people and programs look at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from appserver.core.access import Caller
from appserver.core.entities import ContainerRecord
from appserver.core.fleet import Node
from appserver.core.placement import codec, placed, placed_images
from appserver.core.placement.placed import Placed
from appserver.core.placement.request import Claim, Reservation
from appserver.core.placement.values import Container
from appserver.errors import NotFound
from appserver.ports import KV
from appserver.services.access import Access
from appserver.services.placements import engine_of
from appserver.services.placements_nodes import prefixes
from appserver.store import keys
from appserver.store.records import below, nodes_below

State = Literal["promised", "running", "stopped"]


@dataclass(frozen=True, slots=True)
class PlacementView:
    """`promised`: its container is not there yet. `container` is Citadel's."""

    cluster: str
    name: str
    record: Placed
    state: State
    container: Container

    @property
    def holder(self) -> str:
        return placed.holder(self.cluster, self.name)

    def to_json(self) -> Mapping[str, object]:
        until = self.record.at + timedelta(seconds=self.record.lease_s)
        return {
            "holder": self.holder,
            "cluster": self.cluster,
            "name": self.name,
            "node": self.record.node,
            "state": self.state,
            "at": self.record.at.isoformat(),
            "by": self.record.by,
            "until": until.isoformat() if self.state == "promised" else None,
            "container": codec.encode(self.container),
        }


class PlacementList:
    """Reads only."""

    def __init__(self, *, kv: KV, access: Access) -> None:
        self._kv = kv
        self._access = access

    def __call__(self, caller: Caller, cluster: str = "") -> tuple[PlacementView, ...]:
        """All, or those of a cluster, by holder."""
        self._access.require(caller, "R", "placement:")
        there, kept = prefixes(cluster) if cluster else ("containers/", keys.PLACEMENTS)
        return self._views(kept, there)

    def show(self, caller: Caller, cluster: str, name: str) -> PlacementView:
        """
        Raises:
            NotFound: no such container has a place.
        """
        self._access.require(caller, "R", f"placement:{placed.holder(cluster, name)}")
        found = self._views(keys.placement(cluster, name), keys.container(cluster, name))
        if not found:
            raise NotFound(f"{name} has no place on {cluster}")
        return found[0]

    def _views(self, kept: str, there: str) -> tuple[PlacementView, ...]:
        seen = self._kv.snapshot(kept, there, "reservations/", "nodes/")
        nodes = {one.record.name: one.record for one in nodes_below(seen)}
        held = {name: one.record for name, one in below(seen, "reservations/", Reservation)}
        containers = {name: one.record for name, one in below(seen, "containers/", ContainerRecord)}
        return tuple(
            _view(*placed.parted(holder), one.record, nodes, held, containers.get(holder))
            for holder, one in below(seen, keys.PLACEMENTS, Placed)
        )


def _view(
    cluster: str,
    name: str,
    record: Placed,
    nodes: Mapping[str, Node],
    held: Mapping[str, Reservation],
    there: ContainerRecord | None,
) -> PlacementView:
    mine = there if there and there.node == record.node else None
    state: State = "promised" if mine is None else "running" if mine.state == "running" else "stopped"
    reservation = held.get(record.node, Reservation())
    claim = reservation.holders.get(placed.holder(cluster, name), Claim())
    container = Container(
        id=mine.id if mine else "",
        name=name,
        image=placed_images.image_of(record, claim),
        engine=engine_of(nodes[record.node]) if record.node in nodes else None,
        state="" if state == "promised" else state,
    )
    return PlacementView(cluster, name, record, state, container)
