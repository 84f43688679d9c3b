"""What is wanted of a node is followed whatever stands among it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from appserver.adapters.memory import MemoryKV
from appserver.agent.desired import Following
from appserver.agent.lanes import Lanes
from appserver.agent.report import Reports
from appserver.agent.wishes import Wishes
from appserver.core.entities import AppKey, Desired
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.wait import wait_until

SHOP, BLOG = AppKey("default", "shop"), AppKey("default", "blog")


@contextmanager
def following(kv: MemoryKV) -> Iterator[tuple[Wishes, list[AppKey]]]:
    """A node that follows its records, and what its lanes were woken for."""
    wishes, woken, stop = Wishes(kv), list[AppKey](), Event()
    lanes = Lanes(lambda key, turn: woken.append(key))
    desired = Following(kv, "n1", wishes, Reports(kv, "n1", "default"), lanes)
    threads = [Thread(target=run, args=(stop,)) for run in (desired.run, lanes.run)]
    for thread in threads:
        thread.start()
    try:
        yield wishes, woken
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


def want(kv: MemoryKV, key: AppKey, number: int) -> None:
    kv.commit({}, {keys.desired("n1", key): encode(Desired(number, 0))})


def number(wishes: Wishes, key: AppKey) -> int:
    wish = wishes.get(key)
    return wish.desired.revision if wish else 0


def test_a_bad_record_among_those_listed_stops_nothing():
    kv = MemoryKV()
    kv.commit({}, {keys.desired("n1", BLOG): "{", "desired/n1/NO-NAME": "{}"})
    want(kv, SHOP, 1)
    with following(kv) as (wishes, woken):
        wait_until(lambda: SHOP in woken, "the shop to be woken")
        want(kv, SHOP, 2)
        wait_until(lambda: number(wishes, SHOP) == 2, "what came after")
        assert BLOG not in woken


def test_a_bad_record_that_comes_by_leaves_what_was_wanted_before():
    """The application runs on as it was last wanted; the watch goes on, and takes the record once it is mended."""
    kv = MemoryKV()
    want(kv, SHOP, 1)
    want(kv, BLOG, 1)
    with following(kv) as (wishes, _):
        wait_until(lambda: number(wishes, BLOG) == 1, "the list")
        kv.commit({}, {keys.desired("n1", BLOG): "{", "desired/n1/NO-NAME": "{}"})
        want(kv, SHOP, 2)
        wait_until(lambda: number(wishes, SHOP) == 2, "what came after")
        assert number(wishes, BLOG) == 1
        want(kv, BLOG, 3)
        wait_until(lambda: number(wishes, BLOG) == 3, "what was mended")
