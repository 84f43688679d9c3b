from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appserver.core.addresses import Outgoing
from appserver.core.entities import Source, SourceState
from appserver.core.sources import (
    Delivery,
    SourceRequest,
    advanced,
    check,
    concerns,
    due,
    failed,
    kept,
    proven,
)
from appserver.errors import Invalid, Unauthenticated

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
REMOTE = Source("team", "remote", NOW, url="https://git.example.com/team.git")
HOSTED = Source("config", "hosted", NOW)
URL = "https://git.example.com/x.git"
PUBLIC = Outgoing()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_remote_is_looked_at_when_its_interval_has_passed() -> None:
    """At once the first time, then every minute."""
    assert due(REMOTE, SourceState(), 0, 0.0, NOW)
    seen = SourceState(checked_at=NOW)
    assert not due(REMOTE, seen, 0, 0.0, at(59))
    assert due(REMOTE, seen, 0, 0.0, at(60))


def test_pauses_double_with_each_failure_up_to_an_hour() -> None:
    """A remote that is down is not hammered, and not forgotten."""
    seen = SourceState(checked_at=NOW)
    assert not due(REMOTE, seen, 1, 0.0, at(119))
    assert due(REMOTE, seen, 1, 0.0, at(120))
    assert due(REMOTE, seen, 2, 0.0, at(240))
    assert not due(REMOTE, seen, 20, 0.0, at(3599))
    assert due(REMOTE, seen, 20, 0.0, at(3600))


def test_jitter_moves_a_look_by_a_tenth() -> None:
    """A thousand sources with one interval do not all wake at once."""
    seen = SourceState(checked_at=NOW)
    assert due(REMOTE, seen, 0, -1.0, at(54))
    assert not due(REMOTE, seen, 0, 1.0, at(65))


def test_a_request_is_answered_whatever_the_interval_says() -> None:
    """A webhook or a person asked; also of a hosted source, which has no interval."""
    asked = SourceState(checked_at=NOW, asked=3, answered=2)
    assert due(REMOTE, asked, 9, 0.0, NOW) and due(HOSTED, asked, 0, 0.0, NOW)
    assert not due(HOSTED, replace(asked, answered=3), 0, 0.0, at(9999))


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        (SourceRequest("x", branch="-x"), "branch"),
        (SourceRequest("x", url=URL), "url"),
        (SourceRequest("x", credential="secret"), "url"),
        (SourceRequest("x", "remote"), "url"),
        (SourceRequest("x", "remote", URL, interval_s=1), "interval_s"),
        (SourceRequest("x", "remote", URL, interval_s=float("nan")), "interval_s"),
        (SourceRequest("x", "remote", URL, username="-o"), "username"),
        (SourceRequest("x", "remote", URL, username="a b"), "username"),
        (SourceRequest("x", "remote", URL, credential="two\nlines"), "credential"),
        (SourceRequest("x", "remote", URL, credential="x" * 20_000), "credential"),
        (SourceRequest("x", "remote", "git@git.example.com:x", credential="key"), "known_hosts"),
        (SourceRequest("x", "remote", URL, webhook_secret="short"), "webhook_secret"),
        (SourceRequest("x", "other"), "kind"),  # type: ignore[arg-type]
    ],
)
def test_what_a_source_cannot_be_is_refused_by_field(wanted: SourceRequest, where: str) -> None:
    """The form marks the field."""
    with pytest.raises(Invalid) as error:
        check(wanted, PUBLIC)
    assert error.value.where == where


def test_usual_sources_are_taken() -> None:
    """Hosted; https with a token; ssh with a key and known hosts."""
    check(SourceRequest("x"), PUBLIC)
    check(SourceRequest("x", "remote", URL, username="bob", credential="tok", webhook_secret="s" * 16), PUBLIC)
    check(SourceRequest("x", "remote", "git@h.example:x", credential="-\nkey\n-", known_hosts="h.example k"), PUBLIC)


def signed(body: bytes, secret: str = "s" * 16) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_signed_delivery_is_known_by_its_body() -> None:
    """The digest is of what was signed: no header can make one delivery two."""
    body = b'{"ref": "refs/heads/main"}'
    assert proven("s" * 16, signed(body), body) == Delivery(hashlib.sha256(body).hexdigest(), "refs/heads/main")


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha1=abc", "sha256=" + "0" * 64, signed(b"{}", "other secret 1234"), "é"]
)
def test_a_wrong_signature_proves_nothing(signature: str) -> None:
    """None, short, of another kind, of another secret, not even ASCII."""
    with pytest.raises(Unauthenticated):
        proven("s" * 16, signature, b"{}")


def test_a_source_without_a_secret_takes_nothing() -> None:
    """A signature under the empty secret is nobody's."""
    with pytest.raises(Unauthenticated):
        proven("", signed(b"{}", ""), b"{}")


@pytest.mark.parametrize("body", [b"", b"x=1", b"[]", b"null", b"[" * 100_000, b"\xff"])
def test_signed_nonsense_is_refused(body: bytes) -> None:
    """A proven sender may still be broken."""
    with pytest.raises(Invalid):
        proven("s" * 16, signed(body), body)


def test_only_the_tracked_branch_concerns_us() -> None:
    """A delivery that names no reference (a ping, another forge) is taken as if it were about ours."""
    refs = ("refs/heads/main", "", "refs/heads/other", "refs/tags/main")
    assert [concerns(Delivery("d", ref), REMOTE) for ref in refs] == [True, True, False, False]


def test_a_failure_keeps_what_is_in_force_and_its_own_time() -> None:
    """The first time of an error is its time; a better commit ends it."""
    state = SourceState(commit="a", at=NOW)
    once = failed(state, "down", "", at(1))
    assert (once.commit, once.error_at) == ("a", at(1))
    assert failed(once, "down", "", at(2)) == once
    assert failed(once, "worse", "", at(3)).error_at == at(3)
    fine = advanced(once, "b", "hosted", {}, at(4))
    assert (fine.commit, fine.error, fine.error_at) == ("b", "", None)


def test_what_was_pushed_here_binds_what_comes_next_and_what_was_fetched_does_not() -> None:
    """A remote may be rewritten by its owners, and a source may be moved from a remote to here."""
    pushed = advanced(SourceState(), "a", "hosted", {}, NOW)
    fetched = advanced(SourceState(), "a", URL, {}, NOW)
    assert (kept(HOSTED, pushed), kept(HOSTED, fetched), kept(REMOTE, pushed)) == ("a", "", "")


def test_secrets_are_not_in_the_text_of_a_request() -> None:
    """A request may end up in a log."""
    assert "hush" not in repr(SourceRequest("x", credential="hush", webhook_secret="hush"))
