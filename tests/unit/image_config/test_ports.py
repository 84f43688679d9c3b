"""Ports in every form people write them, and the one form Compose prints."""

import pytest

from image_config.ports import short, show
from tests.unit.image_config.say import compose, faults, form, git, service


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("80", ["80/tcp"]),
        ("8080:80", ["8080:80/tcp"]),
        ("22:22", ["22:22/tcp"]),
        ("127.0.0.1:8001:8001", ["127.0.0.1:8001:8001/tcp"]),
        ("127.0.0.1::53/udp", ["127.0.0.1::53/udp"]),
        ("6060:6060/UDP", ["6060:6060/udp"]),
        ("5000-5001:80-81", ["5000:80/tcp", "5001:81/tcp"]),
        ("9000-9010:90", ["9000-9010:90/tcp"]),
        ("1-3", ["1/tcp", "2/tcp", "3/tcp"]),
        ("[::1]:80:80", ["[::1]:80:80/tcp"]),
        ("0.0.0.0:80:80/sctp", ["0.0.0.0:80:80/sctp"]),
    ],
)
def test_short_form(text, shown):
    """Addresses, ranges, protocols; a range of container ports is one mapping each."""
    assert [show(port) for port in short(text)] == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("80:x", "is not a port"),
        ("", "is not a port"),
        ("-1", "is not a port"),
        ("0:0", "from 1 to 65535"),
        ("70000:80", "from 0 to 65535"),
        ("3-1", "is not a port or range"),
        ("1-3:1-2", "maps 3 host ports to 2 container ports"),
        ("1-60000", "range of more than 1024"),
        ("999.1.1.1:80:80", "is not an IP address"),
        ("80/xx", "is not a protocol"),
        ("::1:80:80", "is not a port"),
        ("80:80:80", "is not a port"),
        ("٣:80", "is not a port"),
    ],
)
def test_what_is_no_port_is_refused(text, why):
    """The reason says what is wrong with it."""
    with pytest.raises(ValueError, match=why):
        short(text)


def test_the_canonical_form_is_composes():
    """As `docker compose config` prints a mapping."""
    assert service(git("ports: ['127.0.0.1:8080:80']"))["ports"] == [
        {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp", "host_ip": "127.0.0.1"}
    ]


def test_havens_map_is_host_to_container():
    """Haven's map of host port to container port, an address and a range with it, is never turned round."""
    layer = git("ports:\n  8761: 8762\n  '127.0.0.1:53': 53/udp\n  1000-1001: 2000-2001\n")
    assert [show(port) for entry in layer.entries for port in entry.value] == [  # type: ignore[union-attr]
        "8761:8762/tcp",
        "127.0.0.1:53:53/udp",
        "1000:2000/tcp",
        "1001:2001/tcp",
    ]


def test_long_form():
    """Every field comes out again."""
    port = {"name": "web", "mode": "host", "target": 80, "published": "8080", "protocol": "udp", "app_protocol": "http"}
    assert service(form(ports=[{**port, "x-note": {"a": 1}}]))["ports"] == [{**port, "x-note": {"a": 1}}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ports: [{published: 80}]", "web.yml:1: ports/0: has no target"),
        ("ports: [{target: 80, publish: 80}]", "has the unknown key publish; did you mean published?"),
        ("ports: [{target: 80, mode: both}]", "mode"),
        ("ports: [{target: 80-81}]", "takes one target"),
        ("ports:\n  - 80:80\n  - 80:x", 'web.yml:3: ports/1: "80:x" is not a port'),
        ("ports: [[80]]", "takes one value"),
        ("ports: [!reset 80]", "is for a whole list"),
        ("ports: {80: {a: 1}}", "has the unknown key a"),
    ],
)
def test_faults_point_at_the_item(text, why):
    """`ports/1`, with its line."""
    assert why in faults(text)[0]


def test_a_stronger_layer_replaces_the_mappings_of_a_container_port():
    """Keyed by container port and protocol; all mappings of one layer for one port stand together."""
    weak = git("ports: ['80:80', '81:80', '53:53', '53:53/udp']")
    strong = form(ports=["8080:80"])
    assert [show(p) for p in service(weak, strong)["ports"]] == ["8080:80/tcp", "53:53/tcp", "53:53/udp"]  # type: ignore[arg-type,attr-defined]


def test_a_mapping_twice_counts_once():
    """Equal mappings of one list are one."""
    assert len(service(git("ports: [80:80, '80:80/tcp']"))["ports"]) == 1  # type: ignore[arg-type]


def test_what_compose_rendered_is_taken_whole():
    """Published ranges of any size, as Compose prints them."""
    ports = [{"mode": "ingress", "target": 90, "published": "9000-19000", "protocol": "tcp"}]
    assert service(compose(ports=ports))["ports"] == ports
