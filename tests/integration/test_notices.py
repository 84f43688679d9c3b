"""The outbox of notices over a real etcd, with receivers on this machine: what arrives, once, and what people see."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appserver.core.access import Caller
from appserver.core.sendings import Sending
from appserver.errors import Conflict, Forbidden, Invalid, NotFound
from appserver.store.codec import decode
from appserver.store.notices import PREFIXES, undelivered_lines
from tests.fakes import START
from tests.lab.etcd import Cluster
from tests.lab.office import ANN, BEGIN, FAILURE, SUCCESS, Office, office_over, titles
from tests.lab.receivers import receiver
from tests.lab.wait import wait_until


@pytest.fixture
def office(etcd: Cluster) -> Iterator[Office]:
    with office_over(etcd) as made:
        yield made


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
    assert undelivered_lines(office.kv.snapshot(*PREFIXES), START) == ()


def test_what_is_on_its_way_is_no_warning(office: Office) -> None:
    """For half a minute; then somebody should look why."""
    office.configure(slack=f"{office.slack.url}/x")
    office.tell(BEGIN)
    seen = office.kv.snapshot(*PREFIXES)
    assert undelivered_lines(seen, START + timedelta(seconds=29)) == ()
    assert undelivered_lines(seen, START + timedelta(seconds=30)) == ("00000001-begin: nobody has been told yet",)


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
    assert undelivered_lines(office.kv.snapshot(*PREFIXES), START) == (
        "00000001-failure: slack: was not delivered: answered 404 no_service",
    )
    everything = "".join(item.value for key, item in office.kv.snapshot("").items.items() if "config/" not in key)
    assert "hunter2" not in everything + caplog.text


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
