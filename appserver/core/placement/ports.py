"""Host ports: which two claims cannot both be bound on one node. `image_config` has checked each part."""

from __future__ import annotations

from ipaddress import ip_address

from appserver.core.placement.request import Port


def clash(one: Port, other: Port) -> bool:
    """Whether address, range and protocol of both meet. Of a range any port may be the one that is bound."""
    (host, ports, protocol), (other_host, other_ports, other_protocol) = one, other
    first, last = _range(ports)
    other_first, other_last = _range(other_ports)
    return protocol == other_protocol and first <= other_last and other_first <= last and _meet(host, other_host)


def _range(ports: str) -> tuple[int, int]:
    first, _, last = ports.partition("-")
    return int(first), int(last or first)


def _meet(host: str, other: str) -> bool:
    """No address, 0.0.0.0 and :: each stand for all: the engine binds both families where it can."""
    if not host or not other:
        return True
    address, other_address = ip_address(host.strip("[]")), ip_address(other.strip("[]"))
    return address.is_unspecified or other_address.is_unspecified or address == other_address
