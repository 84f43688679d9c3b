"""The outbox of notices over a real etcd, whoever leads: app servers that stop, die or are replaced in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Event

import pytest

from appserver.adapters.etcd import Etcd
from appserver.core import notices as core
from appserver.errors import StoreError
from appserver.ports import Leadership
from appserver.services.notices_try import Tries
from appserver.store.notices import sending_key
from tests.lab.etcd import Cluster
from tests.lab.office import BEGIN, SUCCESS, Office, fast, office_over, titles
from tests.lab.wait import wait_until


@pytest.fixture
def office(etcd: Cluster) -> Iterator[Office]:
    with office_over(etcd) as made:
        yield made


def test_an_app_server_that_stops_in_the_middle_leaves_the_rest_to_the_next(office: Office) -> None:
    """Ten notices, a new leader after each few: each arrives exactly once."""
    office.configure(slack=f"{office.slack.url}/x")
    wanted = [replace(BEGIN, run=run) for run in range(1, 11)]
    office.tell(*wanted)
    for share in (3, 6, 10):
        with office.serving(office.client()):
            wait_until(lambda share=share: len(office.slack.got) >= share, f"{share} arrive")  # type: ignore[misc]
    office.settled({f"{core.name(one)}/slack": "sent" for one in wanted})
    assert len(office.slack.got) == 10
    assert len({got.headers["Idempotency-Key"] for got in office.slack.got}) == 10


@dataclass(slots=True)
class Cut:
    """A connection to the store that can be cut: as of an app server that was killed, nothing of it is written."""

    kv: Etcd
    is_cut: Event = field(default_factory=Event)

    def __getattr__(self, name: str) -> object:
        if self.is_cut.is_set() and name in ("snapshot", "commit"):
            raise StoreError("cut off")
        return getattr(self.kv, name)


def test_a_leader_that_dies_while_it_sends_is_not_repeated(office: Office) -> None:
    """The receiver has it, the answer is lost with the leader: the next one says so, and sends what comes after."""
    office.configure(slack=f"{office.slack.url}/x")
    office.slack.gate = Event()
    cut = Cut(office.client())
    with office.serving(cut) as first:  # type: ignore[arg-type]  # a KV, by what it hands on
        office.tell(BEGIN)
        wait_until(lambda: office.slack.got, "the receiver has it")
        cut.is_cut.set()
        first.set()
        office.depose()
        with office.serving(office.client(), held_s=300.0):
            office.tell(SUCCESS)
            office.settled({"00000001-begin/slack": "unknown", "00000001-success/slack": "sending"})
            office.slack.gate.set()
            office.settled({"00000001-begin/slack": "unknown", "00000001-success/slack": "sent"})
    assert titles(office.slack) == ["Update begins", "Update completed successfully"]
    why = "may have been delivered or not, and is not sent again: the app server that sent it was gone before"
    assert office.told() == [f"WARNING notice 00000001-begin on slack {why} it told the end"]


def test_a_leader_that_is_only_replaced_tells_the_end_of_what_it_sent(office: Office) -> None:
    """Its claim was given up by the next one; it knows better, and nothing is sent twice."""
    office.configure(slack=f"{office.slack.url}/x")
    office.slack.gate = Event()
    with office.serving(office.client()) as first:
        office.tell(BEGIN)
        wait_until(lambda: office.slack.got, "the receiver has it")
        first.set()
        office.depose()
        with office.serving(office.client(), held_s=100.0):
            office.settled({"00000001-begin/slack": "unknown"})
            office.slack.gate.set()
            office.settled({"00000001-begin/slack": "sent"})
    assert titles(office.slack) == ["Update begins"]


def test_a_leader_that_was_replaced_sends_nothing(office: Office) -> None:
    """The fence of its leadership is in the claim."""
    office.configure(slack=f"{office.slack.url}/x")
    with office.kv.leader("notices", 10, "here", Event()) as leadership:
        assert leadership is not None
        old = _Old({**leadership.fence}, Event(), 0)
    tries = Tries(office.kv, office.sender(office.kv), office.clock, fast, lambda: 0.5)
    office.tell(BEGIN)
    with office.serving():
        office.settled({"00000001-begin/slack": "sent"})
    office.tell(SUCCESS)
    assert office.kv.commit(
        {}, {sending_key("00000001-success", "slack"): '{"id":"x","state":"pending","at":"2026-11-21T07:00:00Z"}'}
    )
    sent = tries.once(old, Event(), "slack", "00000001-success")
    assert (sent, titles(office.slack)) == (False, ["Update begins"])


@dataclass(frozen=True, slots=True)
class _Old(Leadership):
    fence: Mapping[str, int]
    lost: Event
    lease: int
