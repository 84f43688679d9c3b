"""Plays as people ask for them, over a store in memory and an Ansible of words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest

from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.playbooks import Playbook
from appserver.core.plays import Play, PlayNews, PlayRequest, State
from appserver.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from appserver.services.play_records import PlayRecords
from appserver.services.play_run import PlayRun
from appserver.services.play_runner import PlayRunner
from appserver.services.plays import Plays
from appserver.store import plays as keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.fakes import Desk
from tests.lab.wait import wait_until
from tests.unit.appserver.services.acting import SITE, Acting

ANN, OLGA, VIC = Caller("ann", "admin"), Caller("olga", "operator"), Caller("vic", "viewer")
ASKED = PlayRequest("site.yml")


class Hall:
    """Any number of app servers over one store."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.kv = self.desk.kv
        self.acting = Acting()
        self.plays = Plays(
            kv=self.kv,
            playbooks=self.acting,
            sealer=KeySealer(bytes(32)),
            audit=self.desk.audit,
            events=self.desk.events,
            clock=self.desk.clock,
        )

    @contextmanager
    def server(self, name: str = "one", at_once: int = 2) -> Iterator[Event]:
        """One that runs plays until the block ends, or the event is set."""
        run = PlayRun(
            kv=self.kv,
            playbooks=self.acting,
            sealer=KeySealer(bytes(32)),
            events=self.desk.events,
            clock=self.desk.clock,
            server=name,
        )
        stop = Event()
        thread = PlayRunner(kv=self.kv, playbooks=self.acting, run=run, at_once=at_once).start(stop)
        try:
            yield stop
        finally:
            stop.set()
            thread.join(10)

    def start(self, *limit: str, **more: object) -> int:
        return self.plays.start(ANN, replace(ASKED, limit=limit, **more)).play.number  # type: ignore[arg-type]

    def show(self, number: int) -> Play:
        return self.plays.show(ANN, number).play

    def becomes(self, number: int, state: State) -> Play:
        wait_until(lambda: self.show(number).state == state, f"play {number} is {state}")
        return self.show(number)

    def locks(self) -> dict[str, str]:
        return {key.removeprefix("playlocks/"): i.value for key, i in self.kv.snapshot("playlocks/").items.items()}


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.acting.go.set()


def test_a_play_is_numbered_and_waits_for_an_app_server(hall: Hall):
    """With what was asked for; its variables sealed."""
    first, second = hall.start("web1", extra_vars={"a": 1, "db_password": "hunter2"}), hall.start()
    view = hall.plays.show(ANN, first)
    assert (first, second) == (1, 2)
    assert (view.play.state, view.play.hosts, view.play.by) == ("queued", ("web1",), "ann")
    assert view.waits == "not taken up yet: by an app server with a free place whose site.yml is what was asked for"
    assert hall.plays.show(ANN, second).waits == "waits for play 1 on web1"
    assert "hunter2" not in str(hall.kv.snapshot("").items)
    assert hall.desk.entries()[0] == ("ann", "run", "playbook:site.yml", "ok")


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (PlayRequest("other.yml"), NotFound),
        (PlayRequest("../site.yml"), Invalid),
        (PlayRequest("site"), Invalid),
        (PlayRequest("site.yml", limit=("web9",)), Invalid),
        (PlayRequest("site.yml", tags=("a b",)), Invalid),
        (PlayRequest("site.yml", extra_vars={"ansible_user": "root"}), Invalid),
        (PlayRequest("site.yml", extra_vars={"x": "{{ 1 }}"}), Invalid),
        (PlayRequest("site.yml", secrets=("x",)), Invalid),
        (PlayRequest("site.yml", reason="x" * 2000), Invalid),
    ],
)
def test_what_cannot_be_run_is_not_queued(hall: Hall, wanted: PlayRequest, kind: type[Exception]):
    """A reason, and nothing in the store beside the audit."""
    with pytest.raises(kind):
        hall.plays.start(ANN, wanted)
    assert hall.kv.snapshot("plays/", "playqueue/").items == {}


