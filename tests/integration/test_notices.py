"""The outbox of notices over a real etcd, with receivers on this machine: each arrives once, whoever leads."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Event

import pytest

from appserver.adapters.etcd import Etcd
from appserver.adapters.mails import SmtpMails
from appserver.adapters.posts import HttpPosts
from appserver.adapters.sealer import KeySealer
from appserver.core import notices as core
from appserver.core.access import Caller
from appserver.core.addresses import outgoing
from appserver.core.events import Happening
from appserver.core.notices import BEGIN_UPDATE, Notice
from appserver.core.sendings import Sending
from appserver.core.site_config import place
from appserver.errors import Conflict, Forbidden, Invalid, NotFound, StoreError
from appserver.ports import KV, Leadership
from appserver.services.audit import Audit
from appserver.services.duties import Duties, FencedDuty
from appserver.services.events import Events
from appserver.services.notices import Notices
from appserver.services.notices_send import NoticeSender
from appserver.services.notices_try import Tries
from appserver.services.notices_view import NoticeList
from appserver.store import keys
from appserver.store.codec import decode
from appserver.store.notices import PREFIXES, puts, sendings_of, undelivered_lines
from appserver.store.records import below
from tests.fakes import START, HandClock
from tests.lab.etcd import Cluster
from tests.lab.receivers import Mailbox, Receiver, mailbox, receiver
from tests.lab.wait import wait_until

SEALER = KeySealer(bytes(32))
ANN = Caller("ann", "admin")
BEGIN = Notice(1, "begin", "1.2", (0, 1, 2), START, BEGIN_UPDATE, START)
SUCCESS = replace(BEGIN, kind="success", detail="")
FAILURE = replace(BEGIN, kind="failure", detail="update request was aborted: server 2: no")


@dataclass(slots=True)
class Office:
    """A store, who is told, and app servers that stand for the duty. Pauses pass a hundred times as fast."""

    kv: Etcd
    cluster: Cluster
    prefix: str
    slack: Receiver
    hook: Receiver
    box: Mailbox
    clock: HandClock = field(default_factory=HandClock)
    undo: ExitStack = field(default_factory=ExitStack)

    def configure(self, **values: str) -> None:
        """`slack="https://…"`; "" takes it out."""
        named = {f"config/notification/{name.replace('_', '-')}": value for name, value in values.items()}
        sealed = {key: SEALER.seal(text, place(key)) if "secret" in key else text for key, text in named.items()}
        gone = [key for key, text in named.items() if not text]
        assert self.kv.commit({}, {key: text for key, text in sealed.items() if named[key]}, gone)

    def tell(self, *notices: Notice) -> None:
        """As the updater does: with what they tell of."""
        expect, put = puts(self.kv.snapshot(*PREFIXES), notices)
        assert self.kv.commit(expect, {**put, "status/current": "…"})

    def sender(self, kv: KV) -> NoticeSender:
        rule = outgoing(["127.0.0.0/8"])
        mails = SmtpMails(rule, self.clock.now)
        return NoticeSender(
            kv=kv, sealer=SEALER, posts=HttpPosts(rule), mails=mails, cluster="tokyo", host="moorage.test"
        )

    @contextmanager
    def serving(self, kv: KV | None = None, held_s: float = 30.0) -> Iterator[Event]:
        """An app server with the duty, until the block ends, or what it is given is set."""
        stop, kv = Event(), kv or self.kv
        duty = Notices(
            kv=kv,
            sender=self.sender(kv),
            clock=self.clock,
            seconds=fast,
            chance=lambda: 0.5,
            held_s=held_s,
        )
        threads = Duties(kv=kv, value="here", duties=[FencedDuty("notices", duty.run)]).start(stop)
        try:
            yield stop
        finally:
            stop.set()
            for thread in threads:
                thread.join(20)

    def depose(self) -> None:
        """Whoever leads: another may."""
        assert self.kv.commit({}, {}, list(self.kv.snapshot("leader/notices/").items))

    def client(self) -> Etcd:
        """Another connection to the same keys, as another app server has."""
        made = Etcd(self.cluster.endpoints, prefix=self.prefix)
        self.undo.callback(made.close)
        return made

    def sendings(self) -> Mapping[str, str]:
        """`00000001-begin/slack`: `sent`."""
        found = sendings_of(self.kv.snapshot(*PREFIXES))
        return {f"{name}/{channel}": one.record.state for name, some in found.items() for channel, one in some.items()}

    def sending(self, name: str, channel: str = "slack") -> Sending:
        return sendings_of(self.kv.snapshot(*PREFIXES))[name][channel].record

    def settled(self, wanted: Mapping[str, str]) -> None:
        wait_until(lambda: self.sendings() == wanted, f"{wanted}", 20)

    def told(self) -> list[str]:
        """Events, oldest first."""
        found = below(self.kv.snapshot("events/"), "events/", Happening)
        return [f"{one.record.severity} {one.record.message}" for _, one in found]

    def people(self) -> NoticeList:
        audit, events = Audit(kv=self.kv, clock=self.clock), Events(kv=self.kv, clock=self.clock)
        return NoticeList(kv=self.kv, sender=self.sender(self.kv), audit=audit, events=events, clock=self.clock)


def fast() -> float:
    return time.monotonic() * 100


@pytest.fixture
def office(etcd: Cluster) -> Iterator[Office]:
    prefix = f"/notices-{next(_numbers)}/"
    with receiver() as slack, receiver() as hook, mailbox() as box, ExitStack() as undo:
        kv = undo.enter_context(closing(Etcd(etcd.endpoints, prefix=prefix)))
        yield Office(kv, etcd, prefix, slack, hook, box, undo=undo)


_numbers = count(1)


def titles(there: Receiver) -> list[str]:
    return [got.json["attachments"][0]["title"] for got in there.got]


def test_every_channel_is_told_once_and_in_order(office: Office) -> None:
    """Slack, a signed JSON, mail; and writing the same notice again is no second one."""
    office.configure(
        slack=f"{office.slack.url}/services/x",
        webhook=f"{office.hook.url}/hook",
        webhook_secret="sixteen or more !",
        mail="ops@example.com\nann@example.com",
        smtp=f"smtp://127.0.0.1:{office.box.port}",
    )
    with office.serving():
        office.tell(BEGIN, SUCCESS)
        office.tell(BEGIN)
        done = [
            f"00000001-{event}/{channel}" for event in ("begin", "success") for channel in ("mail", "slack", "webhook")
        ]
        office.settled(dict.fromkeys(done, "sent"))
        office.tell(SUCCESS, replace(BEGIN, detail="again"))
    assert titles(office.slack) == ["Update begins", "Update completed successfully"]
    assert [message["Subject"] for _, _, message in office.box.letters] == [
        "[tokyo] Update begins: 1.2",
        "[tokyo] Update completed successfully: 1.2",
    ]
    assert office.box.letters[0][:2] == (
        "moorage@moorage.test",
        ("ops@example.com", "ann@example.com"),
    )
    first, second = office.hook.got
    assert (first.json["event"], second.json["event"]) == ("update.begin", "update.success")
    assert first.json["id"] == first.headers["Idempotency-Key"] != second.json["id"]
    signature = hmac.new(b"sixteen or more !", first.body, hashlib.sha256).hexdigest()
    assert first.headers["X-Hub-Signature-256"] == f"sha256={signature}"
    assert office.told() == []
    assert undelivered_lines(office.kv.snapshot(*PREFIXES)) == ()


def test_what_a_receiver_does_not_take_is_tried_again_in_order(office: Office) -> None:
    """500 three times over, then well: each arrives once, the earlier one first, with one id for all tries."""
    office.configure(slack=f"{office.slack.url}/x")
    office.slack.answers = [(500, {}), (502, {}), (503, {"Retry-After": "30"})]
    office.tell(BEGIN, SUCCESS)
    with office.serving():
        office.settled({"00000001-begin/slack": "sent", "00000001-success/slack": "sent"})
    assert titles(office.slack) == ["Update begins"] * 4 + ["Update completed successfully"]
    assert len({got.headers["Idempotency-Key"] for got in office.slack.got[:4]}) == 1
    found = office.sending("00000001-begin")
    assert (found.attempts, found.waited_s) == (4, 45.0)
    assert office.told() == [
        "WARNING notice 00000001-begin on slack is not delivered yet, and tried again: answered 500"
    ]


def test_what_is_refused_for_good_is_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Once, as an error, by name, and for the status of updates; a secret URL stays out of all of it."""
    caplog.set_level(logging.DEBUG)
    office.configure(slack=f"{office.slack.url}/services/hunter2")
    office.slack.answers, office.slack.said = [(404, {})], b"no_service"
    office.tell(FAILURE)
    with office.serving():
        office.settled({"00000001-failure/slack": "failed"})
    assert len(office.slack.got) == 1
    assert office.told() == ["ERROR notice 00000001-failure on slack was not delivered: answered 404 no_service"]
    assert undelivered_lines(office.kv.snapshot(*PREFIXES)) == (
        "00000001-failure: slack: was not delivered: answered 404 no_service",
    )
    everything = "".join(item.value for key, item in office.kv.snapshot("").items.items() if "config/" not in key)
    assert "hunter2" not in everything + caplog.text


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
        {}, {keys.sending("00000001-success", "slack"): '{"id":"x","state":"pending","at":"2026-11-21T07:00:00Z"}'}
    )
    sent = tries.once(old, Event(), "slack", "00000001-success")
    assert (sent, titles(office.slack)) == (False, ["Update begins"])


