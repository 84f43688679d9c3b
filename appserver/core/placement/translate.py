"""Citadel's values as placement has them, and back: MB are bytes, an engine is a candidate, an image a request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appserver.core.placement import expressions
from appserver.core.placement.ports import clash
from appserver.core.placement.request import Candidate, Claim, Request, Resident
from appserver.core.placement.schedulers import scheduler
from appserver.core.placement.values import MB, ClusterInfo, Engine, EngineSnapshot, Image, Port, parse_image_name
from appserver.errors import Invalid


def request(image: Image, holder: str) -> Request:
    """
    Raises:
        Invalid: an expression or a type that nobody can evaluate, or two ports of its own that clash.
    """
    said = expressions.said(image.environment, {})
    constraints, affinities = (*image.constraints, *said.constraints), (*image.affinities, *said.affinities)
    for text in constraints:
        expressions.parse(text, "constraints")
    for text in affinities:
        expressions.parse(text, "affinities")
    kind = image.type or "service"
    scheduler(kind)
    claim = Claim(image.cpus, math.ceil(image.memory * MB), _ports(image.bind_ports), dict(image.resources))
    return Request(
        holder=holder,
        claim=claim,
        constraints=constraints,
        type=kind,
        name=image.container_name,
        image=str(parse_image_name(image.name)),
        labels=image.labels,
        affinities=affinities,
        whitelist=said.whitelist,
        beside=_beside(image),
        group=image.group,
        spread_by=image.spread_by,
        prefer_image=image.prefer_image,
        reschedulable=image.reschedulable or said.reschedulable,
    )


def candidate(
    engine: Engine,
    reserved: Mapping[str, Claim] | None = None,
    residents: Sequence[Resident] = (),
    images: Sequence[str] = (),
    against: str = "",
    live: EngineSnapshot | None = None,
) -> Candidate:
    """A node of Citadel's, which is known by its engine's id. `live` says what is in use."""
    pairs = (label.partition("=") for label in engine.labels)
    held = dict(reserved or {})
    return Candidate(
        name=engine.id,
        cpus=engine.cpus,
        memory=math.floor(engine.memory * MB),
        labels={name: value for name, equals, value in pairs if equals},
        reserved=held,
        against=against,
        id=engine.id,
        words=engine.labels,
        images=frozenset(str(parse_image_name(image)) for image in images),
        residents=tuple(residents),
        beyond=beyond(live, held) if live else Claim(),
    )


def beyond(live: EngineSnapshot, reserved: Mapping[str, Claim]) -> Claim:
    """What is in use beyond what is reserved."""
    cpus = live.current_cpu - sum(claim.cpus for claim in reserved.values())
    memory = round(live.current_memory * MB) - sum(claim.memory for claim in reserved.values())
    return Claim(max(cpus, 0.0), max(memory, 0))


def snapshot(node: Candidate) -> EngineSnapshot:
    """Reservations are added up as they were asked for, not read back from an engine's rounded shares."""
    claims = node.reserved.values()
    cpus, memory = sum(claim.cpus for claim in claims), sum(claim.memory for claim in claims)
    return EngineSnapshot(
        id=node.id or node.name,
        cpus=node.cpus,
        memory=node.memory / MB,
        reserved_cpus=round(cpus, 9),
        reserved_memory=memory / MB,
        current_memory=(memory + node.beyond.memory) / MB if node.beyond.memory else 0.0,
        current_cpu=round(cpus + node.beyond.cpus, 9) if node.beyond.cpus else 0.0,
    )


def cluster_info(nodes: Sequence[Candidate]) -> ClusterInfo:
    """Of the nodes that may be used; what is away is not counted."""
    there = [node for node in nodes if not node.against]
    seen = [snapshot(node) for node in there]
    return ClusterInfo(
        cpus=sum(one.cpus for one in seen),
        memory=sum(one.memory for one in seen),
        container_count=sum(one.running for node in there for one in node.residents),
        engine_count=len(there),
        image_count=len({image for node in there for image in node.images}),
        reserved_cpus=round(sum(one.reserved_cpus for one in seen), 9),
        reserved_memory=sum(one.reserved_memory for one in seen),
    )


@dataclass(frozen=True, slots=True)
class Percent:
    """Citadel's score of an engine: what of it would be reserved. `total` is the mean of both."""

    cpu: float
    memory: float
    total: float


def percent(engine: EngineSnapshot, cpus: float, memory: float) -> Percent:
    """`memory` in MB, as the engine's. Beyond 100 in `total` Citadel refuses; we do in either of the others."""
    cpu = (engine.reserved_cpus + cpus) / engine.cpus * 100 if engine.cpus else 0.0
    mem = (engine.reserved_memory + memory) / engine.memory * 100 if engine.memory else 0.0
    return Percent(cpu, mem, (cpu + mem) / 2)


def _ports(ports: Sequence[Port]) -> tuple[tuple[str, str, str], ...]:
    """Those with a number; the others are the engine's to choose."""
    found = tuple((port.host_ip, str(port.port), port.proto or "tcp") for port in ports if port.port)
    for number, port in enumerate(found):
        if any(clash(port, other) for other in found[:number]):
            raise Invalid(f"bind_ports/{number}", f"port {port[1]}/{port[2]} is bound twice")
    return found


def _beside(image: Image) -> tuple[str, ...]:
    """Containers it links to, and the one whose network it shares: these are on its engine."""
    kind, colon, name = image.network_mode.partition(":")
    return (*image.links, *([name] if colon and kind == "container" else []))
