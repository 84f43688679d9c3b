"""Placement over a real etcd: many schedulers at once, none of them overcommits, and what they leave is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from threading import Event

import pytest

from appserver.adapters.clock import SystemClock
from appserver.adapters.etcd import Etcd
from appserver.core.placement.place import place
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.errors import NoPlacement
from appserver.services.duties import Duties, FencedDuty
from appserver.services.events import Events
from appserver.services.placements_ends import Ends
from appserver.services.placements_ground import DUTY, Grounds
from appserver.store import keys
from tests.lab.etcd import Cluster
from tests.lab.scheduling import Store, Work, at_once, begun, furnish, overcommitted
from tests.lab.wait import wait_until

GIB = 1 << 30
SCHEDULERS = 8
_numbers = count(1)


@pytest.fixture
def store(etcd_server: Cluster) -> Store:
    """Keys of this test alone, for whoever is to reach them."""
    return Store(etcd_server.endpoints, f"/placing-{os.getpid()}-{next(_numbers)}/")


@pytest.fixture
def kv(store: Store) -> Iterator[Etcd]:
    with store.client() as client:
        yield client


def asks(name: str, claim: Claim, **kind: object) -> Request:
    return Request(f"default/{name}", claim, **{"name": name, "image": "web:1", **kind})  # type: ignore[arg-type]


def mixed(number: int, count: int) -> list[Request]:
    """Sizes as containers have them; some want a port, a GPU, a zone, or to be the only one of an image on a node."""
    random, found = Random(number), []
    for n in range(count):
        ports = (("", str(random.randrange(8000, 8020)), "tcp"),) if random.random() < 0.1 else ()
        counted = {"gpus": 1} if random.random() < 0.05 else {}
        claim = Claim(random.choice([0.1, 0.25, 0.5, 1]), random.choice([1, 2, 4]) * GIB // 4, ports, counted)
        kind: dict[str, object] = {"constraints": (f"zone==z{n % 2}",)} if random.random() < 0.2 else {}
        if random.random() < 0.03:
            kind = {"type": "unique", "image": f"only:{random.randrange(4)}"}
        found.append(asks(f"s{number}-{n}", claim, **kind))
    return found


def works(requests: list[Request]) -> Work:
    """One by one at first, as people ask; then in batches, as app servers find them waiting."""
    return [*([one] for one in requests[:25]), *(requests[at : at + 20] for at in range(25, len(requests), 20))]


def fleet(number: int) -> list[Candidate]:
    return [Candidate(f"n{n:02}", 16, 32 * GIB, {"zone": f"z{n % 2}", "resource.gpus": "4"}) for n in range(number)]


@pytest.mark.parametrize("strategy", ["spread", "binpack"])
def test_eight_schedulers_at_once_promise_nothing_twice(store: Store, kv: Etcd, strategy: Strategy) -> None:
    """1,000 placements: no amount, port or name twice; of those that had room fewer than one in a hundred refused."""
    furnish(kv, fleet(40), strategy, SCHEDULERS)
    asked = {number: mixed(number, 125) for number in range(SCHEDULERS)}
    told = at_once(store, [works(asked[number]) for number in range(SCHEDULERS)])
    assert overcommitted(kv) == []
    given = {holder: node for one in told for holder, node in one.given.items()}
    records = Grounds(kv)("default").all()
    assert given == {holder: node.name for node in records for holder in node.reserved}
    refused = {holder for one in told for some in one.others.values() for holder in some}
    wanted = {one.holder: one for some in asked.values() for one in some}
    assert len(given) + len(refused) == 1000
    assert sum(has_room(wanted[holder], records, strategy) for holder in refused) < 10
    assert sum(one.conflicts for one in told) > 0, "nobody met anybody: this test tests nothing"


def has_room(wanted: Request, nodes: tuple[Candidate, ...], strategy: Strategy) -> bool:
    try:
        return bool(place(wanted, nodes, strategy).node)
    except NoPlacement:
        return False


def test_all_room_is_given_and_no_more(store: Store, kv: Etcd) -> None:
    """Twice as much is asked for as there is, by eight at once: the last container that fits gets its place."""
    furnish(kv, [Candidate(f"n{n}", 4, 8 * GIB) for n in range(10)], "spread", SCHEDULERS)
    each = [[asks(f"s{number}-{n}", Claim(1)) for n in range(10)] for number in range(SCHEDULERS)]
    told = at_once(store, [[[one] for one in some] if n % 2 else [some] for n, some in enumerate(each)])
    assert overcommitted(kv) == []
    assert sum(len(one.given) for one in told) == 40
    assert {kind for one in told for kind in one.others} == {"Refused"}


def test_schedulers_that_die_leave_nothing_half_done(store: Store, kv: Etcd) -> None:
    """Killed in the middle: every record has its claim and every claim its record. The rest is for the lease."""
    furnish(kv, fleet(20), "spread", 4)
    endless = [[[asks(f"s{number}-{n}", Claim(0.01, 1 << 20))] for n in range(5000)] for number in range(4)]
    with begun(store, endless) as (processes, _):
        wait_until(lambda: len(kv.snapshot(keys.PLACEMENTS).items) > 50, "schedulers are at work")
        for process in processes:
            process.kill()
            process.join()
    assert overcommitted(kv) == []
    left = len(kv.snapshot(keys.PLACEMENTS).items)
    assert left > 50
    kv.commit({}, {}, list(kv.snapshot(f"leader/{DUTY}/").items))
    with duty(kv):
        wait_until(lambda: not kv.snapshot(keys.PLACEMENTS).items, "room that nobody came for is given back", 30)
    assert all(not node.reserved for node in Grounds(kv)("default").all())


def test_the_lease_is_kept_by_whoever_leads(store: Store, kv: Etcd) -> None:
    """The duty goes to another app server when the one that had it is gone."""
    furnish(kv, fleet(1))
    for number in range(2):
        at_once(store, [[[asks(f"web{number}", Claim(1))]]])
        with duty(kv):
            wait_until(lambda: not kv.snapshot(keys.PLACEMENTS).items, "its room is given back")
    told = [item.value for item in kv.snapshot("events/").items.values()]
    assert [f"nothing came for what default/web{n} holds of n00" in told[n] for n in range(2)] == [True, True]


@contextmanager
def duty(kv: Etcd) -> Iterator[None]:
    """An app server that stands for the duty, for as long as the block lasts."""
    ends, stop = Ends(kv=kv, events=Events(kv=kv, clock=SystemClock()), every_s=0.1), Event()
    threads = Duties(kv=kv, value="test", duties=[FencedDuty(DUTY, ends.run)]).start(stop)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def test_who_stands_for_the_duty_is_who_schedules(store: Store, kv: Etcd) -> None:
    """Nodes are parted among those in the line, by what each calls itself there."""
    furnish(kv, fleet(4))
    stop = Event()
    duties = [FencedDuty(DUTY, lambda over, _: bool(over.wait()), f"server-{number}") for number in range(2)]
    threads = [Duties(kv=kv, value="test", duties=[one]).start(stop)[0] for one in duties]
    both = ("server-0", "server-1")
    wait_until(lambda: Grounds(kv)("default").schedulers == both, "both stand in the line")
    stop.set()
    for thread in threads:
        thread.join(10)
    assert Grounds(kv)("default").schedulers == ()
