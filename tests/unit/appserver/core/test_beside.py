"""What can be started beside what it replaces."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core.beside import beside, why_not, without
from appserver.core.entities import AppKey, Desired, Options
from appserver.core.reconcile import plan
from appserver.core.updates import Update
from tests.lab.records import container, revision

KEY = AppKey("default", "shop")
START_FIRST = Options(update=Update(order="start-first"))


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ({}, ""),
        ({"ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]}, "publishes a fixed port"),
        ({"ports": [{"target": 80, "protocol": "tcp"}]}, ""),
        ({"ports": [{"target": 80, "published": "8080-8090", "protocol": "tcp"}]}, "publishes a fixed port"),
        ({"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}, "writes to a volume"),
        ({"volumes": [{"type": "bind", "source": "/srv", "target": "/srv"}]}, "writes to a volume"),
        ({"volumes": [{"type": "volume", "source": "data", "target": "/data", "read_only": True}]}, ""),
        ({"volumes": [{"type": "tmpfs", "target": "/tmp"}]}, ""),
        ({"network_mode": "service:db"}, "is in another container's network"),
        ({"mac_address": "02:42:ac:11:00:02"}, "has a fixed address"),
        ({"container_name": "one"}, "has a name of its own"),
        ({"network_mode": "host"}, "is in the host's network"),
        ({"networks": {"back": None, "front": {"ipv4_address": "10.0.0.9"}}}, "has a fixed address"),
    ],
)
def test_what_two_containers_could_not_both_have(service: dict[str, object], why: str) -> None:
    assert why_not(service) == why


def test_old_and_new_are_told_apart_by_what_they_were_made_from() -> None:
    """Two copies, of which one is new already after an interruption: the old one alone goes, and three are there."""
    two = revision(KEY, 2, {"web": {"image": "web:2", "scale": 2}, "db": {"image": "db:1"}}, START_FIRST)
    one = revision(KEY, 1, {"web": {"image": "web:1"}}, START_FIRST)
    there = [
        container(one, "web", id="old"),
        container(two, "web", id="new", name="shop-web-2"),
        container(two, "db", id="db"),
    ]
    wanted = plan(Desired(2, 1), two, there)
    found = beside(two, wanted, there)
    assert found is not None
    assert (found.services, found.scale, found.old) == (("web",), {"web": 3}, ("old",))
    assert without(wanted, found.services).up == ()


def test_nothing_is_beside_where_it_is_not_asked_for_or_nothing_runs() -> None:
    one = revision(KEY, 1, {"web": {"image": "web:1"}}, START_FIRST)
    two = revision(KEY, 2, {"web": {"image": "web:2"}}, START_FIRST)
    stopped = [container(one, "web", state="exited")]
    assert beside(two, plan(Desired(2, 1), two, stopped), stopped) is None
    assert beside(two, plan(Desired(2, 1), two, []), []) is None
    running = [container(one, "web")]
    assert beside(two, plan(Desired(2, 1), two, running), running)
    asked = replace(two, options=Options())
    assert beside(asked, plan(Desired(2, 1), asked, running), running) is None