@dataclass(frozen=True, slots=True)
class _Old(Leadership):
    fence: Mapping[str, int]
    lost: Event
    lease: int


def test_the_configuration_counts_as_it_is_at_the_moment(office: Office) -> None:
    """A URL that is mended is called at once, one taken out not waited for; a new one hears no old news."""
    with receiver() as gone:
        pass
    office.configure(slack=f"{gone.url}/x", webhook=f"{gone.url}/y")
    with office.serving():
        office.tell(BEGIN)
        wait_until(
            lambda: {*office.sendings().values()} == {"pending"} and office.sending("00000001-begin").attempts, "tried"
        )
        office.configure(slack=f"{office.slack.url}/x", webhook="", mail="ops@example.com")
        office.settled({"00000001-begin/slack": "sent", "00000001-begin/webhook": "dropped"})
        office.configure(smtp=f"smtp://127.0.0.1:{office.box.port}")
        office.tell(SUCCESS)
        wait_until(lambda: office.sendings().get("00000001-success/mail") == "sent", "mail")
    assert [got.path for got in office.slack.got] == ["/x", "/x"]
    assert len(office.box.letters) == 1


def test_mail_without_a_server_says_what_is_missing(office: Office) -> None:
    """And goes as soon as it is there."""
    office.configure(mail="ops@example.com")
    with office.serving():
        office.tell(BEGIN)
        missing = "config/notification/mail is set, and config/notification/smtp is not"
        wait_until(lambda: office.sendings() and office.sending("00000001-begin", "mail").reason == missing, missing)
        office.configure(smtp=f"smtp://127.0.0.1:{office.box.port}")
        office.settled({"00000001-begin/mail": "sent"})


