"""An application moved between clusters: begun, carried on by whichever app server, undone, refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appserver.core.access import Caller
from appserver.core.containers import EngineInfo, SwarmMember
from appserver.core.entities import AppKey, Application, Desired, Observed
from appserver.core.fleet import Cluster, Node
from appserver.core.placement.request import Reservation
from appserver.core.routes import Applied, Endpoint, Held, Serving
from appserver.errors import Conflict, Forbidden, Invalid, NoPlacement, NotFound
from appserver.services.routes_claims import Claims
from appserver.services.transfers import Transfers
from appserver.services.transfers_run import TransfersRun
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.unit.appserver.services.yard import BLOG, SHOP, Yard

THERE = AppKey("harbour", "shop")
EXPOSE = {"service": "web", "port": 80, "host": "shop.example"}


class Quay:
    """A yard with a second cluster, whose node is m1."""

    def __init__(self, kind: str = "engines") -> None:
        self.yard = Yard("n1", "n2")
        self.kv, desk = self.yard.kv, self.yard.desk
        self.kv.commit({}, {keys.cluster("harbour"): encode(Cluster("harbour", kind=kind))})  # type: ignore[arg-type]
        member = SwarmMember("c1", "s1", True) if kind == "swarm" else None
        node = Node("m1", "m1:8090", "harbour", engine=EngineInfo("26", 8, 8 << 30, swarm=member))
        self.kv.commit({}, {keys.node("m1"): encode(node), keys.alive("m1"): "m1"})
        claims = Claims(self.kv)
        self.transfers = Transfers(
            kv=self.kv,
            observer=self.yard.observer,
            claims=claims,
            access=desk.access,
            audit=desk.audit,
            events=desk.events,
            clock=desk.clock,
        )
        self.duty = TransfersRun(kv=self.kv, claims=claims, audit=desk.audit, events=desk.events, clock=desk.clock)

    def deployed(self, port: str = "80", **run: object) -> None:
        self.yard.spread(SHOP, port, **run)
        self.yard.end(SHOP, "done")

    def begin(self) -> str:
        return self.transfers.begin(self.yard.root, SHOP, "harbour").transfer.phase

    def look(self) -> str:
        """As far as it goes without waiting; the state then."""
        before = ""
        while (now := self.transfers.show(self.yard.root, SHOP).transfer.phase) != before:
            before = now
            self.duty.look()
        return now

    def there(self) -> Application | None:
        stored = read(self.kv, keys.application(THERE), Application)
        return stored.record if stored else None

    def route(self) -> str:
        stored = read(self.kv, keys.route("shop.example"), Held)
        return stored.record.paths.get("/", "") if stored else ""

    def serves(self, key: AppKey, node: str) -> None:
        said = Serving((Endpoint("c" * 12, "shop.example", "/", 80),))
        self.kv.commit({}, {keys.serving(node, key): encode(said)})

    def proxy(self, serving: int, routes: int = 0) -> None:
        """One that follows the table, and how far it is."""
        self.kv.commit({}, {keys.proxy("front"): encode(Applied(serving, (), routes))})

    def says(self, key: AppKey, phase: str, node: str) -> None:
        """As `Yard.tell`, of phases that end no revision."""
        wanted = read(self.kv, keys.desired(node, key), Desired)
        assert wanted
        told = Observed(wanted.revision, 0, phase, self.yard.desk.clock.now())  # type: ignore[arg-type]
        self.kv.commit({}, {keys.observed(node, key): encode(told)})


@pytest.fixture
def quay() -> Quay:
    """The shop is up in `default`, on n1."""
    made = Quay()
    made.deployed()
    return made


def test_the_plan_says_what_comes_and_what_goes_and_writes_nothing(quay: Quay) -> None:
    before = quay.kv.snapshot("").revision
    plan = quay.transfers.plan(quay.yard.root, SHOP, "harbour")
    told = [str(step) for step in plan.steps]
    assert told == [
        "web: create — from default, on m1",
        "web in default: remove — once all of it is up in harbour",
    ]
    assert (plan.nodes, plan.there.nodes, plan.diff) == (("n1",), ("m1",), "")
    assert quay.kv.snapshot("").revision == before


def test_it_comes_up_there_and_then_leaves_here(quay: Quay) -> None:
    assert quay.begin() == "arriving"
    assert quay.yard.runs(THERE, "m1") == ["running"]
    assert (quay.look(), quay.yard.runs(SHOP, "n1")) == ("arriving", ["running"])
    quay.yard.end(THERE, "done", "m1")
    assert (quay.look(), quay.yard.runs(SHOP, "n1")) == ("leaving", ["removed"])
    quay.yard.end(SHOP, "removed")
    assert quay.look() == "done"
    assert read(quay.kv, keys.application(SHOP), Application) is None
    there = quay.there()
    assert there and (there.revision, there.nodes) == (1, ("m1",))
    assert [one[1:] for one in quay.yard.desk.entries() if one[1] == "move"] == [
        ("move", "application:default.shop", "ok")
    ] * 2


def test_volumes_stay(quay: Quay) -> None:
    quay.begin()
    quay.yard.end(THERE, "done", "m1")
    quay.look()
    wanted = read(quay.kv, keys.desired("n1", SHOP), Desired)
    assert wanted and not wanted.record.remove_volumes


def test_where_it_does_not_come_up_nothing_changes_here(quay: Quay) -> None:
    quay.begin()
    before = quay.kv.snapshot(keys.desired("n1", SHOP)).items
    quay.yard.end(THERE, "failed", "m1")
    assert (quay.look(), quay.yard.runs(THERE, "m1")) == ("undoing", ["removed"])
    quay.yard.end(THERE, "removed", "m1")
    assert quay.look() == "failed"
    assert quay.there() is None
    assert quay.kv.snapshot(keys.desired("n1", SHOP)).items == before
    held = read(quay.kv, keys.reservation("m1"), Reservation)
    assert held and str(THERE) not in held.record.holders
    assert ("root", "move", "application:default.shop", "failed") in quay.yard.desk.entries()


def test_whoever_changes_it_meanwhile_keeps_it_here(quay: Quay) -> None:
    quay.begin()
    quay.yard.spread(SHOP, "81")
    quay.yard.end(THERE, "done", "m1")
    assert (quay.look(), quay.yard.runs(THERE, "m1"), quay.yard.runs(SHOP, "n1")) == (
        "undoing",
        ["removed"],
        ["running"],
    )


def test_two_app_servers_take_a_step_once(quay: Quay) -> None:
    """Both carry the record they read; what one wrote, the other does not write again."""
    quay.begin()
    quay.yard.end(THERE, "done", "m1")
    seen = quay.kv.snapshot(keys.MOVES)
    quay.look()
    wanted = quay.kv.snapshot(keys.desired("n1", SHOP)).revision_of(keys.desired("n1", SHOP))
    assert not quay.kv.commit({keys.move(SHOP): seen.revision_of(keys.move(SHOP))}, {keys.move(SHOP): "late"})
    quay.look()
    assert quay.kv.snapshot(keys.desired("n1", SHOP)).revision_of(keys.desired("n1", SHOP)) == wanted


def test_one_that_is_stopped_is_moved_stopped(quay: Quay) -> None:
    """And back again, though it never ran there."""
    quay.yard.lifecycle.stop(quay.yard.root, SHOP)
    quay.says(SHOP, "stopped", "n1")
    quay.begin()
    assert quay.yard.runs(THERE, "m1") == ["stopped"]
    assert quay.look() == "arriving"
    quay.says(THERE, "stopped", "m1")
    assert quay.look() == "leaving"
    quay.yard.end(SHOP, "removed")
    assert quay.look() == "done"
    back = quay.transfers.begin(quay.yard.root, THERE, "default")
    assert (back.transfer.stopped, back.transfer.to) == (True, "default")


def test_a_route_changes_hands_once_the_new_one_answers() -> None:
    """Until then it is the old one's; nobody else gets it in between."""
    quay = Quay()
    quay.deployed(expose=EXPOSE)
    quay.serves(SHOP, "n1")
    quay.begin()
    assert quay.route() == "default.shop"
    quay.yard.end(THERE, "done", "m1")
    assert (quay.look(), quay.route(), quay.yard.runs(SHOP, "n1")) == ("arriving", "default.shop", ["running"])
    with pytest.raises(Conflict, match=r"default\.shop's"):
        quay.yard.spread(BLOG, "82", expose=EXPOSE)
    quay.serves(THERE, "m1")
    quay.proxy(serving=1)
    assert (quay.look(), quay.route()) == ("arriving", "default.shop"), "the proxy knows of no server there"
    quay.proxy(serving=10_000)
    assert (quay.look(), quay.route(), quay.yard.runs(SHOP, "n1")) == ("passing", "harbour.shop", ["running"])
    quay.proxy(serving=10_000, routes=10_000)
    assert (quay.look(), quay.route(), quay.yard.runs(SHOP, "n1")) == ("leaving", "harbour.shop", ["removed"])
    with pytest.raises(Conflict, match=r"harbour\.shop's"):
        quay.yard.spread(BLOG, "82", expose=EXPOSE)


