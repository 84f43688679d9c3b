"""Duties: one app server at a time does each, and another follows."""

from __future__ import annotations

from threading import Event

from appserver.adapters.memory import MemoryKV
from appserver.services.duties import Duties, Duty, every
from tests.lab.wait import wait_until


def test_one_of_two_app_servers_does_a_duty_and_the_other_follows():
    """Never both at once; when the first stops, the second begins by itself."""
    kv = MemoryKV()
    doing: list[str] = []
    stops = {"a": Event(), "b": Event()}

    def duty(name: str) -> Duty:
        def run(over: Event) -> None:
            doing.append(name)
            over.wait()
            doing.remove(name)

        return Duty("finisher", run)

    threads = {n: Duties(kv=kv, value=n, duties=[duty(n)]).start(stop) for n, stop in stops.items()}
    wait_until(lambda: doing, "one of them leads")
    first = doing[0]
    assert len(doing) == 1
    stops[first].set()
    second = "b" if first == "a" else "a"
    wait_until(lambda: doing == [second], "the other follows")
    stops[second].set()
    for thread in threads["a"] + threads["b"]:
        thread.join(5)
        assert not thread.is_alive()


def test_a_duty_that_breaks_is_taken_up_again():
    """A fault in one term ends the term, not the duty."""
    stop, terms = Event(), []

    def run(over: Event) -> None:
        terms.append(1)
        if len(terms) == 1:
            raise ZeroDivisionError
        over.wait()

    Duties(kv=MemoryKV(), value="a", duties=[Duty("finisher", run)]).start(stop)
    wait_until(lambda: len(terms) == 2, "a second term begins")
    stop.set()


def test_work_that_repeats_ends_within_its_pause():
    """Told to stop, it does not sleep on."""
    over, done = Event(), []

    def work() -> None:
        done.append(1)
        over.set()

    every(3600.0, work)(over)
    assert done == [1]