def test_where_nothing_is_configured_nobody_is_told_then_or_later(office: Office) -> None:
    """Silence is no backlog."""
    with office.serving():
        office.tell(BEGIN)
        office.settled({"00000001-begin/nobody": "dropped"})
        office.configure(slack=f"{office.slack.url}/x")
        office.tell(SUCCESS)
        office.settled({"00000001-begin/nobody": "dropped", "00000001-success/slack": "sent"})
    assert titles(office.slack) == ["Update completed successfully"]


def test_what_is_settled_goes_after_a_week(office: Office) -> None:
    """But for the newest run's, so that what is told again is still one record."""
    office.configure(slack=f"{office.slack.url}/x")
    office.tell(BEGIN, replace(BEGIN, run=2))
    with office.serving():
        office.settled({"00000001-begin/slack": "sent", "00000002-begin/slack": "sent"})
        office.clock.pass_by(days=8)
        office.settled({"00000002-begin/slack": "sent"})
    assert list(office.kv.snapshot("notices/").items) == ["notices/00000002-begin"]


def test_people_see_test_and_send_again(office: Office) -> None:
    """Everybody reads; administrators test, and send again what was given up, with the id it had."""
    people = office.people()
    with pytest.raises(Invalid, match="no channel is configured"):
        people.test(ANN)
    office.configure(slack=f"{office.slack.url}/x", webhook=f"{office.hook.url}/y")
    office.slack.answers = [(410, {}), (404, {})]
    assert [(one.channel, one.ok, one.reason) for one in people.test(ANN)] == [
        ("slack", False, "answered 410"),
        ("webhook", True, ""),
    ]
    with pytest.raises(Forbidden):
        people.test(Caller("olga", "operator"))
    with office.serving():
        office.tell(FAILURE)
        office.settled({"00000001-failure/slack": "failed", "00000001-failure/webhook": "sent"})
        with pytest.raises(NotFound):
            people.resend(ANN, "00000009-begin")
        with pytest.raises(Conflict):
            people.resend(ANN, "00000001-failure", "webhook")
        (one,), following = people.list(Caller("vic", "viewer"), undelivered_only=True)
        assert (one.name, list(one.undelivered), following) == ("00000001-failure", ["slack"], "")
        people.resend(ANN, "00000001-failure")
        office.settled({"00000001-failure/slack": "sent", "00000001-failure/webhook": "sent"})
    assert office.slack.got[-1].headers["Idempotency-Key"] == office.slack.got[-2].headers["Idempotency-Key"]
    assert people.list(ANN, undelivered_only=True) == ((), "")


def test_a_record_of_another_program_holds_up_nothing(office: Office) -> None:
    """What cannot be read is passed over."""
    office.configure(slack=f"{office.slack.url}/x")
    office.kv.commit(
        {}, {"notices/junk": "{", "notices/00000001-x": '{"run": "a"}', "sendings/00000001-begin/fax": "1"}
    )
    with office.serving():
        office.tell(BEGIN)
        wait_until(lambda: office.sendings().get("00000001-begin/slack") == "sent", "sent")
    assert decode(office.kv.snapshot("sendings/").items["sendings/00000001-begin/slack"].value, Sending).state == "sent"
