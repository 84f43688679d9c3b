"""Placements: decided in Citadel's words, kept by one compare-and-swap, and never twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.fleet import Cluster, Cordon
from appserver.core.placement.place import place
from appserver.core.placement.placed import Asked
from appserver.core.placement.request import Claim, Request
from appserver.core.placement.values import Image, Port
from appserver.errors import Conflict, Forbidden, Invalid, NoPlacement, NotFound, StoreError, TooLarge
from appserver.services.placements import Places
from appserver.services.placements_commit import Given, Group, Placing, Refused
from appserver.services.placements_ground import Grounds
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import START
from tests.unit.appserver.services.berth import ANN, REDIS, VIC, Berth, asks, on

HALF = Claim(0.2, 512 << 20)


@pytest.fixture
def berth() -> Berth:
    """Two nodes of four cores."""
    found = Berth()
    found.node("n1")
    found.node("n2")
    return found


def test_a_container_gets_a_node_and_its_room_is_kept(berth: Berth) -> None:
    """Claim and record are there together; the answer has the engine in Citadel's units."""
    found = berth.server()(ANN, asks(replace(REDIS, container_name="web")))
    (place,) = found.places
    assert (place.holder, place.name, place.engine.id, found.again) == ("default/web", "web", "n1", False)
    assert (place.engine.addr, place.engine.cpus, place.engine.memory) == ("n1:8090", 4, 8192)
    assert berth.held("n1") == {"default/web": HALF}
    record = berth.record("web")
    assert record and (record.node, record.image, record.by) == ("n1", "crosbymichael/redis:latest", "ann")
    assert berth.listed() == {"default/web": "promised"}
    assert berth.desk.entries() == [("ann", "place", "placement:default/web", "ok")]


def test_nothing_is_placed_on_a_cluster_that_is_being_deleted(berth: Berth) -> None:
    """Nor on what was looked at before somebody began to delete it; put on record anew, it takes containers again."""
    server = berth.server()
    server(ANN, asks())
    berth.kv.commit({}, {keys.cluster("default"): encode(Cluster("default", going=True))})
    before = berth.kv.snapshot("reservations/", "placements/").items
    for ask in (server, berth.server("two"), server.explain):
        with pytest.raises(Conflict, match="cluster default is being deleted"):
            ask(ANN, asks())
    assert berth.kv.snapshot("reservations/", "placements/").items == before
    berth.kv.commit({}, {keys.cluster("default"): encode(Cluster("default"))})
    assert server(ANN, asks()).places


def test_containers_without_a_name_get_one_each(berth: Berth) -> None:
    """After their image, and never the same."""
    server = berth.server()
    assert [on(server(ANN, asks()))[0] for _ in range(3)] == [
        ("redis-00000000", "n1"), ("redis-00000001", "n2"), ("redis-00000002", "n1"),
    ]  # fmt: skip


def test_a_group_is_placed_whole_or_not_at_all(berth: Berth) -> None:
    """Each of it has a holder's name of its own."""
    server = berth.server()
    found = server(ANN, asks(replace(REDIS, cpus=1, container_name="web"), count=3))
    assert on(found) == [("web-1", "n1"), ("web-2", "n2"), ("web-3", "n1")]
    before = berth.kv.snapshot("reservations/", "placements/").items
    with pytest.raises(NoPlacement, match=r"5 of 6 have room") as error:
        server(ANN, asks(replace(REDIS, cpus=1), count=6))
    assert error.value.reasons == {"n1": "needs 1 cpus, 0 free", "n2": "needs 1 cpus, 0 free"}
    assert berth.kv.snapshot("reservations/", "placements/").items == before


