"""Conditions of a node over time: what is remembered, what is asked again, what is told of what cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from appserver.agent.conditions import ClockWatch, Watch, merged
from appserver.core.conditions import DiskHealth, Offset, Space, Thresholds
from appserver.core.fleet import Condition
from appserver.errors import BackendError
from tests.lab.wait import wait_until

NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)
GIB = 1 << 30


@dataclass
class Hand:
    """A host, other clocks and disks as a test has them."""

    free: int = 50 * GIB
    available: int = 500
    offsets: tuple[Offset, ...] = ()
    disks: tuple[DiskHealth, ...] = ()
    asked: int = 0
    blind: bool = False

    def spaces(self, paths: Sequence[str]) -> tuple[Space, ...]:
        return tuple(Space(path, self.free, 100 * GIB) for path in paths)

    def memory(self) -> tuple[int, int]:
        if self.blind:
            raise BackendError("cannot be read: no such file")
        return self.available, 1000

    def ahead(self) -> tuple[Offset, ...]:
        return self.offsets

    def health(self) -> tuple[DiskHealth, ...]:
        self.asked += 1
        return self.disks


def watch(hand: Hand) -> Watch:
    return Watch(hand, Thresholds(), hand, hand, ("/state",))  # type: ignore[arg-type]


def told(found: Watch, before: Sequence[Condition] = ()) -> dict[str, tuple[bool, str] | None]:
    return dict(found.look("/docker", before))


def test_every_file_system_that_counts_is_looked_at() -> None:
    """The engine's, the agent's own, and the root."""
    hand = Hand()
    assert told(watch(hand))["disk"] == (
        True,
        "more than 5% of space and 5% of inodes is free at /, /docker, /state",
    )
    hand.free = 4 * GIB
    ok, reason = told(watch(hand))["disk"] or (True, "")
    assert (ok, reason.count("4.0 GiB free of 100 GiB")) == (False, 3)


def test_what_was_bad_has_to_be_better_by_the_margin() -> None:
    """As remembered, and after a restart as recorded."""
    hand = Hand(free=4 * GIB)
    one = watch(hand)
    assert not (told(one)["disk"] or (True,))[0]
    hand.free = int(5.5 * GIB)
    assert not (told(one)["disk"] or (True,))[0]
    bad = (Condition("disk", False, "full", NOW),)
    assert not (told(watch(hand), bad)["disk"] or (True,))[0]
    assert (told(watch(hand))["disk"] or (False,))[0]
    hand.free = int(6.5 * GIB)
    assert (told(one)["disk"] or (False,))[0]


def test_memory_that_cannot_be_read_is_bad() -> None:
    """And says why."""
    assert told(watch(Hand(blind=True)))["memory"] == (False, "cannot be read: no such file")


def test_clocks_and_disks_are_asked_beside() -> None:
    """Until they were, nothing is said of the disks, and the clock has nobody to be compared with."""
    hand = Hand(offsets=(Offset("a", 9.5, 10.5),), disks=(DiskHealth("/dev/sda", "X", ""),))
    one, stop = watch(hand), Event()
    before = told(one)
    assert (before["clock"], before["smart"]) == ((True, "steady, nobody to compare it with"), None)
    thread = Thread(target=one.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: hand.asked, "the disks were asked")
        wait_until(lambda: told(one).get("smart"), "and have answered")
        assert told(one)["clock"] == (False, "10.0 s ahead of 1 member of etcd, give or take 0.5 s")
        assert told(one)["smart"] == (True, "1 disk, all well by their own word")
    finally:
        stop.set()
        thread.join(10)


def test_a_host_without_disks_to_ask_has_no_such_condition() -> None:
    """Nor one that is left from before."""
    hand = Hand()
    one, stop = watch(hand), Event()
    stop.set()
    one._health = ()
    assert "smart" not in told(one)
    old = (Condition("smart", True, "1 disk", NOW),)
    assert [c.name for c in merged(old, one.look("", old), NOW)] == ["disk", "memory", "clock"]


def test_a_jump_of_the_clock_is_told_for_ten_minutes() -> None:
    """Whichever way it went; not the time in which a machine slept."""
    clock = ClockWatch(1_000, 50)
    assert clock.look(1_060, 110) == ""
    assert clock.look(1_020, 130) == "it jumped by -60 s"
    assert clock.look(1_080, 190) == "it jumped by -60 s"
    assert clock.look(1_700, 810) == ""


def test_since_is_when_it_last_turned() -> None:
    """The reason is always that of now; a condition nothing is known of stands as it was."""
    before = (Condition("engine", True, "Docker Engine 26.1.5", NOW), Condition("disk", True, "well", NOW))
    later = NOW + timedelta(hours=1)
    found = merged(
        before, (("engine", (True, "Docker Engine 27.0.1")), ("disk", (False, "full")), ("smart", None)), later
    )
    assert found == (Condition("engine", True, "Docker Engine 27.0.1", NOW), Condition("disk", False, "full", later))
    assert merged(before, (("disk", None),), later) == (before[1],)
