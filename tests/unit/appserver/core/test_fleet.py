"""What an agent tells of where it is: taken for an address, or for nothing."""

from __future__ import annotations

import pytest

from appserver.core.fleet import Node, host_of, ip_of, reached_at
from appserver.errors import Invalid


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("192.0.2.1:8090", "192.0.2.1", 8090),
        ("[2001:db8::2]:8090", "2001:db8::2", 8090),
        ("2001:db8::2:8090", "2001:db8::2", 8090),
        ("[fe80::1%eth0]:8090", "fe80::1%eth0", 8090),
        ("boot-0.rack_a.example.net:1", "boot-0.rack_a.example.net", 1),
        ("BOOT0:65535", "BOOT0", 65535),
    ],
)
def test_host_and_port(address: str, host: str, port: int) -> None:
    """A name or an IP address, without its brackets."""
    assert reached_at(address) == (host, port)
    assert host_of(Node("n1", address, "default")) == host


@pytest.mark.parametrize(
    "address",
    [
        *("", ":8090", "h", "h:", "h:0", "h:65536", "h:-1", "h:+1", "h:٣", "h: 1", "h:1\n"),
        *("-oProxyCommand=x:22", "_h:22", ".h:22", "h h:22", "u@h:22", "h/p:22", "h?q:22"),
        *("h;x:22", "$(x):22", "h\n:22", "[h]:22", "[::1:22", "fe80::1%-o x:22", "fe80::1%:22", "::1%$(x):22"),
        *(f"{'a' * 254}:22", "bücher:22"),
    ],
)
def test_what_is_no_address(address: str) -> None:
    """Nothing that a program could take for an option, a user, a path or a command."""
    with pytest.raises(Invalid, match=r"address: .* is not host:port"):
        reached_at(address)


def test_the_ip_of_a_node() -> None:
    """As recorded, else of its address, else none; in its shortest form."""
    assert ip_of(Node("n1", "h:1", "default", ip="2001:DB8::0:1")) == "2001:db8::1"
    assert ip_of(Node("n1", "[2001:DB8::0:1]:1", "default")) == "2001:db8::1"
    assert ip_of(Node("n1", "h:1", "default")) == ip_of(Node("n1", "", "")) == ""
