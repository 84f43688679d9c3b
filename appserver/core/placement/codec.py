"""JSON of Citadel's values, as its Go structs have it: names, order, and nothing where a field is empty.

A request may also be written as Citadel's README does, with `image` for the name and amounts as texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, TypeVar

from appserver.core.placement.kinds import (
    ADDRESS,
    AMOUNT,
    COUNT,
    FLAG,
    LINE,
    MEGABYTES,
    MOMENT,
    NAME,
    NUMBER,
    PORT,
    REFERENCE,
    TEXT,
    Kind,
    many,
    named,
    one_of,
)  # fmt: skip
from appserver.core.placement.values import (
    ClusterInfo,
    Container,
    Engine,
    EngineSnapshot,
    Event,
    Image,
    Port,
    RestartPolicy,
)  # fmt: skip
from appserver.errors import Invalid

_V = TypeVar("_V", Image, Container, Engine, EngineSnapshot, ClusterInfo, Port, RestartPolicy, Event)


def decode(kind: type[_V], data: object, where: str = "") -> _V:
    """
    Raises:
        Invalid: an unknown name, a value of another kind, an amount out of bounds; `where` is its path.
    """
    if not isinstance(data, Mapping):
        raise Invalid(where, "is not an object")
    known = FIELDS[kind]
    found: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            raise Invalid(_at(where, name), "is not known" + (f"; did you mean {near[0]}?" if near else ""))
        if value is not None:
            found[name] = known[name].read(value, _at(where, name))
    if kind is Image and not found.get("name"):
        raise Invalid(_at(where, "name"), "is missing: the image to run")
    return kind(**found)


def encode(value: object) -> dict[str, Any]:
    """Fields that are empty, zero or false are left out."""
    known = FIELDS[type(value)]
    shown = {one.name: getattr(value, one.name) for one in fields(value)}  # type: ignore[arg-type]
    return {name: known[name].write(shown[name]) for name in known if _is_there(shown[name])}


def decode_request(data: object) -> Image:
    """Of `POST /api/v1/placements`: Citadel's Image, or the form of its README.

    Raises:
        Invalid: as `decode`.
    """
    if isinstance(data, Mapping) and "image" in data:
        if "name" in data:
            raise Invalid("image", "says what name says too; write one of them")
        data = {"name" if name == "image" else name: value for name, value in data.items()}
    return decode(Image, data)


def encode_response(asked: Mapping[str, object], engine: Engine) -> dict[str, Any]:
    """The answer: the request as it was sent, and the engine that has been chosen."""
    return {
        "container": dict(asked),
        "resource": {
            "id": engine.id,
            "addr": engine.addr,
            "total_cpus": NUMBER.write(engine.cpus),
            "total_memory": MEGABYTES.write(engine.memory),
        },
    }


def decode_response(data: object) -> tuple[Image, Engine]:
    """
    Raises:
        Invalid: as `decode`.
    """
    if not isinstance(data, Mapping) or set(data) != {"container", "resource"}:
        raise Invalid("", "is not an object of container and resource")
    resource = data["resource"]
    if not isinstance(resource, Mapping):
        raise Invalid("resource", "is not an object")
    names = {"total_cpus": "cpus", "total_memory": "memory"}
    engine = decode(Engine, {names.get(name, name): value for name, value in resource.items()}, "resource")
    return decode_request(data["container"]), engine


def _value(kind: type[Any]) -> Kind:
    return Kind(lambda data, where: decode(kind, data, where), encode)


def _is_there(value: object) -> bool:
    return value != RestartPolicy() if isinstance(value, RestartPolicy) else bool(value)


def _at(where: str, name: object) -> str:
    return f"{where}/{name}" if where else str(name)


_LINES = many(LINE)
FIELDS: dict[type[Any], dict[str, Kind]] = {}
FIELDS[Port] = {
    "proto": one_of("tcp", "udp", "sctp"), "host_ip": ADDRESS, "port": PORT, "container_port": PORT,
}  # fmt: skip
FIELDS[RestartPolicy] = {
    "name": one_of("no", "always", "on-failure", "unless-stopped"), "maximum_retry": COUNT,
}  # fmt: skip
FIELDS[Image] = {
    "name": REFERENCE, "cpus": NUMBER, "cpuset": LINE, "memory": MEGABYTES, "entrypoint": many(TEXT),
    "environment": named(TEXT), "hostname": LINE, "domain": LINE, "args": many(TEXT), "type": LINE, "labels": _LINES,
    "bind_ports": many(_value(Port)), "user_data": named(many(TEXT)), "volumes": _LINES, "links": named(LINE),
    "restart_policy": _value(RestartPolicy), "publish": FLAG, "network_mode": LINE, "container_name": NAME,
    "privileged": FLAG, "constraints": _LINES, "affinities": _LINES, "resources": named(AMOUNT), "group": LINE,
    "spread_by": LINE, "prefer_image": FLAG, "reschedulable": FLAG,
}  # fmt: skip
FIELDS[Engine] = {"id": LINE, "addr": LINE, "cpus": NUMBER, "memory": MEGABYTES, "labels": _LINES}
FIELDS[Container] = {
    "id": LINE, "name": NAME, "image": _value(Image), "engine": _value(Engine),
    "state": one_of("running", "stopped"), "ports": many(_value(Port)),
}  # fmt: skip
FIELDS[EngineSnapshot] = {
    "id": LINE, "cpus": NUMBER, "memory": MEGABYTES, "reserved_cpus": NUMBER, "reserved_memory": MEGABYTES,
    "current_memory": MEGABYTES, "current_cpu": NUMBER,
}  # fmt: skip
FIELDS[ClusterInfo] = {
    "cpus": NUMBER, "memory": MEGABYTES, "container_count": COUNT, "engine_count": COUNT, "image_count": COUNT,
    "reserved_cpus": NUMBER, "reserved_memory": MEGABYTES,
}  # fmt: skip
FIELDS[Event] = {"type": LINE, "container": _value(Container), "engine": _value(Engine), "time": MOMENT}
