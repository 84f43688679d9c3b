"""Notices by mail: one letter to one server, which is spoken to at an address that was checked."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from urllib.parse import unquote, urlsplit

from appserver.adapters.notice_try import tried
from appserver.adapters.outgoing import Resolve, connect, resolved
from appserver.adapters.registry_deadline import Deadline
from appserver.core.addresses import Outgoing
from appserver.core.channels import SMTP as WHERE
from appserver.core.channels import mail_server
from appserver.core.sendings import Result
from appserver.ports.notices import Letter

LIMIT_S = 15.0
"""For all of one letter: a mail server may look at whoever speaks before it greets."""
_READ_S = 10.0
_PLAIN = re.compile(r"[^\x20-\x7e]+")


class SmtpMails:
    """See `ports.notices.Mails`. Certificates are held to the system's authorities."""

    def __init__(
        self,
        rule: Outgoing,
        now: Callable[[], datetime],
        resolve: Resolve = resolved,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._rule = rule
        self._now = now
        self._resolve = resolve
        self._limit_s = limit_s

    def send(self, letter: Letter, ready: Callable[[], None]) -> Result:
        """See `ports.notices.Mails`."""
        act = partial(self._answer, letter)
        return tried(act, ready, self._limit_s, (OSError, smtplib.SMTPException), _why)

    def _answer(self, letter: Letter, deadline: Deadline, ready: Callable[[], None]) -> Result:
        try:
            return self._sent(letter, deadline, ready)
        except smtplib.SMTPNotSupportedError:
            return Result("refused", "the server does not do what the URL asks of it: TLS, or a log-in")
        except smtplib.SMTPAuthenticationError as error:
            return _answered("refuses the log-in", error.smtp_code, "")
        except smtplib.SMTPRecipientsRefused as error:
            return _all_refused(error.recipients)
        except smtplib.SMTPResponseException as error:
            return _answered("refuses the mail", error.smtp_code, error.smtp_error)

    def _sent(self, letter: Letter, deadline: Deadline, ready: Callable[[], None]) -> Result:
        leads = mail_server(letter.server, self._rule)
        parts = urlsplit(letter.server)
        context = ssl.create_default_context()
        rule, resolve = self._rule, self._resolve

        class Checked(smtplib.SMTP):
            def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
                made = connect(host, port, WHERE, rule, resolve)
                made.settimeout(timeout)
                deadline.hold(made)
                return context.wrap_socket(made, server_hostname=host) if leads.scheme == "smtps" else made

        server = Checked(leads.host, leads.port, local_hostname=_own_name(), timeout=_READ_S)
        try:
            if leads.scheme == "starttls" or (leads.scheme == "smtp" and parts.password):
                server.starttls(context=context)
            if parts.password:
                server.login(unquote(parts.username or ""), unquote(parts.password))
            return _handed_over(server, letter, _message(letter, self._now()), ready)
        finally:
            with suppress(OSError, smtplib.SMTPException):  # it has what it was sent, or has refused it
                server.quit()
            server.close()


def _handed_over(server: smtplib.SMTP, letter: Letter, message: bytes, ready: Callable[[], None]) -> Result:
    server.ehlo_or_helo_if_needed()
    code, said = server.mail(letter.sender)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, said, letter.sender)
    refused = {}
    for one in letter.to:
        code, said = server.rcpt(one)
        if code not in (250, 251):
            refused[one] = (code, said)
    if len(refused) == len(letter.to):
        raise smtplib.SMTPRecipientsRefused(refused)
    ready()
    code, said = server.data(message)
    if code != 250:
        raise smtplib.SMTPDataError(code, said)
    without = ", ".join(f"{one} ({code})" for one, (code, _) in refused.items())
    return Result("sent", f"not for {without}" if without else "")


def _message(letter: Letter, at: datetime) -> bytes:
    made = EmailMessage(policy=SMTP)
    made["From"] = letter.sender
    made["To"] = ", ".join(letter.to)
    made["Subject"] = letter.subject
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{letter.id}@{letter.sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text, cte="quoted-printable")
    return made.as_bytes()


def _answered(what: str, code: int, said: bytes | str) -> Result:
    """4xx may be better later, 5xx never."""
    words = said.decode("latin-1") if isinstance(said, bytes) else said
    told = f"{what}: {code} {_PLAIN.sub(' ', words)[:120]}".rstrip()
    return Result("refused" if code >= 500 else "again", told)


def _all_refused(refused: Mapping[str, tuple[int, bytes]]) -> Result:
    later = [code for code, _ in refused.values() if code < 500]
    one, (code, said) = next(iter(refused.items()))
    return _answered(f"refuses mail for {one}", later[0] if later else code, said)


def _own_name() -> str:
    """Without asking a name server."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", name) else "localhost"


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or 'broken off'}"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it hung up"
    if isinstance(error, TimeoutError):
        return "too slow"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
