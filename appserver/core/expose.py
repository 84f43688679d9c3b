"""`x-moorage.expose` of a project: by which hosts and paths its services are reached through the proxies.

What is written here ends in a proxy's configuration: the grammar leaves no room for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from appserver.errors import Invalid

MOST = 64
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_KEYS = ("service", "port", "host", "path")


@dataclass(frozen=True, slots=True)
class Expose:
    """Requests for `host`, at `path` or below it, reach `port` of the containers of `service`."""

    service: str
    port: int
    host: str
    path: str = "/"

    @property
    def address(self) -> str:
        return f"{self.host}{self.path}"

    def __str__(self) -> str:
        return f"{self.address} to {self.service}:{self.port}"


def read(where: str, value: object) -> tuple[Expose, ...]:
    """One mapping or a list of them.

    Raises:
        Invalid: and where.
    """
    if isinstance(value, Mapping):
        return (_one(where, value),)
    if not isinstance(value, (list, tuple)) or len(value) > MOST:
        raise Invalid(where, f"is a mapping of {', '.join(_KEYS)}, or a list of at most {MOST} of them")
    found = tuple(_one(f"{where}.{number}", one) for number, one in enumerate(value))
    for number, one in enumerate(found):
        if one.address in {other.address for other in found[:number]}:
            raise Invalid(f"{where}.{number}", f"{one.address} is exposed twice")
    return found


def host(where: str, value: object) -> str:
    """A name of DNS in lower case, and no address.

    Raises:
        Invalid
    """
    if not isinstance(value, str) or not 1 <= len(value) <= 253 or value == "localhost":
        raise Invalid(where, _HOST)
    labels = value.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdecimal() or labels[-1].startswith("0x"):
        raise Invalid(where, _HOST)
    return value


def path(where: str, value: object) -> str:
    """Without a slash at the end, which makes no difference.

    Raises:
        Invalid
    """
    if not isinstance(value, str) or not value.startswith("/") or len(value) > 200:
        raise Invalid(where, _PATH)
    parts = value.removesuffix("/").split("/")[1:]
    if not all(_SEGMENT.fullmatch(part) and part not in (".", "..") for part in parts):
        raise Invalid(where, _PATH)
    return "/" + "/".join(parts)


def _one(where: str, value: object) -> Expose:
    if not isinstance(value, Mapping):
        raise Invalid(where, f"is a mapping of {', '.join(_KEYS)}")
    for name in value:
        if name not in _KEYS:
            raise Invalid(f"{where}.{str(name)[:40]}", f"unknown; it says {', '.join(_KEYS)}")
    service, port = value.get("service"), value.get("port")
    if not isinstance(service, str) or not service:
        raise Invalid(f"{where}.service", "is the name of a service of the project")
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise Invalid(f"{where}.port", "is the port that its containers listen at, 1 to 65535")
    said = host(f"{where}.host", value.get("host")), path(f"{where}.path", value.get("path", "/"))
    return Expose(service, port, *said)


_HOST = "is a name of DNS in lower case such as shop.example.net: no address, no port, no wildcard"
_PATH = "is a path such as /api: letters, digits and . _ ~ - between single slashes, no . or .. alone, no escapes"