def test_a_route_goes_back_where_the_new_one_is_removed_meanwhile() -> None:
    quay = Quay()
    quay.deployed(expose=EXPOSE)
    quay.begin()
    quay.yard.end(THERE, "done", "m1")
    quay.proxy(serving=10_000)
    assert (quay.look(), quay.route()) == ("passing", "harbour.shop")
    quay.yard.lifecycle.delete(quay.yard.root, THERE)
    assert (quay.look(), quay.route(), quay.yard.runs(SHOP, "n1")) == ("failed", "default.shop", ["running"])


def test_a_route_stays_where_the_new_one_does_not_come_up() -> None:
    quay = Quay()
    quay.deployed(expose=EXPOSE)
    quay.begin()
    quay.yard.end(THERE, "failed", "m1")
    assert (quay.look(), quay.route()) == ("undoing", "default.shop")


def test_the_targets_own_refusal_is_the_plans(quay: Quay) -> None:
    """Here of a Swarm that has no manager on record."""
    quay.kv.commit({}, {keys.cluster("harbour"): encode(Cluster("harbour", kind="swarm"))})
    with pytest.raises(NoPlacement, match="m1: is no manager of the Swarm"):
        quay.transfers.plan(quay.yard.root, SHOP, "harbour")


def test_what_is_run_otherwise_in_a_swarm_is_told() -> None:
    quay = Quay("swarm")
    quay.yard.spread(SHOP, "80", replicas=2)
    quay.yard.tell(SHOP, "done")
    quay.yard.end(SHOP, "done", "n2")
    create, remove = quay.transfers.plan(quay.yard.root, SHOP, "harbour").steps
    assert ("deploy.replicas", None, "2") in [(one.option, one.before, one.after) for one in create.changes]
    assert (create.cause, remove.action) == ("from default, on m1; run otherwise there", "remove")


