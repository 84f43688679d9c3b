"""Keeping a claim: what others are told of it, what is done where the store allows less, and who this process is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.agent.handshake_claim import Claims, Held, Self
from appserver.agent.handshake_init import Init
from appserver.agent.handshake_self import ip_of, is_dead, this_run, ticks
from appserver.agent.lanes import Turn
from appserver.agent.wishes import Wish, Wishes
from appserver.core.entities import AppKey, Desired
from appserver.errors import ComposeError, Denied, EngineError
from appserver.store import keys
from tests.fakes import HandClock
from tests.lab.wait import wait_until

AGAIN_S = 0.7
"""Longer than the pause between two tries."""


class Strict(MemoryKV):
    """An etcd that lets an agent write `alive/` alone."""

    strict = True
    refused = 0

    def commit(self, expect, puts, deletes=(), lease=0):
        if self.strict and any(key.startswith("machines/") for key in puts):
            self.refused += 1
            raise Denied("etcd does not let this user")
        return super().commit(expect, puts, deletes, lease)


class Reviving(MemoryKV):
    """An etcd that was away for longer than a lease: its client has given that up, and it counts its time anew."""

    @contextmanager
    def lease(self, ttl_s):
        yield self._new_lease(None)

    def revive(self, lease_id: int) -> None:
        self._leases[lease_id].lost.set()


class Denying(Strict, Reviving):
    """Both."""


@contextmanager
def claiming(
    kv: MemoryKV, who: Self | None = None, said: list[str] | None = None, held: Callable[[Held], None] | None = None
) -> Iterator[Claims]:
    """Without `who`, this process as an agent tells of it."""
    told: list[str] = [] if said is None else said
    claims = Claims(kv, HandClock(), who or real(), told.append, 10, AGAIN_S)
    stop = Event()

    def hold(one: Held) -> None:
        while not one.over():
            stop.wait(0.01)

    thread = Thread(target=claims.run, args=(stop, held or hold))
    thread.start()
    try:
        yield claims
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


def real() -> Self:
    return this_run("n1", "10.0.0.1:8090", "", HandClock().now)


def nowhere() -> Self:
    """Nobody knows an address of it."""
    who = real()
    return replace(who, made=lambda: replace(who.made(), ip=""))


def tenure(claims: Claims, patience_s: float = 5.0) -> Event | None:
    stop = Event()
    timer = Timer(patience_s, stop.set)
    timer.start()
    try:
        return claims.wait(stop)
    finally:
        timer.cancel()


def lease_of(kv: MemoryKV) -> int:
    item = kv.snapshot(keys.alive("n1")).items.get(keys.alive("n1"))
    return item.lease if item else 0


def value(kv: MemoryKV, key: str) -> str | None:
    item = kv.snapshot(key).items.get(key)
    return item.value if item else None


def test_the_claim_is_there_while_it_runs_and_gone_with_it() -> None:
    """All three keys, under one lease; whoever waits is told of both."""
    kv = MemoryKV()
    with claiming(kv) as claims:
        over = tenure(claims)
        assert over
        items = kv.snapshot("alive/", "machines/").items
        assert set(items) == {keys.alive("n1"), keys.agent("n1"), keys.runnode("10.0.0.1")}
        assert len({item.lease for item in items.values()}) == 1
        assert not over.is_set()
    assert over.is_set()
    assert not kv.snapshot("alive/", "machines/").items


def test_a_lease_that_is_lost_is_made_anew_and_the_work_goes_on() -> None:
    """Nobody is told that it is over: nobody else has the name."""
    kv = MemoryKV()
    with claiming(kv) as claims:
        over = tenure(claims)
        assert over
        lost = lease_of(kv)
        kv.expire(lost)
        wait_until(lambda: lease_of(kv) not in (0, lost), "claimed anew")
        assert not over.is_set()
        assert tenure(claims) is over


@pytest.mark.parametrize(("kv", "who"), [(Reviving(), real()), (Reviving(), nowhere()), (Denying(), real())])
def test_its_own_old_lease_is_no_rival(kv: Reviving, who: Self) -> None:
    """The store was away, and when it is back the old lease lives on, whatever is on record of who has it."""
    with claiming(kv, who) as claims:
        over = tenure(claims)
        assert over
        wait_until(lambda: lease_of(kv), "it is claimed")
        lost = lease_of(kv)
        kv.revive(lost)
        wait_until(lambda: lease_of(kv) != lost, "claimed anew", 5)
        assert not over.is_set()
        assert tenure(claims) is over


def test_a_state_that_was_lost_while_the_lease_lives_is_claimed_again() -> None:
    """Under the same lease, by the same run: it does not take itself for somebody else."""
    kv, where = MemoryKV(), keys.runnode("10.0.0.1")

    def hold(one: Held) -> None:
        while not one.over() and where in kv.snapshot(where).items:
            Event().wait(0.01)

    with claiming(kv, held=hold) as claims:
        over = tenure(claims)
        assert over
        lease = lease_of(kv)
        kv.commit({}, {}, [where])
        wait_until(lambda: value(kv, where) == "waiting", "claimed again", 5)
        assert lease_of(kv) == lease
        assert not over.is_set()
    assert not kv.snapshot("machines/rivals/").items


@pytest.mark.parametrize("who", [real(), nowhere()])
def test_what_the_store_denied_is_asked_for_again_and_the_work_goes_on(who: Self) -> None:
    """Time and again: the lease that holds `alive` is its own. Once it is let in, it has the whole."""
    kv, said = Strict(), []
    with claiming(kv, who, said) as claims:
        over = tenure(claims)
        assert over
        if who.made().ip:
            wait_until(lambda: kv.refused > 2, "it asks again", 10)
            kv.strict = False
            wait_until(lambda: value(kv, keys.runnode("10.0.0.1")), "it is let in", 10)
        else:
            wait_until(lambda: len(said) > 2, "it looks again", 10)
        assert not over.is_set()
        assert tenure(claims) is over
        assert value(kv, keys.alive("n1")) == "10.0.0.1:8090"


def test_one_run_stays_one_and_another_is_another() -> None:
    """However often it is asked who it is."""
    who = real()
    assert who.made().run == who.made().run != real().made().run


def test_work_ends_when_a_rival_was_quicker() -> None:
    """After an outage somebody else has the name: all that stands on the claim is told to end."""
    kv = MemoryKV()
    with claiming(kv) as claims, kv.lease(10) as theirs:
        over = tenure(claims)
        assert over
        lost = lease_of(kv)
        with kv._changed:  # nobody comes in between
            kv.expire(lost)
            kv.commit({}, {keys.alive("n1"): "10.0.0.2:8090"}, lease=theirs.id)
        wait_until(over.is_set, "it is told")
        assert value(kv, keys.alive("n1")) == "10.0.0.2:8090"


def test_where_the_store_allows_less_the_node_is_on_all_the_same() -> None:
    """It says why there is no handshake."""
    kv, said = Strict(), []
    with claiming(kv, said=said) as claims:
        assert tenure(claims)
        assert value(kv, keys.alive("n1")) == "10.0.0.1:8090"
        assert not kv.snapshot("machines/").items
    assert "does not let this agent write under machines/" in said[0]


def test_a_node_without_an_address_is_on_all_the_same() -> None:
    """It says what to set."""
    kv, said = MemoryKV(), []
    with claiming(kv, nowhere(), said) as claims:
        assert tenure(claims)
        wait_until(lambda: said, "it says so")
        assert list(kv.snapshot("").items) == [keys.alive("n1")]
    assert set(said) == {"others know no IP address of 10.0.0.1:8090: set `ip`, or an `address` that is one"}


def test_this_process_lives_and_one_that_ended_does_not() -> None:
    """Also while nobody has asked for its end; a number that was given again is another process."""
    mine = real().made()
    assert not is_dead(mine)
    assert is_dead(replace(mine, ticks=mine.ticks + 1))
    child = subprocess.Popen(("sleep", "60"))
    other = replace(mine, pid=child.pid, ticks=ticks(child.pid))
    assert not is_dead(other)
    child.kill()
    wait_until(lambda: is_dead(other), "a zombie has ended")
    child.wait()
    assert is_dead(other)


def test_of_another_kernel_or_namespace_nothing_is_known() -> None:
    """There, the lease is waited for."""
    gone = replace(real().made(), ticks=1)
    assert is_dead(gone)
    assert not is_dead(replace(gone, boot="another"))
    assert not is_dead(replace(gone, space=gone.space + 1))
    assert gone.pid == os.getpid()


@pytest.mark.parametrize(
    ("address", "ip"),
    [("10.0.0.1:8090", "10.0.0.1"), ("[2001:DB8::0:1]:8090", "2001:db8::1"), ("127.0.0.1:8090", "127.0.0.1")],
)
def test_an_address_that_is_one_is_taken_as_it_is(address: str, ip: str) -> None:
    """In its shortest form."""
    assert ip_of(address) == ip


def test_a_name_that_only_means_this_machine_is_no_address_of_it() -> None:
    """`localhost`, or what /etc/hosts says of 127.0.1.1: two hosts would have the same."""
    assert not ip_of("localhost:8090").startswith("127.")
    assert not ip_of("no-such-host.invalid:8090").startswith("127.")


SHOP, BLOG = AppKey("default", "shop"), AppKey("default", "blog")


class Lane:
    """The agent's work, as the test says how it ends."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.woken = 0

    def __call__(self, key: AppKey, turn: Turn) -> float | None:
        if self.error:
            raise self.error
        return None

    def wake_all(self) -> None:
        self.woken += 1


