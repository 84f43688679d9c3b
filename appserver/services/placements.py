"""Placements: which node a container is to run on, said in Citadel's words, and its room kept until it is there."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from appserver.core.access import Caller
from appserver.core.fleet import Node
from appserver.core.placement import placed, placed_images, translate
from appserver.core.placement.manager import with_request
from appserver.core.placement.place import Placement, place
from appserver.core.placement.placed import LEASE_S, Asked, Placed
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Request
from appserver.core.placement.schedulers import strategy as strategy_of
from appserver.core.placement.together import decide
from appserver.core.placement.values import MB, Engine, Image
from appserver.errors import Conflict, Invalid, NoPlacement, NotFound
from appserver.ports import KV, Clock
from appserver.services.access import Access
from appserver.services.audit import Audit
from appserver.services.placements_commit import Given, Group, Known, Placing, Refused
from appserver.services.placements_ends import release
from appserver.services.placements_ground import Ground, Grounds
from appserver.services.placements_nodes import words
from appserver.services.placements_queue import Queue
from appserver.store import keys
from appserver.store.names import check_name
from appserver.store.records import find

MOST_AT_ONCE = 1000
"""Containers of one group."""
_TRIES = 16


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """So many containers of an image, of which each gets a place or none does.

    `key` makes asking again harmless for a caller who gives no name: the same key of the same caller is the same
    request. `lease_s`: how long room is kept for a container that is not there.
    """

    cluster: str
    image: Image
    count: int = 1
    strategy: Strategy | None = None
    lease_s: float = LEASE_S
    key: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One container, by the name it is to have, and the engine it is to be on."""

    holder: str
    name: str
    engine: Engine


