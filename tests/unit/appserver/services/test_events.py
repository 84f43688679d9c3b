"""Events: Cluman's buses, listed and followed."""

from __future__ import annotations

from threading import Event

import pytest

from appserver.core import events as core
from appserver.core.access import Caller
from appserver.errors import Forbidden, Invalid
from tests.fakes import Desk

ANN = Caller("ann", "viewer")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("bus", "action", "severity"),
    [
        (core.NODE, "online", "INFO"),
        (core.NODE, "offline", "WARNING"),
        (core.REGISTRY, "offline", "ERROR"),
        (core.DOCKER, "die", "ERROR"),
        (core.APPLICATION, "failed", "ERROR"),
        (core.APPLICATION, "started", "INFO"),
    ],
)
def test_how_grave_an_action_is(bus: str, action: str, severity: str):
    """Cluman's rules: what dies is an error, what goes away a warning, a registry that does an error."""
    assert core.severity(bus, action) == severity


def test_the_bus_of_errors_repeats_the_others(desk: Desk):
    """Whoever watches `bus.cluman.errors` misses nothing of at least WARNING, on whatever bus it was told."""
    desk.events.emit(core.NODE, "offline", None, "n1", "n1 is away")
    desk.events.emit(core.NODE, "online", None, "n1", "n1 is back")
    desk.events.emit(core.APPLICATION, "die", None, "default.shop", "web ended")
    told = {event.message for _, event in desk.events.list(ANN, core.ERRORS).items}
    assert told == {"n1 is away", "web ended"}


def test_nobody_tells_the_bus_of_errors_itself(desk: Desk):
    """It is made of the others; an event of its own would be on no bus."""
    with pytest.raises(ValueError, match="no bus"):
        desk.events.emit(core.ERRORS, "die", None, "n1", "x")


def test_an_unknown_bus_is_refused_with_those_there_are(desk: Desk):
    """A typing error does not look like a quiet bus."""
    with pytest.raises(Invalid, match=r"bus.cluman.errors"):
        desk.events.list(ANN, "bus.cluman.erorrs")


def test_rights_are_asked_before_the_first_event(desk: Desk):
    """A stream that may not be heard is refused at once, not inside an answer that has begun."""
    with pytest.raises(Forbidden):
        desk.events.follow(Caller("x", "nobody"), Event())  # type: ignore[arg-type]


def test_a_follower_hears_what_comes_and_where_to_go_on(desk: Desk):
    """Each event comes with the revision after which a follower that comes back hears the rest."""
    stop = Event()
    news = desk.events.follow(ANN, stop, after=desk.kv.snapshot().revision)
    desk.events.emit(core.NODE, "online", None, "n1", "one")
    desk.events.emit(core.NODE, "online", None, "n1", "two")
    first, second = next(news), next(news)
    assert first is not None
    assert second is not None
    assert (first[1].message, second[1].message) == ("one", "two")
    again = next(desk.events.follow(ANN, stop, after=first[0]))
    assert again is not None
    assert again[1].message == "two"
    stop.set()
    assert list(news) == []


def test_a_follower_hears_all_from_when_it_asked(desk: Desk):
    """Not from when it first reads: a client that knows it is connected misses nothing."""
    news = desk.events.follow(ANN, Event(), beat_s=0.5)
    desk.events.emit(core.NODE, "online", None, "n1", "one")
    heard = next(news)
    assert heard is not None
    assert heard[1].message == "one"


def test_a_quiet_stream_beats(desk: Desk):
    """A line that says nothing shows that it is there, and finds out who has gone."""
    assert next(desk.events.follow(ANN, Event(), after=1, beat_s=0.5)) is None


def test_a_follower_whose_place_was_compacted_is_told_what_is_left(desk: Desk):
    """Coming back after a compaction, a follower hears every event still on record, and goes on."""
    desk.events.emit(core.NODE, "online", None, "n1", "one")
    after = desk.kv.snapshot().revision
    desk.events.emit(core.NODE, "online", None, "n1", "two")
    desk.events.emit(core.NODE, "online", None, "n1", "three")
    desk.kv.compact(desk.kv.snapshot().revision)
    news = desk.events.follow(ANN, Event(), after=after)
    heard = [next(news), next(news)]
    desk.events.emit(core.NODE, "online", None, "n1", "four")
    heard.append(next(news))
    assert [one[1].message for one in heard if one] == ["two", "three", "four"]
