"""Notices of updates from real app servers over a real etcd: configured by hand, sent once, also when one is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

import pytest

from appserver.adapters.etcd import Etcd
from appserver.core.notices import BEGIN_UPDATE, Notice, name
from appserver.store.notices import PREFIXES, puts, sendings_of
from tests.lab.etcd import Cluster
from tests.lab.processes import Servers, app_server
from tests.lab.receivers import Receiver, receiver
from tests.lab.wait import wait_until

PREFIX = f"/notices-{os.getpid()}/"
AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
BEGIN = Notice(1, "begin", "2026.11.21-3", (0, 1, 2), AT, BEGIN_UPDATE, AT)


@pytest.fixture(scope="module")
def house(etcd_server: Cluster) -> Iterator[Servers]:
    with app_server(etcd_server, PREFIX, {"networks": ["127.0.0.0/8"], "cluster": "default"}) as started:
        yield started


@pytest.fixture
def kv(etcd_server: Cluster) -> Iterator[Etcd]:
    with closing(Etcd(etcd_server.endpoints, prefix=PREFIX)) as client:
        yield client


@pytest.fixture
def slack() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def tell(kv: Etcd, *notices: Notice) -> None:
    expect, put = puts(kv.snapshot(*PREFIXES), notices)
    assert kv.commit(expect, put)


def states(kv: Etcd) -> dict[str, str]:
    found = sendings_of(kv.snapshot(*PREFIXES))
    return {one: some["slack"].record.state for one, some in found.items() if "slack" in some}


def test_people_configure_test_see_and_send_again(house: Servers, kv: Etcd, slack: Receiver) -> None:
    """By the command line, against an app server as it is installed."""
    assert house.moorage("config", "set", "slack", f"{slack.url}/services/x").returncode == 0
    slack.answers, slack.said = [(200, {}), (404, {})], b"no_team"
    tested = house.moorage("notice", "test")
    assert (tested.returncode, tested.stdout) == (0, "slack: sent\n")
    tested = house.moorage("notice", "test", "--channel", "slack")
    assert (tested.returncode, tested.stdout) == (1, "slack: not sent: answered 404 no_team\n")
    assert house.moorage("notice", "test", "--channel", "mail").returncode == 2
    slack.answers = [(404, {})]
    tell(kv, BEGIN)
    wait_until(lambda: states(kv) == {"00000001-begin": "failed"}, "it is refused", 20)
    listed = house.moorage("notice", "list", "--undelivered").stdout
    assert [word in listed for word in ("00000001-begin", "failed", "answered 404 no_team")] == [True] * 3
    again = house.moorage("notice", "resend", "00000001-begin")
    assert (again.returncode, again.stdout) == (0, "notice 00000001-begin is sent again\n")
    wait_until(lambda: states(kv) == {"00000001-begin": "sent"}, "it is taken", 20)
    found = json.loads(house.moorage("--json", "notice", "list").stdout)["items"]
    assert [(one["name"], one["sendings"][0]["state"]) for one in found] == [("00000001-begin", "sent")]
    assert house.moorage("notice", "list", "--undelivered").stdout == ""


def test_an_app_server_is_killed_in_the_middle_of_its_outbox(house: Servers, kv: Etcd, slack: Receiver) -> None:
    """kill -9 while the receiver has the third of six: the next one sends the rest, and none twice."""
    assert house.moorage("config", "set", "slack", f"{slack.url}/services/x").returncode == 0
    six = [replace(BEGIN, run=run) for run in range(11, 17)]
    with house.second_serve():
        for one in six[:2]:
            tell(kv, one)
        wait_until(lambda: len(slack.got) == 2, "the first two arrive", 20)
        slack.gate = Event()
        tell(kv, *six[2:])
        wait_until(lambda: len(slack.got) == 3, "the third is there, and not answered")
        house.kill_serve()
        slack.gate.set()
        rest = {name(one): "sent" for one in (*six[:2], *six[3:])}
        wait_until(lambda: rest.items() <= states(kv).items(), "the next app server sends the rest", 40)
        assert states(kv)[name(six[2])] in ("sending", "unknown")
    ids = [got.headers["Idempotency-Key"] for got in slack.got]
    assert (len(ids), len(set(ids))) == (6, 6)
