"""What an agent learns of images, minute by minute, and what of it it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.agent.learning import Learning, image_of
from appserver.agent.wishes import Wish, Wishes
from appserver.core.containers import ContainerProcess, ImageFacts
from appserver.core.entities import AppKey, Desired, Revision
from appserver.core.learned import Learned
from appserver.core.metrics import FIELDS, Sample, Subject
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import below
from tests.fakes import START

AT = 1_763_710_200
MIB = 1 << 20
PIN = f"web@sha256:{'a1' * 32}"
ID = f"sha256:{'b2' * 32}"
WEB = ContainerProcess("c1" * 32, "shop-web-1", 77, "default.shop", "web", "shop", PIN, ID)
STRAY = ContainerProcess("c2" * 32, "old-db-1", 78, image="db")
SHOP = AppKey("default", "shop")


@pytest.fixture
def kv() -> MemoryKV:
    return MemoryKV()


def learning(kv: MemoryKV) -> Learning:
    return Learning(kv, "n1", lambda one: one.image if one.image != PIN else "web:1")


def minute(number: int, *containers: ContainerProcess, cpu: float = 0.5) -> Sample:
    known = {"cpu": cpu, "memory": 64.0 * MIB}
    values = [known.get(field.name, 0.0) for field in FIELDS["container"]]
    found = {Subject("container", one.name, one.application, one.service): values for one in containers}
    return Sample(AT + 60 * number, found, found)


def on_record(kv: MemoryKV) -> Mapping[str, Learned]:
    prefix = keys.learned_of("n1")
    return {name: one.record for name, one in below(kv.snapshot(prefix), prefix, Learned)}


def test_it_writes_each_image_when_it_tells_something_new(kv: MemoryKV) -> None:
    """Few bytes, and of a steady container ever less often."""
    mine = learning(kv)
    sizes: list[int] = []
    revisions: set[int] = set()
    for number in range(600):
        mine.take(minute(number, WEB, STRAY), (WEB, STRAY))
        if number % 10 == 9:
            mine.report()
            revisions.add(kv.snapshot(keys.learned("n1", "web:1")).revision_of(keys.learned("n1", "web:1")))
            sizes.append(sum(len(item.value) for item in kv.snapshot(keys.LEARNED).items.values()))
    assert on_record(kv).keys() == {"web%3A1", "db%3Alatest"}
    assert len(revisions) < 20
    assert max(sizes) < 1_000


def test_what_was_known_before_the_agent_was_started_is_gone_on_with(kv: MemoryKV) -> None:
    """Also what was measured before it could be read."""
    before = learning(kv)
    before.take(minute(0, WEB), (WEB,))
    before.report()
    again = learning(kv)
    again.take(minute(1, WEB, STRAY, cpu=2.0), (WEB, STRAY))
    again.report()
    found = on_record(kv)["web%3A1"].now
    assert (found.cpu.total, found.cpu.highest, found.since, len(found.containers)) == (2, 2.0, AT, 1)


def test_an_image_that_nobody_runs_is_forgotten(kv: MemoryKV) -> None:
    """After some weeks, and its record goes."""
    mine = learning(kv)
    mine.take(minute(0, WEB, STRAY), (WEB, STRAY))
    mine.report()
    for week in range(1, 6):
        mine.take(minute(week * 7 * 1440, STRAY), (WEB, STRAY))
        mine.report()
    assert on_record(kv).keys() == {"db%3Alatest"}


def test_the_name_is_that_of_the_revision(kv: MemoryKV) -> None:
    """By its pin or its id, also of the one before; of a container that is of neither nothing is said yet."""
    wishes = Wishes(kv)
    assert image_of(wishes, WEB) == PIN
    wishes.set(SHOP, Wish(Desired(2, 1), 9))
    assert image_of(wishes, WEB) == ""
    revision = Revision(2, "ann", START, "", "", {}, {}, "", images={"web": ImageFacts("web:2", "sha256:c", "web@x")})
    first = replace(revision, number=1, images={"web": ImageFacts("web:1", ID, "elsewhere@x")})
    kv.commit({}, {keys.revision(SHOP, 2): encode(revision), keys.revision(SHOP, 1): encode(first)})
    wishes.revision(SHOP, 2)
    assert image_of(wishes, WEB) == ""
    assert image_of(wishes, replace(WEB, image="web@x")) == "web:2"
    wishes.revision(SHOP, 1)
    assert image_of(wishes, WEB) == "web:1"
    assert image_of(wishes, STRAY) == "db"