@dataclass(frozen=True, slots=True)
class Places:
    """`again`: they were given before, when the same was asked."""

    places: tuple[Place, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would be decided, and why; nothing is written.

    `placement` is that of the first container, or None where it finds no room; `nodes` how many each node would get.
    """

    cluster: str
    strategy: Strategy
    placement: Placement | None
    engine: Engine | None
    nodes: Mapping[str, int]
    refused: Mapping[str, str]
    nearest: str


class Placements:
    def __init__(
        self,
        *,
        kv: KV,
        clock: Clock,
        access: Access,
        audit: Audit,
        own: str,
        fresh: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        """
        Args:
            own: this app server, as it stands for election.
        """
        self._kv = kv
        self._clock = clock
        self._access = access
        self._audit = audit
        self._fresh = fresh
        self._grounds = Grounds(kv)
        self._place = Queue(Placing(kv=kv, clock=clock, grounds=self._grounds, own=own))

    def __call__(self, caller: Caller, wanted: PlacementRequest) -> Places:
        """Decide, and keep the room.

        Raises:
            NoPlacement: not all of them have room, and nothing is kept for any.
            Conflict: the name is somebody else's, or others were quicker every time.
        """
        name = self._name(caller, wanted)
        holder = placed.holder(wanted.cluster, name)
        with self._audit.of(caller, "place", f"placement:{holder}"):
            self._access.require(caller, "C", f"placement:{holder}")
            requests = _requests(wanted, name)
            digest = placed.digest(requests[0], wanted.count)
            asked = Asked(self._clock.now(), caller.name, wanted.lease_s, digest)
            named = bool(wanted.image.container_name or wanted.key)
            group = Group(requests, asked, wanted.strategy, named)
            result = self._place(wanted.cluster, group)
            if isinstance(result, Given):
                return Places(tuple(map(_given, requests, result.nodes)))
            if isinstance(result, Known):
                return self._again(group, result)
            if isinstance(result, Refused):
                refusal = _refusal(requests, result.ground, _strategy(requests[0], wanted.strategy, result.ground))
                if result.ground.nodes and not refusal.reasons:  # what stood in its way was never committed
                    raise Conflict(f"reservations on {wanted.cluster} keep changing; try again")
                raise refusal
            raise result

    def explain(self, caller: Caller, wanted: PlacementRequest) -> Explanation:
        """What `__call__` would do now, on all nodes. Writes nothing."""
        name = self._name(caller, wanted)
        self._access.require(caller, "R", f"placement:{placed.holder(wanted.cluster, name)}")
        requests = _requests(wanted, name)
        ground = self._grounds(wanted.cluster)
        strategy = _strategy(requests[0], wanted.strategy, ground)
        nodes = decide(lambda: ground.indexes(strategy, ""), [requests])[0] or ()
        try:
            first = place(requests[0], ground.all(), strategy)
        except NoPlacement as error:
            return Explanation(wanted.cluster, strategy, None, None, {}, error.reasons, error.nearest)
        if not nodes:
            refusal = _refusal(requests, ground, strategy)
            return Explanation(wanted.cluster, strategy, first, None, {}, refusal.reasons, refusal.nearest)
        counts = {node: nodes.count(node) for node in sorted(set(nodes))}
        engine = engine_of(ground.nodes[nodes[0]])
        return Explanation(wanted.cluster, strategy, first, engine, counts, first.refused, "")

    def release(self, caller: Caller, cluster: str, name: str) -> None:
        """Give the room back, whether the container is there or not."""
        holder, where = placed.holder(cluster, name), keys.placement(cluster, name)
        with self._audit.of(caller, "release", f"placement:{holder}"):
            self._access.require(caller, "D", f"placement:{holder}")
            for _ in range(_TRIES):
                found = find(self._kv.snapshot(where), where, Placed)
                if found is None:
                    raise NotFound(f"{name} has no place on {cluster}")
                if release(self._kv, holder, found.record, found.revision):
                    return
            raise Conflict("reservations there keep changing; try again")

    def _name(self, caller: Caller, wanted: PlacementRequest) -> str:
        check_name(wanted.cluster, "cluster")
        if wanted.image.container_name:
            return wanted.image.container_name.lstrip("/")
        said = sha256(f"{caller.name}\n{wanted.key}".encode()).hexdigest()[:16]
        return placed_images.named(wanted.image, said if wanted.key else self._fresh(4))

    def _again(self, group: Group, known: Known) -> Places:
        """The same places, where the same was asked."""
        if known.taken - known.records.keys():
            there = ", ".join(sorted(known.taken))
            raise Conflict(f"there is a container {there} on the cluster already: choose another name")
        records = [known.records.get(one.name) for one in group.requests]
        if any(one is None or one.asked != group.asked.digest for one in records):
            there = ", ".join(sorted(known.records))
            raise Conflict(f"{there} has a place already, and was asked for otherwise: choose another name")
        wanted = [one.node for one in records if one]
        seen = self._kv.snapshot(*{keys.node(node) for node in wanted})
        nodes = [find(seen, keys.node(node), Node) for node in wanted]
        found = [one.record if one else Node(name, "", "") for name, one in zip(wanted, nodes, strict=True)]
        return Places(tuple(map(_given, group.requests, found)), again=True)


def engine_of(node: Node) -> Engine:
    """Citadel's, of a node: it is known by its name, and reached through its agent."""
    cpus, memory = (node.engine.cpus, node.engine.memory) if node.engine else (0.0, 0)
    return Engine(node.name, node.address, cpus, memory / MB, words(node.labels))


def _requests(wanted: PlacementRequest, name: str) -> tuple[Request, ...]:
    """
    Raises:
        Invalid: what is asked for cannot be evaluated.
    """
    if not 1 <= wanted.count <= MOST_AT_ONCE:
        raise Invalid("count", f"is a number between 1 and {MOST_AT_ONCE}")
    one = translate.request(wanted.image, "")
    group = name if wanted.count > 1 else ""
    names = placed.copies(name, wanted.count)
    for each in names:
        keys.placement(wanted.cluster, each)
    return tuple(placed.one_of(one, wanted.cluster, each, group) for each in names)


def _strategy(wanted: Request, asked: Strategy | None, ground: Ground) -> Strategy:
    return strategy_of(wanted.type, asked, ground.cluster.strategy)


def _given(wanted: Request, node: Node) -> Place:
    return Place(wanted.holder, wanted.name, engine_of(node))


def _refusal(requests: Sequence[Request], ground: Ground, strategy: Strategy) -> NoPlacement:
    """Each node's reason against the first of the group that finds none, when those before it have theirs."""
    nodes = {node.name: node for node in ground.all()}
    for number, one in enumerate(requests):
        try:
            chosen = place(one, tuple(nodes.values()), strategy).node
        except NoPlacement as error:
            told = f"{number} of {len(requests)} have room. " if number else ""
            return NoPlacement(error.reasons, f"{told}{error.nearest}".strip())
        nodes[chosen] = with_request(nodes[chosen], one)
    return NoPlacement({}, "the same again: there is room by now")
