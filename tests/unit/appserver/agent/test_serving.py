"""What of a node takes requests is on record at once, and what leaves is waited for."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread

from appserver.adapters.memory import MemoryKV
from appserver.agent import report
from appserver.agent.proxies import Proxies
from appserver.agent.report import Reports
from appserver.core.entities import AppKey, Desired, Observed
from appserver.core.routes import Applied, Endpoint, Serving
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read
from tests.lab.wait import wait_until
from tests.unit.appserver.agent.reporting import writing

KEY = AppKey("default", "shop")
WHERE = keys.serving("n1", KEY)
SEEN = Observed(5, 1, "settling", datetime(2026, 11, 21, tzinfo=UTC))
WEB = Endpoint("a" * 64, "shop.example", "/", 32768)


def serving(kv: MemoryKV) -> tuple[Endpoint, ...]:
    found = read(kv, WHERE, Serving)
    return found.record.endpoints if found else ()


def test_it_is_written_with_the_moment_and_stays_until_something_else_is_said() -> None:
    """At once, in the middle of work too; nothing of it is left where nothing serves."""
    kv = MemoryKV()
    with writing(kv) as reports:
        reports.say(KEY, SEEN, {})
        wait_until(lambda: keys.observed("n1", KEY) in kv.snapshot("").items, "the moment is written")
        began = time.monotonic()
        reports.say(KEY, SEEN, {}, (WEB,))
        wait_until(lambda: serving(kv) == (WEB,), "it is written")
        assert time.monotonic() - began < report._EVERY_S
        items = kv.snapshot("").items
        assert items[WHERE].revision == items[keys.observed("n1", KEY)].revision
        reports.say(KEY, replace(SEEN, step="the engine is away"), {})
        wait_until(lambda: "away" in kv.snapshot("").items[keys.observed("n1", KEY)].value, "the next is written")
        assert serving(kv) == (WEB,)
        reports.say(KEY, SEEN, {}, ())
        wait_until(lambda: WHERE not in kv.snapshot("").items, "nothing serves")


def test_an_agent_that_starts_again_knows_what_it_said_and_takes_it_back() -> None:
    kv = MemoryKV()
    kv.commit({}, {WHERE: encode(Serving((WEB,))), keys.desired("n1", KEY): encode(Desired(1, 0))})
    with writing(kv) as reports:
        assert KEY in reports.applications()
        reports.forget(KEY)
        assert serving(kv) == ()


def took(kv: MemoryKV, reports: Reports, drain_s: float = 5.0, leaves_s: float = 3.0) -> float:
    began = time.monotonic()
    Proxies(kv, reports.served_at, leaves_s).until_left(KEY, {WEB.container}, drain_s, Event())
    return time.monotonic() - began


def test_nobody_is_waited_for_where_there_is_no_proxy() -> None:
    kv = MemoryKV()
    with writing(kv) as reports:
        reports.say(KEY, SEEN, {}, (WEB,))
        reports.say(KEY, SEEN, {}, ())
        assert took(kv, reports) < 1.0


def test_a_proxy_is_waited_for_until_it_knows_and_has_its_answers() -> None:
    """First it has not read it, then it owes an answer, then it is through."""
    kv = MemoryKV()
    with writing(kv) as reports:
        reports.say(KEY, SEEN, {}, (WEB,))
        wait_until(lambda: serving(kv) == (WEB,), "it serves")
        kv.commit({}, {keys.proxy("front"): encode(Applied(kv.snapshot("").revision))})
        reports.say(KEY, SEEN, {}, ())
        waiting = Thread(target=took, args=(kv, reports))
        waiting.start()
        wait_until(lambda: serving(kv) == (), "it is written")
        revision = kv.snapshot("").revision
        kv.commit({}, {keys.proxy("front"): encode(Applied(revision, ("a" * 12,)))})
        waiting.join(0.3)
        assert waiting.is_alive()
        kv.commit({}, {keys.proxy("front"): encode(Applied(revision))})
        waiting.join(2)
        assert not waiting.is_alive()


def test_a_proxy_that_does_not_listen_or_never_answers_holds_nobody_up() -> None:
    kv = MemoryKV()
    with writing(kv) as reports:
        kv.commit({}, {keys.proxy("deaf"): encode(Applied(0))})
        reports.say(KEY, SEEN, {}, (WEB,))
        wait_until(lambda: serving(kv) == (WEB,), "it serves")
        assert 0.3 <= took(kv, reports, leaves_s=0.3) < 1.0
        kv.commit({}, {keys.proxy("deaf"): encode(Applied(999, ("a" * 12,)))})
        assert 0.5 <= took(kv, reports, 0.2, 0.3) < 1.2


def test_without_the_store_nobody_is_waited_for() -> None:
    """What leaves cannot be written: it is not stopped later for that."""
    kv = MemoryKV()
    reports = Reports(kv, "n1", "default")
    reports.say(KEY, SEEN, {}, (WEB,))
    assert 0.3 <= took(kv, reports, leaves_s=0.3) < 1.0
