"""Which requests reach which containers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core.containers import ContainerState
from appserver.core.expose import Expose
from appserver.core.routes import (
    Applied,
    Endpoint,
    Held,
    Route,
    Serving,
    Upstream,
    address_of,
    endpoints,
    has_left,
    table,
)

WEB = ContainerState("a" * 64, "shop-web-1", "shop", "web", "running", "i", "sha", "h", published={80: 32768})
SHOP = Expose("web", 80, "shop.example")


@pytest.mark.parametrize(
    ("container", "port"),
    [
        (WEB, 32768),
        (replace(WEB, health="healthy"), 32768),
        (replace(WEB, health="starting"), 0),
        (replace(WEB, health="unhealthy"), 0),
        (replace(WEB, state="exited"), 0),
        (replace(WEB, state="restarting"), 0),
        (replace(WEB, published={}), 0),
        (replace(WEB, published={}, in_host_network=True), 80),
        (replace(WEB, service="db"), 0),
    ],
)
def test_a_container_takes_requests_while_it_is_up_and_well(container: ContainerState, port: int) -> None:
    found = endpoints([SHOP], [container])
    assert found == ((Endpoint("a" * 64, "shop.example", "/", port),) if port else ())


def test_a_container_that_is_about_to_be_stopped_takes_none() -> None:
    assert endpoints([SHOP], [WEB], but={WEB.id}) == ()


HELD = {"shop.example": Held({"/": "default.shop", "/api": "default.api"})}
NODES = {"n1": "10.0.0.1", "n2": "10.0.0.2"}


def serving(path: str = "/", container: str = "a" * 64) -> Serving:
    return Serving((Endpoint(container, "shop.example", path, 32768),))


def test_a_route_leads_to_every_node_that_serves_it() -> None:
    """Those that nobody serves are in the table too: who asks is told that nothing is up."""
    said = {("n2", "default.shop"): serving(), ("n1", "default.shop"): serving()}
    found = table(HELD, said, {*said}, NODES, {*NODES})
    both = (Upstream("n1.aaaaaaaaaaaa.32768", "10.0.0.1", 32768), Upstream("n2.aaaaaaaaaaaa.32768", "10.0.0.2", 32768))
    assert found == (Route("shop.example", "/", "default.shop", both), Route("shop.example", "/api", "default.api"))
    assert both[0].container == "a" * 12


def test_a_node_serves_what_is_wanted_of_it_and_nobody_elses() -> None:
    """Its word for an application that is not meant for it, or for a route that another has, counts for nothing."""
    said = {
        ("n1", "default.shop"): serving(),
        ("n2", "default.thief"): serving(),
        ("n2", "default.shop"): serving("/api"),
    }
    found = table(HELD, said, {("n2", "default.thief"), ("n2", "default.shop")}, NODES, {*NODES})
    assert [route.upstreams for route in found] == [(), ()]


def test_a_node_whose_agent_is_away_counts_while_no_other_serves() -> None:
    """Its containers may run on; where another has taken over, it is not asked."""
    said = {("n1", "default.shop"): serving(), ("n2", "default.shop"): serving()}
    assert [one.name[:2] for one in table(HELD, said, {*said}, NODES, {"n2"})[0].upstreams] == ["n2"]
    assert [one.name[:2] for one in table(HELD, said, {*said}, NODES, ())[0].upstreams] == ["n1", "n2"]


@pytest.mark.parametrize(
    ("ip", "address", "found"),
    [
        ("10.0.0.1", "node.example:8090", "10.0.0.1"),
        ("", "10.0.0.2:8090", "10.0.0.2"),
        ("", "[fd00::2]:8090", "fd00::2"),
        ("", "node.example:8090", ""),
        ("10.0.0.1\n  server evil 6.6.6.6:80", "x:1", ""),
        ("10.0.0.1:80 backup", "127.0.0.1", ""),
    ],
)
def test_what_is_no_address_is_none(ip: str, address: str, found: str) -> None:
    assert address_of(ip, address) == found


def test_a_container_has_left_when_every_proxy_has_read_it_and_has_its_answers() -> None:
    gone, slow, busy = Applied(9), Applied(8), Applied(9, ("a" * 12,))
    assert has_left(["a" * 64], 9, []) == (True, True)
    assert has_left(["a" * 64], 9, [gone, gone]) == (True, True)
    assert has_left(["a" * 64], 9, [gone, slow]) == (False, True)
    assert has_left(["a" * 64], 9, [gone, busy]) == (True, False)
    assert has_left(["b" * 64], 9, [busy]) == (True, True)
