"""Notices of updates, with a store, receivers on this machine, and app servers that stand for the duty of sending."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Event

from appserver.adapters.etcd import Etcd
from appserver.adapters.mails import SmtpMails
from appserver.adapters.posts import HttpPosts
from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.addresses import outgoing
from appserver.core.events import Happening
from appserver.core.notices import BEGIN_UPDATE, Notice
from appserver.core.sendings import Sending
from appserver.core.site_config import place
from appserver.ports import KV
from appserver.services.audit import Audit
from appserver.services.duties import Duties, FencedDuty
from appserver.services.events import Events
from appserver.services.notices import Notices
from appserver.services.notices_send import NoticeSender
from appserver.services.notices_view import NoticeList
from appserver.store.notices import PREFIXES, puts, sendings_of
from appserver.store.records import below
from tests.fakes import START, HandClock
from tests.lab.etcd import Cluster
from tests.lab.mailbox import Mailbox, mailbox
from tests.lab.receivers import Receiver, receiver
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


@contextmanager
def office_over(etcd: Cluster) -> Iterator[Office]:
    """Over keys of its own, with receivers that take everything."""
    prefix = f"/notices-{next(_numbers)}/"
    with receiver() as slack, receiver() as hook, mailbox() as box, ExitStack() as undo:
        kv = undo.enter_context(closing(Etcd(etcd.endpoints, prefix=prefix)))
        yield Office(kv, etcd, prefix, slack, hook, box, undo=undo)


def fast() -> float:
    return time.monotonic() * 100


def titles(there: Receiver) -> list[str]:
    return [got.json["attachments"][0]["title"] for got in there.got]


_numbers = count(1)