def test_only_administrators_run_and_cancel(hall: Hall):
    """Operators look on, viewers do not; who tried is in the audit."""
    number = hall.start()
    for caller in (OLGA, VIC):
        with pytest.raises(Forbidden):
            hall.plays.start(caller, ASKED)
        with pytest.raises(Forbidden):
            hall.plays.cancel(caller, number)
    assert hall.plays.show(OLGA, number).play.number == number
    for look in (hall.plays.list, hall.plays.playbooks, hall.plays.inventory):
        with pytest.raises(Forbidden):
            look(VIC)
    with pytest.raises(Forbidden):
        hall.plays.follow(VIC, number, 0, Event())
    refused = [entry for entry in hall.desk.entries() if entry[3] == "refused"]
    assert ("olga", "cancel", "play:1", "refused") in refused


def test_a_queue_has_an_end(hall: Hall):
    """Who asks for a fifty-first is told to come back."""
    for _ in range(50):
        hall.start("web1")
    with pytest.raises(TooMany):
        hall.start("web1")


def test_plays_on_one_host_follow_each_other_over_two_app_servers(hall: Hall):
    """In order, never two at once on a host; plays on other hosts beside them."""
    numbers = [hall.start(host) for host in ("web1", "web1", "web2", "web1", "web2")]
    both = hall.start()
    with hall.server("one"), hall.server("two"):
        wait_until(lambda: len(hall.acting.jobs) == 2, "one on each host runs")
        assert sorted(job.number for job in hall.acting.jobs) == [numbers[0], numbers[2]]
        assert hall.locks() == {"web1": "1", "web2": "3"}
        hall.acting.go.set()
        done = [hall.becomes(number, "done") for number in (*numbers, both)]
    assert hall.acting.clashes == []
    assert [job.number for job in hall.acting.jobs if "web1" in job.hosts] == [1, 2, 4, 6]
    assert {one.server for one in done} <= {"one", "two"}
    assert hall.locks() == {}
    assert hall.kv.snapshot("playqueue/").items == {}


def test_no_more_run_here_than_may(hall: Hall):
    """The other waits though its host is free."""
    first, second = hall.start("web1"), hall.start("web2")
    with hall.server(at_once=1):
        hall.becomes(first, "running")
        assert hall.show(second).state == "queued"
        hall.acting.go.set()
        hall.becomes(second, "done")


def test_an_app_server_without_that_playbook_leaves_it(hall: Hall):
    """Another version of the file is another playbook; one that has it as it was takes it."""
    number = hall.start()
    hall.acting.books = (Playbook("site.yml", "d2"),)
    hall.acting.go.set()
    other = hall.start()
    with hall.server():
        wait_until(lambda: hall.show(number).state == "queued", "it waits")
        assert hall.show(other).state == "queued"
        hall.acting.books = (SITE,)
        hall.plays.cancel(ANN, other)
        hall.becomes(number, "done")


def test_a_cancelled_play_is_swept_before_its_hosts_are_free(hall: Hall):
    """Cancelling again changes nothing; when it is over, it is refused."""
    number = hall.start()
    with hall.server():
        hall.becomes(number, "running")
        hall.plays.cancel(ANN, number)
        over = hall.becomes(number, "cancelled")
    assert (over.why, over.cancelled_by, over.left["web1"]) == ("cancelled by ann", "ann", "processes ended: 0")
    assert hall.acting.swept == [(over.mark, ("web1", "web2"))]
    assert hall.locks() == {}
    with pytest.raises(Conflict, match="play 1 is over: cancelled"):
        hall.plays.cancel(ANN, number)


def test_a_waiting_play_is_cancelled_without_an_app_server(hall: Hall):
    """At once; those behind it move up."""
    first, second = hall.start(), hall.start()
    assert hall.plays.cancel(ANN, first).play.state == "cancelled"
    assert hall.plays.show(ANN, second).waits.startswith("not taken up yet")
    assert list(hall.plays.follow(ANN, first, 0, Event())) == [hall.plays.show(ANN, first)]