def test_asking_again_by_the_same_name_changes_nothing(berth: Berth) -> None:
    """A caller who did not hear the answer asks again, perhaps another app server."""
    wanted = asks(replace(REDIS, container_name="web"), count=2)
    first = berth.server()(ANN, wanted)
    before = berth.kv.snapshot("reservations/", "placements/").revision_of("reservations/n1")
    again = berth.server("two")(ANN, wanted)
    assert (again.places, again.again) == (first.places, True)
    assert berth.kv.snapshot("reservations/n1").revision_of("reservations/n1") == before
    with pytest.raises(Conflict, match=r"web-1, web-2 has a place already, and was asked for otherwise"):
        berth.server()(ANN, asks(replace(REDIS, container_name="web", cpus=1), count=2))


def test_the_key_of_a_request_does_the_same_without_a_name(berth: Berth) -> None:
    """Of one caller: another's key is another request."""
    server = berth.server()
    first, again = server(ANN, asks(key="k1")), server(ANN, asks(key="k1"))
    assert (first.places, again.again) == (again.places, True)
    assert server(replace(ANN, name="olga"), asks(key="k1")).places != first.places


def test_a_name_that_a_container_has_is_not_given_again(berth: Berth) -> None:
    """Whosever it is: by its name a container is known."""
    berth.runs("web", "n2", application="default.shop")
    with pytest.raises(Conflict, match="there is a container web on the cluster already"):
        berth.server()(ANN, asks(replace(REDIS, container_name="/web")))


def test_what_is_promised_is_there_for_others(berth: Berth) -> None:
    """Before the container came: a unique image is alone, a port is taken, an affinity is met."""
    server = berth.server()
    unique = replace(REDIS, type="unique")
    assert [node for _ in range(2) for _, node in on(server(ANN, asks(unique)))] == ["n1", "n2"]
    with pytest.raises(NoPlacement, match="runs crosbymichael/redis:latest already, as redis-0000000"):
        server(ANN, asks(unique))
    port = Image("web", bind_ports=(Port("tcp", "", 80, 80),))
    assert on(server(ANN, asks(replace(port, container_name="front")))) == [("front", "n1")]
    assert on(server(ANN, asks(port)))[0][1] == "n2"
    beside = Image("side", affinities=("container==front",))
    assert {on(server(ANN, asks(beside)))[0][1] for _ in range(3)} == {"n1"}


def test_containers_that_agents_see_count_as_what_they_are(berth: Berth) -> None:
    """Images held, slots, containers to be near: from their records."""
    berth.node("n3", containerslots="2")
    berth.runs("shop-db-1", "n3", application="default.shop", image="postgres:16")
    server = berth.server()
    assert on(server(ANN, asks(Image("y", affinities=("image==postgres*",), container_name="a"))))[0][1] == "n3"
    found = server.explain(VIC, asks(Image("postgres:16", type="image")))
    assert found.refused == {
        "n1": "does not hold the image postgres:16",
        "n2": "does not hold the image postgres:16",
        "n3": "has no slot left of 2",
    }


def test_a_copy_of_an_application_is_known_by_its_containers_name(berth: Berth) -> None:
    """Its record has the node behind it, since the others are called the same."""
    berth.runs("shop-db-1.n2", "n2", application="default.shop")
    beside = Image("side", affinities=("container==shop-db-1",))
    assert on(berth.server()(ANN, asks(beside)))[0][1] == "n2"


def test_an_explanation_writes_nothing_and_says_everything(berth: Berth) -> None:
    """Scores of those that fit, each other node's first reason; and what would fit where nothing does."""
    berth.node("n3", cpus=1)
    before = berth.kv.snapshot("").items
    found = berth.server().explain(VIC, asks(replace(REDIS, cpus=2), count=3))
    assert found.nodes == {"n1": 2, "n2": 1} and found.engine and found.engine.id == "n1"
    assert found.refused == {"n3": "needs 2 cpus, 1 free"}
    assert found.placement and [score.node for score in found.placement.scores] == ["n1", "n2"]
    assert found.placement.scores[0].share == 0.5625
    nowhere = berth.server().explain(VIC, asks(replace(REDIS, cpus=5)))
    assert (nowhere.placement, nowhere.nearest) == (None, "n1 could take it with 4 cpus instead of 5")
    assert berth.kv.snapshot("").items == before


