"""An app server's placements over a store in memory, and nodes that take containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from appserver.adapters.memory import MemoryKV
from appserver.core.access import Caller
from appserver.core.containers import EngineInfo
from appserver.core.entities import ContainerRecord
from appserver.core.fleet import Cluster, Node
from appserver.core.placement.placed import Placed
from appserver.core.placement.request import Claim, Reservation
from appserver.core.placement.values import Image
from appserver.services.placements import PlacementRequest, Placements, Places
from appserver.services.placements_ends import Ends
from appserver.services.placements_view import PlacementList
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.fakes import Desk

ANN, VIC = Caller("ann", "operator"), Caller("vic", "viewer")
REDIS = Image("crosbymichael/redis", cpus=0.2, memory=512, type="service")


@dataclass(slots=True)
class Berth:
    """`kv` may be another store than the desk's, which keeps the audit."""

    desk: Desk = field(default_factory=Desk)
    numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.kv.commit({}, {keys.cluster("default"): encode(Cluster("default"))})

    @property
    def kv(self) -> MemoryKV:
        return self.desk.kv

    def server(self, name: str = "one", kv: MemoryKV | None = None) -> Placements:
        """An app server."""
        return Placements(
            kv=kv or self.kv,
            clock=self.desk.clock,
            access=self.desk.access,
            audit=self.desk.audit,
            own=name,
            fresh=lambda _: f"{next(self.numbers):08x}",
        )

    def ends(self) -> Ends:
        return Ends(kv=self.kv, events=self.desk.events, now=self.desk.clock.seconds)

    def listed(self) -> dict[str, str]:
        """Holder to state."""
        found = PlacementList(kv=self.kv, access=self.desk.access)(VIC)
        return {one.holder: one.state for one in found}

    def node(self, name: str, cpus: float = 4, memory_gib: int = 8, **labels: str) -> None:
        """One that is on, and nothing is promised there."""
        engine = EngineInfo("26.1.5", cpus, memory_gib << 30, "2.26.1")
        record = Node(name, f"{name}:8090", "default", labels=labels, engine=engine)
        assert self.kv.commit({}, {keys.node(name): encode(record), keys.alive(name): record.address})

    def runs(self, name: str, node: str, state: str = "running", application: str = "", image: str = "x:1") -> None:
        """The agent of the node says that the container is there."""
        record = ContainerRecord(f"id-{name}", image, "sha256:aa", state, node, application)
        assert self.kv.commit({}, {keys.container("default", name): encode(record)})

    def gone(self, name: str) -> None:
        self.kv.commit({}, {}, [keys.container("default", name)])

    def held(self, node: str) -> dict[str, Claim]:
        found = read(self.kv, keys.reservation(node), Reservation)
        return dict(found.record.holders) if found else {}

    def record(self, name: str) -> Placed | None:
        found = read(self.kv, keys.placement("default", name), Placed)
        return found.record if found else None

    def told(self) -> list[str]:
        """Messages of events, oldest first."""
        return [event.message for _, event in reversed(self.desk.events.list(VIC).items)]


def asks(image: Image = REDIS, **kind: object) -> PlacementRequest:
    return PlacementRequest("default", image, **kind)  # type: ignore[arg-type]


def on(places: Places) -> list[tuple[str, str]]:
    """Container and node, in order."""
    return [(one.name, one.engine.id) for one in places.places]
