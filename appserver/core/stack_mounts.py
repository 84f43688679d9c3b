"""What a stack's service mounts and publishes, in the words of the stack's format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from image_config import units
from image_config.errors import ConfigError

Faults = list[tuple[str, str]]

_KINDS = ("bind", "volume", "tmpfs")


def port(given: Mapping[str, Any], where: str, faults: Faults, _: list[str]) -> dict[str, object]:
    published = str(given.get("published") or "")
    if given.get("host_ip"):
        faults.append((where, f"{given['host_ip']}: a stack's ports are published on all addresses of a node"))
    if "-" in published:
        faults.append((where, f"{published}: Swarm publishes single ports"))
        published = ""
    known = {"target": int(given["target"]), "protocol": given.get("protocol", "tcp"), "mode": given.get("mode")}
    return {**{name: value for name, value in known.items() if value}, **_number("published", published)}


def volume(given: Mapping[str, Any], where: str, faults: Faults, warnings: list[str]) -> dict[str, object]:
    kind = str(given.get("type"))
    if kind not in _KINDS:
        faults.append((where, f"{kind}: Swarm mounts volumes, binds and tmpfs"))
    made = {name: given[name] for name in ("type", "source", "target", "read_only", "consistency") if name in given}
    options = {"bind": ("propagation",), "volume": ("nocopy", "subpath")}
    inner = given.get(kind) or {}
    own = {name: value for name, value in inner.items() if name in options.get(kind, ())}
    if kind == "tmpfs":
        own = _number("size", inner.get("size"))
        warnings += [_left(where, "mode")] if inner.get("mode") else ()
    return {**made, kind: own} if own else made


def mounted(given: object, _: str, __: Faults, ___: list[str]) -> dict[str, object]:
    """A config or secret."""
    one = given if isinstance(given, Mapping) else {"source": given}
    own = {name: one[name] for name in ("source", "target", "uid", "gid") if name in one}
    return {**own, **_number("mode", _octal(one.get("mode")))}


def tmpfs(given: object, where: str, warnings: list[str]) -> dict[str, object]:
    """`path:flag,name=value`: of them all, the stack's format has the size."""
    path, _, flags = str(given).partition(":")
    made: dict[str, int] = {}
    for flag in filter(None, flags.split(",")):
        name, _, value = flag.partition("=")
        try:
            made |= {"size": units.size(value)} if name == "size" else {}
        except ConfigError:
            name = ""
        warnings += [_left(where, flag)] if name != "size" else ()
    return {"type": "tmpfs", "target": path, **({"tmpfs": made} if made else {})}


def listed(value: object) -> list[Any]:
    if isinstance(value, Mapping):
        return [f"{name}={one}" for name, one in value.items()]
    return [*value] if isinstance(value, (list, tuple)) else [value]


def _left(where: str, option: str) -> str:
    return f"{where}: {option} counts on engines alone"


def _octal(mode: object) -> object:
    """Written in octal where it is a text."""
    return int(mode, 8) if isinstance(mode, str) and mode else mode


def _number(name: str, value: object) -> dict[str, int]:
    return {} if value in (None, "") else {name: int(str(value))}


MAKERS: Mapping[str, Callable[[Any, str, Faults, list[str]], dict[str, object]]] = {
    "configs": mounted,
    "ports": port,
    "secrets": mounted,
    "volumes": volume,
}
