"""What is asked beside what was learned: of all nodes, for people who may look."""

from __future__ import annotations

import pytest

from appserver.core.access import Caller
from appserver.core.deployment import DeployRequest
from appserver.core.entities import AppKey, ProjectFiles
from appserver.errors import NotFound
from appserver.services.learned import LearnedUsage
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import START
from tests.lab.learning import MIB, learned_of
from tests.unit.appserver.services.yard import BLOG, SHOP, Yard

AT = int(START.timestamp())
VIC = Caller("vic", "viewer")


@pytest.fixture
def yard() -> Yard:
    found = Yard("n1", "n2")
    for node, containers, cpu in (("n1", ("aa", "bb"), 0.2), ("n2", ("cc",), 0.4)):
        known = learned_of("web:1", AT, *containers, cpu=cpu, memory=100 * MIB)
        found.kv.commit({}, {keys.learned(node, "web:1"): encode(known)})
    return found


def learned(yard: Yard) -> LearnedUsage:
    return LearnedUsage(kv=yard.kv, clock=yard.desk.clock, access=yard.desk.access, seconds=yard.desk.clock.seconds)


def test_an_application_shows_what_all_nodes_learned(yard: Yard) -> None:
    """By the image that its revision names, though it runs by its digest."""
    yard.roll_out(SHOP, "80")
    (web,) = learned(yard).of_application(VIC, SHOP)
    assert (web.service, web.image, web.cpus, web.memory) == ("web", "web:1", 0.0, 0)
    assert web.used and (web.used.containers, web.used.cpus.highest, web.used.since) == (3, 0.8, AT)
    assert web.used.cpus.median == pytest.approx(0.2, rel=0.05)
    assert web.used.memory.p95 == pytest.approx(100 * MIB, rel=0.05)


def test_a_plan_shows_it_before_anything_runs(yard: Yard) -> None:
    """Where there is an application, and where there is none yet; one that nobody made is told of as that."""
    plan = yard.deploy.plan(yard.root, DeployRequest(BLOG, ProjectFiles("blog", {"compose.yaml": "80"})))
    (web,) = learned(yard).of_plan(VIC, plan)
    assert web.used and web.used.containers == 3
    with pytest.raises(NotFound):
        learned(yard).of_application(VIC, AppKey("default", "blog"))


def test_it_is_read_once_in_a_while(yard: Yard) -> None:
    """Agents write seldom. What is too old is no answer any more."""
    mine = learned(yard)
    assert [one.image for one in mine.images(VIC)] == ["web:1"]
    yard.kv.commit({}, {keys.learned("n1", "db:1"): encode(learned_of("db:1", AT, "dd"))})
    assert mine.of_image(VIC, "db:1") is None
    yard.desk.clock.pass_by(seconds=31)
    assert mine.of_image(VIC, "db:1")
    yard.desk.clock.pass_by(days=29)
    assert mine.images(VIC) == ()