@pytest.mark.parametrize(
    ("to", "kind", "why"),
    [
        ("default", Invalid, "is where it is"),
        ("nowhere", NotFound, "there is no cluster nowhere"),
        ("racks", Invalid, "is a group"),
        ("all", Invalid, "reserved"),
        ("../x", Invalid, "names are"),
        ("desert", NoPlacement, "no nodes"),
    ],
)
def test_where_it_cannot_go_is_told(quay: Quay, to: str, kind: type[Exception], why: str) -> None:
    group = Cluster("racks", kind="group", selector=("rack==a",))
    quay.kv.commit({}, {keys.cluster("racks"): encode(group), keys.cluster("desert"): encode(Cluster("desert"))})
    for ask in (quay.transfers.plan, quay.transfers.begin):
        with pytest.raises(kind, match=why):
            ask(quay.yard.root, SHOP, to)
    assert not quay.kv.snapshot(keys.MOVES).items


def test_what_cannot_be_moved_now_is_refused(quay: Quay) -> None:
    with pytest.raises(NotFound, match=r"no application default\.blog"):
        quay.transfers.begin(quay.yard.root, BLOG, "harbour")
    quay.yard.spread(SHOP, "81")
    with pytest.raises(Conflict, match="is being rolled out"):
        quay.begin()
    quay.yard.end(SHOP, "done")
    quay.begin()
    with pytest.raises(Conflict, match="is being moved to harbour already"):
        quay.begin()
    with pytest.raises(Conflict, match="is being rolled out"):
        quay.transfers.begin(quay.yard.root, THERE, "default")


def test_a_name_that_is_taken_there_is_refused(quay: Quay) -> None:
    quay.yard.spread(THERE, "80")
    with pytest.raises(Conflict, match=r"there is an application harbour\.shop already"):
        quay.begin()


def test_one_that_never_came_up_is_not_moved() -> None:
    quay = Quay()
    quay.yard.spread(SHOP, "80")
    quay.yard.end(SHOP, "failed")
    with pytest.raises(Conflict, match="never came up"):
        quay.begin()


def test_a_plan_that_went_stale_is_not_carried_out(quay: Quay) -> None:
    token = quay.transfers.plan(quay.yard.root, SHOP, "harbour").token
    quay.yard.spread(SHOP, "81")
    quay.yard.end(SHOP, "done")
    with pytest.raises(Conflict, match="stale"):
        quay.transfers.begin(quay.yard.root, SHOP, "harbour", token)
    fresh = quay.transfers.plan(quay.yard.root, SHOP, "harbour").token
    assert quay.transfers.begin(quay.yard.root, SHOP, "harbour", fresh).operation.startswith("harbour.shop.1.")


def test_whoever_may_only_look_moves_nothing() -> None:
    quay = Quay()
    quay.deployed("8080")
    viewer = Caller("vic", "viewer")
    assert quay.transfers.plan(viewer, SHOP, "harbour").to == "harbour"
    with pytest.raises(Forbidden):
        quay.transfers.begin(viewer, SHOP, "harbour")
    assert ("vic", "move", "application:default.shop", "refused") in quay.yard.desk.entries()


def test_how_it_ended_is_known_for_a_day(quay: Quay) -> None:
    quay.begin()
    quay.yard.end(THERE, "failed", "m1")
    quay.look()
    quay.yard.end(THERE, "removed", "m1")
    quay.look()
    assert quay.begin() == "arriving", "one that is over is in nobody's way"
    quay.yard.end(THERE, "failed", "m1")
    quay.look()
    quay.yard.end(THERE, "removed", "m1")
    assert quay.look() == "failed"
    quay.yard.desk.clock.at += timedelta(days=1, seconds=1)
    quay.duty.look()
    with pytest.raises(NotFound, match="was not moved lately"):
        quay.transfers.show(quay.yard.root, SHOP)
