"""From what a proxy has to what it is to have: what is new first, and nothing is cut off."""

from __future__ import annotations

from appserver.core.proxying import ProxyState, Server, acts, assigned, draining, prefix_of, short_of, unknown
from appserver.core.routes import Route, Upstream

ONE, TWO = Upstream("n1.aaaaaaaaaaaa.1", "10.0.0.1", 1), Upstream("n2.bbbbbbbbbbbb.2", "10.0.0.2", 2)
READY = Server("10.0.0.1", 1)
EMPTY = ProxyState({}, {"route0": {}, "route1": {}})
SHOP = Route("shop.example", "/", "default.shop", (ONE,))
HAS_ONE = ProxyState({"shop.example/": "route0"}, {"route0": {ONE.name: READY}, "route1": {}})


def told(state: ProxyState, *table: Route, not_yet: tuple[str, ...] = ()) -> list[str]:
    return [
        " ".join(part for part in (a.do, a.backend, a.prefix, a.upstream.name) if part)
        for a in acts(state, table, not_yet)
    ]


def test_a_prefix_ends_in_a_slash() -> None:
    """So that /api does not begin /apis."""
    assert prefix_of(SHOP) == "shop.example/"
    assert prefix_of(Route("shop.example", "/api", "a.b")) == "shop.example/api/"


def test_a_new_route_has_its_servers_before_it_is_pointed_at() -> None:
    assert told(EMPTY, SHOP) == [f"add route0 {ONE.name}", "point route0 shop.example/"]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    assert told(HAS_ONE, SHOP) == []


def test_the_new_one_comes_before_the_old_one_leaves() -> None:
    moved = Route("shop.example", "/", "default.shop", (TWO,))
    assert told(HAS_ONE, moved) == [f"add route0 {TWO.name}", f"drain route0 {ONE.name}", f"remove route0 {ONE.name}"]


def test_a_new_one_that_does_not_answer_yet_is_not_asked_and_the_old_one_stays_for_so_long() -> None:
    moved = Route("shop.example", "/", "default.shop", (TWO,))
    assert told(HAS_ONE, moved, not_yet=(TWO.name,)) == []
    assert draining(HAS_ONE, [moved]) == ("a" * 12,), "whoever wants to stop it is told to wait"
    both = Route("shop.example", "/", "default.shop", (ONE, TWO))
    assert told(HAS_ONE, both, not_yet=(TWO.name,)) == []


def test_one_that_leaves_goes_when_it_has_answered() -> None:
    busy = Server("10.0.0.1", 1, "draining", sessions=3)
    state = ProxyState({"shop.example/": "route0"}, {"route0": {ONE.name: busy}})
    nobody = Route("shop.example", "/", "default.shop")
    assert told(state, nobody) == []
    assert draining(state, [nobody]) == ("a" * 12,)
    assert told(state, SHOP) == [f"ready route0 {ONE.name}"], "it came back: it is asked again"


def test_a_route_that_goes_frees_its_backend_once_that_is_empty() -> None:
    assert told(HAS_ONE) == ["unpoint shop.example/", f"drain route0 {ONE.name}", f"remove route0 {ONE.name}"]
    left = ProxyState({}, {"route0": {ONE.name: READY}})
    assert assigned(left, [SHOP]) == {}
    assert short_of(left, [SHOP]) == 1
    assert short_of(HAS_ONE, [SHOP, Route("x.example", "/", "a.b")]) == 0


def test_a_node_with_another_address_is_another_server() -> None:
    moved = Route("shop.example", "/", "default.shop", (Upstream(ONE.name, "10.0.0.9", 1),))
    assert told(HAS_ONE, moved) == [f"drain route0 {ONE.name}", f"remove route0 {ONE.name}"]
    assert unknown(HAS_ONE, [moved]) == moved.upstreams
    assert unknown(HAS_ONE, [SHOP]) == ()