def test_a_play_whose_app_server_goes_is_ended_by_another(hall: Hall):
    """Swept, lost, and its hosts free for the next."""
    number, behind = hall.start(), hall.start()
    with hall.server("one") as stop:
        hall.becomes(number, "running")
        stop.set()
        wait_until(lambda: hall.locks() == {}, "its lease has ended")
        assert hall.show(number).state == "running"
        assert hall.plays.show(ANN, behind).waits == f"waits for play {number} on web1, web2"
    hall.acting.go.set()
    with hall.server("two"):
        over = hall.becomes(number, "lost")
        hall.becomes(behind, "done")
    assert over.why == "its app server one went away in mid-play; run it again"
    assert hall.acting.swept == [(over.mark, ("web1", "web2"))]


def test_an_app_server_that_lost_its_hosts_writes_no_more(hall: Hall):
    """Its play was ended by another meanwhile: that stays on record."""
    number = hall.start()
    with hall.server():
        hall.becomes(number, "running")
        ((_, lock), *_) = hall.kv.snapshot("playlocks/").items.items()
        stored = PlayRecords(hall.kv).get(number)
        hall.kv.commit({}, {keys.play(number): encode(replace(stored.record, state="lost", why="ended elsewhere"))})
        hall.kv.expire(lock.lease)
        hall.acting.go.set()
        wait_until(lambda: hall.acting._busy == set(), "Ansible is ended")
    assert hall.show(number).why == "ended elsewhere"


def test_a_play_that_takes_too_long_is_swept_too(hall: Hall):
    """Ansible is ended by its time, not what it started."""
    hall.acting.rc = 254
    hall.acting.go.set()
    number = hall.start("web1")
    with hall.server():
        over = hall.becomes(number, "failed")
    assert over.why == "it took longer than a play may"
    assert over.left == {"web1": "processes ended: 0"}


def test_what_is_said_is_masked_and_on_record(hall: Hall):
    """The output, the task's name, the variables that Ansible is given in clear."""
    hall.acting.said = (PlayNews("task", task="Set hunter2"), PlayNews("ok", "web1", text="ok: hunter2\nfine"))
    number = hall.start("web1", extra_vars={"db_password": "hunter2"})
    with hall.server():
        wait_until(lambda: hall.show(number).task == "Set ***", "the task is told")
        hall.acting.go.set()
        hall.becomes(number, "done")
    assert hall.plays.output(ANN, number) == ((1, "ok: ***"), (2, "fine"))
    assert hall.acting.jobs[0].variables == {"db_password": "hunter2"}
    assert "hunter2" not in repr(hall.acting.jobs[0])


def test_the_newest_plays_are_kept_and_those_under_way(hall: Hall):
    """With their output; numbers are never given twice."""
    hall.acting.go.set()
    hall.acting.said = (PlayNews(text="hello"),)
    waiting = hall.start("web1")
    with hall.server():
        hall.becomes(waiting, "done")
        for _ in range(5):
            last = hall.start("web1")
            hall.becomes(last, "done")
    held = hall.start("web2")
    assert hall.plays.prune(2) == 5
    assert [view.play.number for _, view in hall.plays.list(ANN).items] == [held, last]
    assert {key.split("/")[1] for key in hall.kv.snapshot("playoutput/").items} == {f"{last:08d}"}
    assert hall.start("web2") == held + 1
    assert read(hall.kv, keys.play(1), Play) is None


def test_pages_of_history_follow_each_other(hall: Hall):
    """Newest first."""
    for _ in range(5):
        hall.start("web1")
    first = hall.plays.list(ANN, limit=3)
    rest = hall.plays.list(ANN, after=first.next, limit=3)
    assert [view.play.number for _, view in (*first.items, *rest.items)] == [5, 4, 3, 2, 1]
