"""One letter to a mail server on this machine: what it reads, what its answers mean, when a password is told."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from appserver.adapters.mails import SmtpMails
from appserver.core.addresses import outgoing
from appserver.core.sendings import Result
from appserver.ports.notices import Letter
from tests.fakes import START
from tests.lab.certs import Authority
from tests.lab.mailbox import mailbox
from tests.lab.receivers import Certificate

HERE = outgoing(["127.0.0.0/8"])
MAILS = SmtpMails(HERE, lambda: START, lambda host, port: ["127.0.0.1"])
TEXT = "It failed.\n\n.\nDetail: ü\n"


def letter(server: str, to: tuple[str, ...] = ("ops@example.com",)) -> Letter:
    return Letter(server, "moorage@example.com", to, "[tokyo] Update failed: 1.2", TEXT, "af01")


def never() -> None:
    raise AssertionError("nothing was to be sent")


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """Of a mail server, by an authority that this machine knows."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    return authority.issue("mail.test")


def test_a_letter_arrives_as_it_was_written() -> None:
    """To all at once; with an id that stays, and a sign that no person wrote it."""
    with mailbox() as box:
        to = ("ops@example.com", "ann@example.com")
        assert MAILS.send(letter(f"smtp://mail.test:{box.port}", to), lambda: None) == Result("sent")
    ((sender, told, message),) = box.letters
    assert (sender, told) == ("moorage@example.com", to)
    assert message.get_content().replace("\r\n", "\n") == TEXT  # type: ignore[attr-defined]
    headers = ("From", "To", "Subject", "Message-ID", "Auto-Submitted", "Date")
    assert [message[name] for name in headers] == [
        "moorage@example.com",
        "ops@example.com, ann@example.com",
        "[tokyo] Update failed: 1.2",
        "<af01@example.com>",
        "auto-generated",
        "Sat, 21 Nov 2026 07:00:00 +0000",
    ]


@pytest.mark.parametrize("scheme", ["smtps", "starttls", "smtp"])
def test_a_password_is_told_over_tls_alone(scheme: str, certificate: Certificate) -> None:
    """By each of the three schemes, unescaped."""
    with mailbox(certificate, tls_first=scheme == "smtps", password="hunt@r2") as box:
        url = f"{scheme}://ann:hunt%40r2@mail.test:{box.port}"
        assert MAILS.send(letter(url), lambda: None) == Result("sent")
    assert box.log_ins == [("ann", "hunt@r2", True)]


@pytest.mark.parametrize("scheme", ["starttls", "smtp"])
def test_a_server_without_tls_hears_no_password(scheme: str) -> None:
    """Somebody between us and it may have taken the offer away."""
    with mailbox(password="hunter2") as box:
        found = MAILS.send(letter(f"{scheme}://ann:hunter2@mail.test:{box.port}"), never)
    assert (found.kind, box.log_ins, box.letters) == ("refused", [], [])


def test_a_certificate_of_nobody_known_ends_it(tmp_path: Path) -> None:
    """Before the password; it may be mended, so it is tried again."""
    with mailbox(Authority(tmp_path).issue("mail.test"), password="hunter2") as box:
        found = MAILS.send(letter(f"starttls://ann:hunter2@mail.test:{box.port}"), never)
    assert (found.kind, box.log_ins) == ("again", [])
    assert found.reason.startswith("not reached: its certificate is not to be trusted")


def test_a_wrong_password_is_told_without_what_the_server_says(certificate: Certificate) -> None:
    """This one repeats it."""
    with mailbox(certificate, password="other") as box:
        found = MAILS.send(letter(f"starttls://ann:hunter2@mail.test:{box.port}"), never)
    assert found == Result("refused", "refuses the log-in: 535")


def test_who_is_refused_is_told_and_the_others_get_it() -> None:
    """All refused: nobody got it, and whether it is tried again depends on the codes."""
    with mailbox() as box:
        box.refuses = {"old@example.com": 550}
        url = f"smtp://mail.test:{box.port}"
        found = MAILS.send(letter(url, ("old@example.com", "ops@example.com")), lambda: None)
        assert found == Result("sent", "not for old@example.com (550)")
        assert MAILS.send(letter(url, ("old@example.com",)), never) == Result(
            "refused", "refuses mail for old@example.com: 550 not here"
        )
        box.refuses = {"old@example.com": 450}
        assert MAILS.send(letter(url, ("old@example.com",)), never).kind == "again"
    assert [to for _, to, _ in box.letters] == [("ops@example.com",)]


@pytest.mark.parametrize(("code", "kind"), [(451, "again"), (554, "refused")])
def test_a_letter_that_is_not_taken(code: int, kind: str) -> None:
    """The server has said that it has it not: that is known, though all was sent."""
    with mailbox() as box:
        box.fails = [code]
        found = MAILS.send(letter(f"smtp://mail.test:{box.port}"), lambda: None)
    assert (found.kind, found.reason) == (kind, f"refuses the mail: {code} not now")


def test_a_server_that_is_away_is_tried_again() -> None:
    """Nothing was sent."""
    with mailbox() as gone:
        pass
    found = MAILS.send(letter(f"smtp://mail.test:{gone.port}"), never)
    assert found == Result("again", "not reached: Connection refused")


def test_a_server_that_hangs_up_on_the_letter_may_have_it() -> None:
    """What was sent is not sent again."""
    with mailbox() as box:
        claimed = Event()
        mails = SmtpMails(HERE, lambda: START, lambda host, port: ["127.0.0.1"], limit_s=0.5)

        def slow() -> None:
            claimed.set()
            Event().wait(0.8)

        found = mails.send(letter(f"smtp://mail.test:{box.port}"), slow)
    assert (found.kind, claimed.is_set()) == ("unknown", True)


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "[::1]", "0.0.0.0"])
def test_no_address_within_is_spoken_to(host: str) -> None:
    """As of a URL that is posted to."""
    found = SmtpMails(HERE, lambda: START).send(letter(f"smtp://{host}:25"), never)
    assert (found.kind, found.reason.partition(":")[0]) == ("refused", "config/notification/smtp")
