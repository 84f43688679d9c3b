"""Ways in: passwords, sessions, tokens; how guessing is slowed, how each ends, and what is on record of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from appserver.core.access import Caller
from appserver.errors import TooMany, Unauthenticated, UserError
from tests.fakes import PASSWORD, Desk

ROOT = Caller("root", "admin")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_wrong_passwords_unknown_names_and_closed_accounts_look_alike(desk: Desk):
    """Trying does not tell which names exist."""
    desk.person("ann")
    desk.person("bob", "viewer")
    desk.access.users.change(ROOT, "bob", disabled=True)
    told = set()
    for name, password in (("ann", "wrong password"), ("nobody", PASSWORD), ("bob", PASSWORD), ("../x", PASSWORD)):
        with pytest.raises(Unauthenticated) as refusal:
            desk.access.by_password(name, password, "192.0.2.9")
        told.add(str(refusal.value))
    assert told == {"name or password is wrong"}


def test_guessing_is_slowed_from_one_address_and_the_owner_is_not_locked_out(desk: Desk):
    """After a few wrong guesses that address waits, longer each time; the same name from elsewhere does not."""
    desk.person("ann")
    for _ in range(6):
        with pytest.raises(Unauthenticated):
            desk.access.by_password("ann", "wrong password", "192.0.2.9")
    with pytest.raises(TooMany) as slow:
        desk.access.by_password("ann", PASSWORD, "192.0.2.9")
    assert 0 < slow.value.retry_after_s <= 2
    assert desk.access.by_password("ann", PASSWORD, "192.0.2.10").name == "ann"
    desk.clock.pass_by(seconds=2)
    assert desk.access.by_password("ann", PASSWORD, "192.0.2.9").name == "ann"


def test_guessing_many_names_from_one_address_is_slowed(desk: Desk):
    """Going through a list of names is no way round the limit for one name."""
    assert _refusals(desk, ((f"user{number}", "192.0.2.9") for number in range(40))) == 31


def test_neighbours_of_an_ipv6_host_count_as_it(desk: Desk):
    """A host has 2^64 addresses of its own, and they are one guesser."""
    assert _refusals(desk, (("ann", f"2001:db8::{number + 1:x}") for number in range(40))) == 6


def test_a_session_slides_and_ends(desk: Desk):
    """Used, it lasts; unused for twelve hours it ends; after a week it ends whatever happens."""
    desk.person("ann")
    session = desk.access.log_in("ann", PASSWORD)
    for _ in range(13):
        desk.clock.pass_by(hours=11)
        assert desk.access.by_session(session) == Caller("ann", "admin", "", "session")
    desk.clock.pass_by(hours=13)
    assert desk.access.by_session(session) is None
    session = desk.access.log_in("ann", PASSWORD)
    for _ in range(15):
        desk.clock.pass_by(hours=11)
        desk.access.by_session(session)
    desk.clock.pass_by(hours=4)
    assert desk.access.by_session(session) is None


def test_logging_out_ends_the_session_itself(desk: Desk):
    """A copy of the cookie is worth nothing after log-out."""
    desk.person("ann")
    session = desk.access.log_in("ann", PASSWORD)
    desk.access.log_out(Caller("ann", "admin"), session)
    assert desk.access.by_session(session) is None


def _close(desk: Desk) -> None:
    desk.access.users.change(ROOT, "bob", disabled=True)


def _delete(desk: Desk) -> None:
    desk.access.users.delete(ROOT, "bob")


def _again(desk: Desk) -> None:
    desk.access.users.delete(ROOT, "bob")
    desk.person("bob", "admin")


@pytest.mark.parametrize("end", [_close, _delete, _again], ids=["closed", "deleted", "given to another"])
def test_sessions_and_tokens_end_with_their_account(desk: Desk, end: Callable[[Desk], None]):
    """A closed account opens no door, nor does one whose name was given to somebody else."""
    desk.person("ann")
    bob = desk.person("bob", "viewer")
    session = desk.access.log_in("bob", PASSWORD)
    _, token = desk.access.tokens.create(bob, "ci")
    end(desk)
    assert desk.access.by_session(session) is None
    with pytest.raises(Unauthenticated):
        desk.access.by_token(token)


def test_a_changed_role_counts_at_once(desk: Desk):
    """Sessions and tokens do not remember the role they were made with."""
    desk.person("ann")
    bob = desk.person("bob", "operator")
    session = desk.access.log_in("bob", PASSWORD)
    _, token = desk.access.tokens.create(bob, "ci")
    desk.access.users.change(ROOT, "bob", role="viewer")
    found = desk.access.by_session(session)
    assert found is not None
    assert found.role == "viewer"
    assert desk.access.by_token(token).role == "viewer"


def test_git_takes_a_password_or_a_token(desk: Desk):
    """A name with its password, or with one of its own tokens; the token of another name is refused."""
    ann = desk.person("ann")
    desk.person("bob", "viewer")
    _, token = desk.access.tokens.create(ann, "git", "operator")
    assert desk.access.basic("ann", PASSWORD).role == "admin"
    assert desk.access.basic("ann", token).role == "operator"
    assert desk.access.basic("", token).name == "ann"
    with pytest.raises(Unauthenticated):
        desk.access.basic("bob", token)


def test_no_secret_is_on_record(desk: Desk):
    """Who reads the store can act as nobody: no password, token, cookie or link is in it."""
    ann = desk.person("ann")
    session = desk.access.log_in("ann", PASSWORD)
    _, token = desk.access.tokens.create(ann, "ci")
    link = desk.access.users.invite(ROOT, "bob", "viewer")
    seen = desk.kv.snapshot("users/", "tokens/", "sessions/", "invites/", "audit/", "events/")
    record = "".join(key + item.value for key, item in seen.items.items())
    for secret in (PASSWORD, session, link, token.rpartition("_")[2]):
        assert secret not in record


def test_every_write_is_audited_the_refused_ones_too(desk: Desk):
    """The audit says who tried what, and how it ended."""
    desk.person("ann")
    bob = desk.person("bob", "viewer")
    with pytest.raises(UserError):
        desk.access.users.delete(bob, "ann")
    with pytest.raises(UserError):
        desk.access.by_password("ann", "wrong password")
    desk.access.tokens.create(bob, "ci")
    assert sorted(desk.entries()) == [
        ("ann", "accept invite", "user:ann", "ok"),
        ("ann", "log in", "user:ann", "refused"),
        ("bob", "accept invite", "user:bob", "ok"),
        ("bob", "create token", "user:bob", "ok"),
        ("bob", "delete", "user:ann", "refused"),
        ("root", "invite", "user:bob", "ok"),
    ]


def _refusals(desk: Desk, tries: Iterable[tuple[str, str]]) -> int:
    """How many wrong guesses of (name, address) are heard before the guesser has to wait."""
    for heard, (name, address) in enumerate(tries):
        try:
            desk.access.by_password(name, "wrong password", address)
        except TooMany:
            return heard
        except Unauthenticated:
            continue
    raise AssertionError("never told to wait")