def test_nodes_that_are_away_or_closed_take_nothing(berth: Berth) -> None:
    """Each says why."""
    berth.kv.commit({}, {keys.cordon("n1"): encode(Cordon("olga", START, "disk"))}, [keys.alive("n2")])
    with pytest.raises(NoPlacement) as error:
        berth.server()(ANN, asks())
    assert error.value.reasons == {"n1": "cordoned by olga: disk", "n2": "its agent is away"}


def test_room_is_given_back(berth: Berth) -> None:
    """Claim and record go together, and the room is somebody else's at once."""
    server = berth.server()
    server(ANN, asks(replace(REDIS, cpus=4, container_name="big")))
    server(ANN, asks(replace(REDIS, cpus=4)))
    with pytest.raises(NoPlacement):
        server(ANN, asks())
    server.release(ANN, "default", "big")
    assert (berth.held("n1"), berth.record("big")) == ({}, None)
    assert on(server(ANN, asks()))[0][1] == "n1"
    with pytest.raises(NotFound, match="big has no place on default"):
        server.release(ANN, "default", "big")


def test_who_may_look_may_not_place(berth: Berth) -> None:
    """Refused, and on record."""
    server = berth.server()
    for attempt in (lambda: server(VIC, asks(REDIS)), lambda: server.release(VIC, "default", "web")):
        with pytest.raises(Forbidden):
            attempt()
    assert [entry[3] for entry in berth.desk.entries()] == ["refused", "refused"]
    assert not berth.kv.snapshot("reservations/").items


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (asks(replace(REDIS, type="nonsense")), "no scheduler for type 'nonsense'"),
        (asks(replace(REDIS, constraints=("zone=a",))), "is not label==value"),
        (asks(count=0), "is a number between 1 and 1000"),
        (asks(count=1001), "is a number between 1 and 1000"),
        (replace(asks(), cluster="../x"), "cluster: names are"),
        (replace(asks(), cluster="harbour"), "cluster: harbour is a swarm"),
    ],
)
def test_what_cannot_be_decided_is_refused(berth: Berth, wanted: object, why: str) -> None:
    """With the place and the reason; nothing is written."""
    berth.kv.commit({}, {keys.cluster("harbour"): encode(Cluster("harbour", "swarm"))})
    before = berth.kv.snapshot("reservations/", "placements/").items
    with pytest.raises(Invalid) as error:
        berth.server()(ANN, wanted)  # type: ignore[arg-type]
    assert why in str(error.value)
    assert berth.kv.snapshot("reservations/", "placements/").items == before


