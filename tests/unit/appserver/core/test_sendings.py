"""What becomes of a notice on a channel: pauses that grow, an end after a day, order within a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from appserver.core.sendings import Result, Sending, Waiting, after, claimed, due, forgotten, pause_s
from tests.fakes import START

NEW = Sending("id", "pending", START)
LATER = START + timedelta(seconds=9)


def test_a_claim_says_who_sends_it_and_which_try_it_is():
    """Before the message leaves."""
    assert claimed(NEW, "me", LATER) == Sending("id", "sending", LATER, attempts=1, by="me")


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (Result("sent"), Sending("id", "sent", LATER, 1, by="me")),
        (Result("sent", "not for a@b.c (550)"), Sending("id", "sent", LATER, 1, by="me", reason="not for a@b.c (550)")),
        (Result("refused", "answered 404"), Sending("id", "failed", LATER, 1, by="me", reason="answered 404")),
        (Result("unknown", "too slow"), Sending("id", "unknown", LATER, 1, by="me", reason="too slow")),
        (Result("again", "answered 503"), Sending("id", "pending", LATER, 1, 5.0, 5.0, "", "answered 503")),
        (Result("again", "answered 429", 77.0), Sending("id", "pending", LATER, 1, 77.0, 77.0, "", "answered 429")),
    ],
)
def test_a_result_of_a_claimed_try(result: Result, wanted: Sending):
    """What may have arrived is never pending again; a receiver's own wish for a pause is heard."""
    assert after(claimed(NEW, "me", START), result, 0.5, LATER) == wanted


def test_a_try_that_ended_before_its_claim_counts_too():
    """A receiver that is down is asked less and less often."""
    found = after(after(NEW, Result("again", "no"), 0.5, LATER), Result("again", "no"), 0.5, LATER)
    assert (found.state, found.attempts, found.pause_s, found.waited_s) == ("pending", 2, 10.0, 15.0)


def test_a_late_result_corrects_what_was_given_up():
    """Whoever sent it does know."""
    given_up = replace(claimed(NEW, "me", START), state="unknown")
    assert after(given_up, Result("sent"), 0.5, LATER).state == "sent"


def test_pauses_grow_to_an_hour_and_jitter():
    """5 s, twice as long each time; a fifth more or less."""
    assert [pause_s(n, 0.5) for n in (1, 2, 3, 10, 11, 99)] == [5, 10, 20, 2560, 3600, 3600]
    assert (pause_s(1, 0.0), pause_s(1, 1.0)) == pytest.approx((4, 6))


def test_it_is_given_up_after_a_day():
    """By pauses that add up, not by a clock."""
    sending, tries = NEW, 0
    while sending.state == "pending":
        sending = after(sending, Result("again", "answered 500"), 0.5, LATER)
        tries += 1
    assert (sending.state, sending.reason) == ("failed", "given up after a day: answered 500")
    assert 82_000 < sending.waited_s <= 86_400
    assert 30 < tries < 40
    assert after(NEW, Result("again", "answered 503", 86_401), 0.5, LATER).state == "failed"


def waiting(name: str, run: int, pause: float, paused: float, since: float) -> Waiting:
    return Waiting(name, run, replace(NEW, pause_s=pause), paused, since)


@pytest.mark.parametrize(
    ("some", "wanted"),
    [
        ([waiting("b", 1, 0, 0, 0), waiting("s", 1, 0, 0, 0)], ("b", "s")),
        ([waiting("b", 1, 5, 1, 9), waiting("s", 1, 0, 0, 0)], ()),
        ([waiting("b", 1, 5, 5, 9), waiting("s", 1, 0, 0, 0)], ("b", "s")),
        ([waiting("b", 1, 900, 1, 601), waiting("s", 1, 0, 0, 0)], ("s",)),
        ([waiting("b", 1, 5, 1, 9), waiting("b2", 2, 0, 0, 0)], ("b2",)),
    ],
)
def test_in_each_run_the_earlier_goes_before_the_later(some: list[Waiting], wanted: tuple[str, ...]):
    """For ten minutes; then bad news does not wait for old news any longer."""
    assert due(some) == wanted


def test_what_is_settled_is_forgotten_after_a_week():
    """But nothing that is under way, nothing nobody has looked at, and nothing of the newest run."""
    old, young = START - timedelta(days=8), START - timedelta(days=6)
    notices = {"00000001-begin": old, "00000001-failure": old, "00000002-begin": young, "00000003-begin": old}
    done = {name: [replace(NEW, state="sent"), replace(NEW, state="unknown")] for name in notices}
    assert forgotten(notices, done, START) == ["00000001-begin", "00000001-failure"]
    assert forgotten(notices, {**done, "00000001-failure": [NEW]}, START) == ["00000001-begin"]
    assert forgotten(notices, {}, START) == []
