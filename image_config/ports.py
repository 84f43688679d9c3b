"""Published ports: Compose's short and long forms, and Haven's map of host port to container port."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from image_config.errors import plain
from image_config.kinds import scalar_text
from image_config.lists import Items
from image_config.model import Value, freeze
from image_config.reading import Reading, nearest
from image_config.tree import Node, plain_value

LAST_PORT = 65535
MOST_IN_A_RANGE = 1024

_SHORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-f:.]+\]|[0-9]+(?:\.[0-9]+){3}):)?(?P<published>[0-9]+(?:-[0-9]+)?)?:)?"
    r"(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[a-z]+))?",
    re.ASCII | re.IGNORECASE,
)
_PROTOCOLS = ("tcp", "udp", "sctp")
_FIELDS = ("name", "mode", "host_ip", "target", "published", "protocol", "app_protocol")

Port = dict[str, Value]


def keys(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    """Each mapping under `<container port>/<protocol>`, in the form `docker compose config` prints."""
    ports = _long(item.value) if isinstance(item.value, dict) else short(scalar_text(item))
    return tuple((f"{port['target']}/{port['protocol']}", port) for port in ports)


def short(text: str) -> tuple[Port, ...]:
    """`[ip:][published:]target[/protocol]`, each part a port or a range.

    Raises:
        ValueError: not such a text, or ranges of different lengths.
    """
    found = _SHORT.fullmatch(text) if len(text) <= 100 else None
    if not found:
        raise ValueError("is not a port; write 8080:80, 127.0.0.1:8080:80/tcp or 80")
    published, host_ip = found["published"] or "", _ip((found["ip"] or "").strip("[]"))
    protocol = _protocol(found["protocol"] or "tcp")
    targets = _range(found["target"], 1)
    if len(targets) > MOST_IN_A_RANGE:
        raise ValueError(f"is a range of more than {MOST_IN_A_RANGE} ports")
    outside = _range(published, 0) if published else None
    if outside is None or len(targets) == 1:
        return tuple(_port(target, protocol, published, host_ip) for target in targets)
    if len(outside) != len(targets):
        raise ValueError(f"maps {len(outside)} host ports to {len(targets)} container ports")
    return tuple(_port(t, protocol, str(p), host_ip) for p, t in zip(outside, targets, strict=True))


def show(port: Value) -> str:
    """`127.0.0.1:8080:80/tcp`."""
    if not isinstance(port, dict):
        return str(port)
    ip = str(port.get("host_ip", ""))
    host = f"[{ip}]:" if ":" in ip else f"{ip}:" if ip else ""
    outside = f"{port['published']}:" if port.get("published") else ":" if host else ""
    return f"{host}{outside}{port['target']}/{port['protocol']}"


def _long(node: dict[str, Node]) -> tuple[Port, ...]:
    port: Port = {}
    for name, value in node.items():
        if name.startswith("x-"):
            port[name] = freeze(plain_value(value))
        elif name not in _FIELDS:
            close = nearest(name, _FIELDS)
            raise ValueError(f"has the unknown key {plain(name)}" + (f"; did you mean {close}?" if close else ""))
        elif value.value is not None:
            port[name] = scalar_text(value)
    if "target" not in port:
        raise ValueError("has no target")
    made = _port(_range(str(port["target"]), 1)[0], _protocol(str(port.get("protocol", "tcp"))), "", "")
    if published := str(port.get("published", "")):
        _range(published, 0)
        made["published"] = published
    if host_ip := _ip(str(port.get("host_ip", ""))):
        made["host_ip"] = host_ip
    if "-" in str(port["target"]):
        raise ValueError("takes one target; a range is for the short form")
    if (mode := port.get("mode", "ingress")) not in ("ingress", "host"):
        raise ValueError("has a mode that is not ingress or host")
    return ({**port, **made, "mode": mode},)


def _port(target: int, protocol: str, published: str, host_ip: str) -> Port:
    port: Port = {"mode": "ingress", "target": target, "protocol": protocol}
    if published:
        port["published"] = published
    if host_ip:
        port["host_ip"] = host_ip
    return port


def _range(text: str, least: int) -> range:
    first, _, last = text.partition("-")
    if not all(part.isascii() and part.isdecimal() and len(part) < 7 for part in (first, last or first)):
        raise ValueError(f"{plain(text)} is not a port")
    low, high = int(first), int(last or first)
    if not least <= low <= high <= LAST_PORT:
        raise ValueError(f"{text} is not a port or range of ports from {least} to {LAST_PORT}")
    return range(low, high + 1)


def _protocol(text: str) -> str:
    if text.lower() not in _PROTOCOLS:
        raise ValueError(f"{plain(text)} is not a protocol; write tcp, udp or sctp")
    return text.lower()


def _ip(text: str) -> str:
    if not text:
        return ""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{plain(text)} is not an IP address") from None


PORTS = Items(
    keys,
    "`8080:80`, `127.0.0.1:8080:80/udp`, a map of host port to container port, or Compose's long form",
    "by container port and protocol, the stronger wins",
    from_pair=lambda host, inside: f"{host}:{inside}",
    shown=show,
    several=True,
)