def test_recovery_is_over_when_each_application_was_looked_at(tmp_path: Path) -> None:
    """What cannot be brought up was looked at; what the engine did not show was not. Earlier looks do not count."""
    lane, listed = Lane(), Event()
    wishes = Wishes(MemoryKV())
    init = Init(lane, wishes, listed, (tmp_path / "state",), lane.wake_all)
    init(SHOP, Turn())
    init.begin("init-recovery")
    assert (lane.woken, init.left()) == (1, "what is wanted here is not known yet")
    wishes.replace({SHOP: Wish(Desired(1, 0), 1), BLOG: Wish(Desired(1, 0), 2)})
    listed.set()
    assert init.left() == "0 of 2 applications looked at, next default.blog"
    init(SHOP, Turn())
    assert init.left() == "1 of 2 applications looked at, next default.blog"
    lane.error = EngineError("away")
    with pytest.raises(EngineError):
        init(BLOG, Turn())
    assert init.left() == "1 of 2 applications looked at, next default.blog"
    lane.error = ComposeError("no such image")
    with pytest.raises(ComposeError):
        init(BLOG, Turn())
    assert init.left() == ""
    init.begin("init-recovery")
    assert init.left().startswith("0 of 2")


def test_a_new_node_makes_its_directories_and_waits_for_nothing(tmp_path: Path) -> None:
    """What is there stays; what cannot be made is told until it can."""
    lane, place = Lane(), tmp_path / "state"
    place.write_text("in the way")
    init = Init(lane, Wishes(MemoryKV()), Event(), (place / "files",), lane.wake_all)
    init.begin("init-new")
    assert init.left() == f"{place / 'files'} cannot be made: Not a directory"
    place.unlink()
    assert init.left() == ""
    assert (place / "files").stat().st_mode & 0o777 == 0o700
    (place / "files/kept").write_text("x")
    init.begin("init-new")
    assert (init.left(), (place / "files/kept").read_text(), lane.woken) == ("", "x", 0)