class Meddled(MemoryKV):
    """A store in which somebody else is quicker so many times. `then` is what the quicker one does."""

    times = 0
    most_ops = 4096
    lose_answer = False

    def commit(
        self, expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int:
        if self.times and any(key.startswith("placements/") for key in puts):
            self.times -= 1
            for key in [key for key in puts if key.startswith("reservations/")]:
                super().commit({}, {key: self.snapshot(key).items[key].value if self._is(key) else '{"holders":{}}'})
        if max(len(expect), len(puts)) > self.most_ops:
            raise TooLarge("the transaction has more operations than etcd takes (--max-txn-ops)")
        done = super().commit(expect, puts, deletes, lease)
        if self.lose_answer and any(key.startswith("placements/") for key in puts):
            self.lose_answer = False
            raise StoreError("whether it was written is not known")
        return done

    def _is(self, key: str) -> bool:
        return key in self.snapshot(key).items


@pytest.fixture
def meddled() -> tuple[Berth, Meddled]:
    found = Berth()
    found.desk.kv = kv = Meddled(now=found.desk.clock.seconds)
    kv.commit({}, {keys.cluster("default"): encode(Cluster("default"))})
    found.node("n1")
    found.node("n2")
    return found, kv


def test_who_was_slower_decides_again(meddled: tuple[Berth, Meddled]) -> None:
    """From fresh state, as often as it takes within bounds; then the caller is told to come again."""
    berth, kv = meddled
    kv.times = 5
    assert on(berth.server()(ANN, asks(replace(REDIS, container_name="web")))) == [("web", "n1")]
    assert kv.times == 0
    kv.times = 1000
    with pytest.raises(Conflict, match="reservations on default keep changing"):
        berth.server()(ANN, asks())


def test_nobody_is_refused_for_what_was_not_committed(meddled: tuple[Berth, Meddled]) -> None:
    """Three ask together where two have room, and others are quicker at first. Who is refused is told by what."""
    berth, kv = meddled
    kv.times = 1
    placing = Placing(kv=kv, clock=berth.desk.clock, grounds=Grounds(kv, berth.desk.clock.seconds), own="one")
    groups = [Group((Request(f"default/{n}", Claim(3.0, 1), name=n),), Asked(START, "ann")) for n in "abc"]
    *given, refused = placing("default", groups)
    assert kv.times == 0 and all(isinstance(one, Given) for one in given)
    assert isinstance(refused, Refused)
    with pytest.raises(NoPlacement) as told:
        place(groups[2].requests[0], refused.ground.all())
    assert {*told.value.reasons} == {"n1", "n2"}


def test_an_answer_that_was_lost_is_found_by_asking_again(meddled: tuple[Berth, Meddled]) -> None:
    """The store wrote, and its answer did not come: the same request has its place, once."""
    berth, kv = meddled
    kv.lose_answer = True
    wanted = asks(replace(REDIS, container_name="web"))
    with pytest.raises(StoreError, match="not known"):
        berth.server()(ANN, wanted)
    assert berth.server()(ANN, wanted).again
    assert berth.held("n1").keys() | berth.held("n2").keys() == {"default/web"}


def test_transactions_are_as_large_as_the_store_takes(meddled: tuple[Berth, Meddled]) -> None:
    """Where nobody raised etcd's limit: smaller ones for many, and a reason for a group that cannot be parted."""
    berth, kv = meddled
    kv.most_ops = 128
    server = berth.server()
    small = Image("small", cpus=0.001, memory=1)
    assert len(server(ANN, asks(small, count=50)).places) == 50
    with pytest.raises(TooLarge, match="--max-txn-ops"):
        server(ANN, asks(small, count=200))
    results = at_once([lambda: server(ANN, asks(small)) for _ in range(60)])
    assert sum(isinstance(one, Places) for one in results) == 60


def test_those_who_wait_together_are_placed_together(berth: Berth) -> None:
    """Many threads of one app server, of whom one asks for what nobody can evaluate, and two for one name."""
    server = berth.server()
    good = [asks(Image("small", cpus=0.01, memory=1)) for _ in range(40)]
    bad = asks(Image("small", constraints=("=",)))
    same = [asks(Image("small", cpus=0.01, container_name="same")) for _ in range(2)]
    results = at_once([lambda one=one: server(ANN, one) for one in (*good, bad, *same)])  # type: ignore[misc]
    assert [type(one) for one in results].count(Invalid) == 1
    assert [type(one) for one in results].count(Places) == 42
    assert [one.again for one in results[-2:]].count(True) == 1  # type: ignore[attr-defined]
    assert len({*berth.held("n1"), *berth.held("n2")}) == 41


def at_once(calls: Sequence[object]) -> list[object]:
    """Answers or errors, in order; every call begins at the same moment."""
    results: list[object] = [None] * len(calls)
    ready = Barrier(len(calls))

    def run(number: int) -> None:
        ready.wait()
        try:
            results[number] = calls[number]()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - every one is looked at
            results[number] = error

    threads = [Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
