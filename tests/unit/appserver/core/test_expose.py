"""What `x-moorage.expose` may say, and what it makes of a project."""

from __future__ import annotations

from typing import Any

import pytest

from appserver.core.expose import Expose, read
from appserver.core.exposed import faults, with_ports
from appserver.core.options import options, options_text
from appserver.errors import Invalid

SHOP = {"service": "web", "port": 80, "host": "shop.example.net"}


def test_one_or_a_list_and_a_slash_at_the_end_makes_no_difference() -> None:
    one = Expose("web", 80, "shop.example.net")
    api = Expose("api", 8080, "shop.example.net", "/api/v1")
    assert options({"x-moorage": {"expose": SHOP}}).expose == (one,)
    said = [SHOP, {"service": "api", "port": 8080, "host": "shop.example.net", "path": "/api/v1/"}]
    read_both = options({"x-moorage": {"expose": said, "drain": "3s"}})
    assert (read_both.expose, read_both.drain_s) == ((one, api), 3.0)
    assert options_text(read_both)["expose"] == "shop.example.net/ to web:80, shop.example.net/api/v1 to api:8080"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("shop.example.net", "x-moorage.expose"),
        ([SHOP, SHOP], "x-moorage.expose.1"),
        ([SHOP, {**SHOP, "service": "other"}], "shop.example.net/ is exposed twice"),
        ([SHOP] * 65, "at most 64"),
        ([[SHOP]], "x-moorage.expose.0"),
        ({**SHOP, "hosts": "x"}, "x-moorage.expose.hosts"),
        ({"port": 80, "host": "a.b"}, "x-moorage.expose.service"),
        ({**SHOP, "port": "80"}, "x-moorage.expose.port"),
        ({**SHOP, "port": True}, "x-moorage.expose.port"),
        ({**SHOP, "port": 0}, "x-moorage.expose.port"),
        ({**SHOP, "port": 65536}, "x-moorage.expose.port"),
        ({**SHOP, "host": None}, "x-moorage.expose.host"),
        ({**SHOP, "path": 1}, "x-moorage.expose.path"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(said: Any, where: str) -> None:
    with pytest.raises(Invalid, match=where.replace(".", r"\.")):
        read("x-moorage.expose", said)


def test_the_engine_chooses_a_port_where_the_project_publishes_none_that_others_reach() -> None:
    """Two ports of one service are two; one that is published for all stays the only one."""
    exposes = (Expose("web", 80, "a.example"), Expose("web", 81, "b.example"), Expose("db", 5, "c.example"))
    chosen = [
        {"mode": "ingress", "protocol": "tcp", "target": 80},
        {"mode": "ingress", "protocol": "tcp", "target": 81},
    ]
    assert with_ports({"image": "x"}, "web", exposes) == {"image": "x", "ports": chosen}
    fixed = {"target": 80, "published": "8080", "protocol": "tcp"}
    assert with_ports({"ports": [fixed]}, "web", exposes)["ports"] == [fixed, chosen[1]]
    inner = {**fixed, "host_ip": "127.0.0.1"}
    assert with_ports({"ports": [inner]}, "web", exposes)["ports"] == [inner, *chosen]
    assert with_ports({"network_mode": "host"}, "web", exposes) == {"network_mode": "host"}
    assert with_ports({"image": "x"}, "other", exposes) == {"image": "x"}


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (None, "there is no service web"),
        ({"network_mode": "none"}, "no network of its own"),
        ({"network_mode": "service:db"}, "no network of its own"),
        ({"network_mode": "host"}, ""),
        ({}, ""),
    ],
)
def test_what_cannot_be_reached_is_told(service: dict[str, str] | None, why: str) -> None:
    project = {"services": {"web": service} if service is not None else {"api": {}}}
    found = faults((Expose("web", 80, "a.example"),), project)
    assert [told for _, told in found if why in told] if why else found == ()
