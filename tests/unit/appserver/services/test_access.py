"""Ways in: passwords, sessions, tokens, links; and how each ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest

from appserver.core.access import Caller
from appserver.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    TooMany,
    Unauthenticated,
    UserError,
)
from tests.fakes import PASSWORD, Desk

ROOT = Caller("root", "admin")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_administrator_is_made_by_a_link_that_works_once(desk: Desk):
    """The set-up link makes one administrator; used again, it is as if it had never been."""
    secret = desk.access.users.set_up_link("root on n1")
    made = desk.access.users.accept(secret, "ann", PASSWORD)
    assert (made.name, made.role) == ("ann", "admin")
    with pytest.raises(NotFound):
        desk.access.users.accept(secret, "eve", PASSWORD)
    assert [user.name for user in desk.access.users.list(ROOT)] == ["ann"]


def test_no_set_up_link_while_there_is_an_administrator(desk: Desk):
    """Who can run the set-up on the host cannot make a second first administrator unseen."""
    desk.person("ann")
    assert desk.access.users.set_up_link("root on n1") == ""


def test_a_new_set_up_link_ends_the_old_one(desk: Desk):
    """Only the link printed last is good."""
    old = desk.access.users.set_up_link("root on n1")
    new = desk.access.users.set_up_link("root on n1")
    with pytest.raises(NotFound):
        desk.access.users.invited(old)
    assert desk.access.users.invited(new).role == "admin"


def test_a_link_ends_after_a_day(desk: Desk):
    """A link in an old mail opens nothing."""
    secret = desk.access.users.set_up_link("root on n1")
    desk.clock.pass_by(hours=24, seconds=1)
    with pytest.raises(NotFound):
        desk.access.users.accept(secret, "ann", PASSWORD)


def test_a_second_link_is_dead_once_the_first_made_an_administrator(desk: Desk):
    """Two links printed at the same time by two hosts make one administrator."""
    first = desk.access.users.set_up_link("root on n1")
    held = desk.kv.snapshot("invites/").items
    second = desk.access.users.set_up_link("root on n2")
    desk.kv.commit({}, {key: item.value for key, item in held.items()})
    desk.access.users.accept(first, "ann", PASSWORD)
    with pytest.raises(NotFound):
        desk.access.users.accept(second, "eve", PASSWORD)


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "-rf", "x" * 64, "all", "an\nn", "\u0430nn"])
def test_an_account_with_a_bad_name_is_refused(desk: Desk, name: str):
    """No name can reach into another key, and the link stays good for a better one."""
    secret = desk.access.users.set_up_link("root on n1")
    with pytest.raises(Invalid):
        desk.access.users.accept(secret, name, PASSWORD)
    assert desk.access.users.accept(secret, "ann", PASSWORD).name == "ann"


def test_an_invitation_cannot_take_over_an_account_made_meanwhile(desk: Desk):
    """A link for a new name is dead once somebody has that name."""
    desk.person("ann")
    early, late = (desk.access.users.invite(ROOT, "bob", "viewer") for _ in "12")
    desk.access.users.accept(early, "bob", PASSWORD)
    with pytest.raises(NotFound):
        desk.access.users.accept(late, "bob", "another one, quite long")


def test_an_invitation_for_somebody_gives_another_password_and_ends_sessions(desk: Desk):
    """Who forgot their password gets a link; whoever was logged in by the old one is not any more."""
    desk.person("ann")
    session = desk.access.log_in("ann", PASSWORD)
    desk.access.users.accept(desk.access.users.invite(ROOT, "ann", "viewer"), "", "another one, quite long")
    assert desk.access.by_session(session) is None
    with pytest.raises(Unauthenticated):
        desk.access.by_password("ann", PASSWORD)
    assert desk.access.by_password("ann", "another one, quite long").role == "admin"


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_only_administrators_invite(desk: Desk, role: str):
    """Nobody makes accounts for others, or learns who has one, without the right to."""
    desk.person("ann")
    caller = Caller("bob", role)  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        desk.access.users.invite(caller, "eve", "admin")
    assert desk.access.users.list(caller) == ()


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


def test_the_last_administrator_stays_one(desk: Desk):
    """An installation cannot lock itself out."""
    ann = desk.person("ann")
    desk.person("bob", "operator")
    with pytest.raises(Conflict):
        desk.access.users.change(ann, "ann", role="viewer")
    with pytest.raises(Conflict):
        desk.access.users.change(ann, "ann", disabled=True)
    with pytest.raises(Conflict):
        desk.access.users.delete(ann, "ann")
    desk.access.users.change(ann, "bob", role="admin")
    assert desk.access.users.change(ann, "ann", role="viewer").record.role == "viewer"


def test_a_change_of_what_was_not_looked_at_is_refused(desk: Desk):
    """Two administrators who edit the same user do not undo each other."""
    desk.person("ann")
    desk.person("bob", "viewer")
    seen = desk.access.users.show(ROOT, "bob").revision
    desk.access.users.change(ROOT, "bob", role="operator", expect=seen)
    with pytest.raises(PreconditionFailed):
        desk.access.users.change(ROOT, "bob", role="admin", expect=seen)


def test_one_changes_ones_own_password_by_the_present_one(desk: Desk):
    """Who finds an open browser cannot take the account over."""
    ann = desk.person("ann")
    session = desk.access.log_in("ann", PASSWORD)
    with pytest.raises(Forbidden):
        desk.access.users.set_password(ann, "not it at all", "another one, quite long")
    with pytest.raises(Invalid):
        desk.access.users.set_password(ann, PASSWORD, "short")
    desk.access.users.set_password(ann, PASSWORD, "another one, quite long")
    assert desk.access.by_session(session) is None
    assert desk.access.by_password("ann", "another one, quite long").name == "ann"


def test_a_token_is_capped_by_its_scope(desk: Desk):
    """An administrator's token for viewing cannot change anything, nor make a token that can."""
    ann = desk.person("ann")
    _, text = desk.access.tokens.create(ann, "dashboard", "viewer")
    viewer = desk.access.by_token(text, "192.0.2.7")
    assert (viewer.name, viewer.role, viewer.via) == ("ann", "viewer", "token")
    with pytest.raises(Invalid):
        desk.access.tokens.create(viewer, "more", "admin")
    _, child = desk.access.tokens.create(viewer, "more")
    assert desk.access.by_token(child).role == "viewer"


def test_revoking_a_token_revokes_what_was_made_with_it(desk: Desk):
    """A stolen token cannot outlive its revocation by making others first."""
    ann = desk.person("ann")
    parent, text = desk.access.tokens.create(ann, "laptop")
    _, child = desk.access.tokens.create(desk.access.by_token(text), "child")
    _, grandchild = desk.access.tokens.create(desk.access.by_token(child), "grandchild")
    _, other = desk.access.tokens.create(ann, "other")
    desk.access.tokens.revoke(ann, parent.id)
    for gone in (text, child, grandchild):
        with pytest.raises(Unauthenticated):
            desk.access.by_token(gone)
    assert desk.access.by_token(other).name == "ann"


def test_tokens_of_others_are_neither_seen_nor_revoked(desk: Desk):
    """To anybody but its owner and administrators a token does not exist."""
    ann = desk.person("ann")
    bob = desk.person("bob", "operator")
    token, text = desk.access.tokens.create(ann, "laptop")
    assert desk.access.tokens.list(bob) == ()
    with pytest.raises(NotFound):
        desk.access.tokens.revoke(bob, token.id)
    assert desk.access.by_token(text).name == "ann"


def test_a_token_ends_at_its_time_and_is_cleared_away(desk: Desk):
    """An expired token is refused at once, and leaves the record when it is tidied."""
    ann = desk.person("ann")
    _, text = desk.access.tokens.create(ann, "ci", lasts=timedelta(days=1))
    desk.access.tokens.create(ann, "for ever")
    desk.clock.pass_by(days=1)
    with pytest.raises(Unauthenticated):
        desk.access.by_token(text)
    assert desk.access.tokens.prune() == 1
    assert [token.title for token in desk.access.tokens.list(ann)] == ["for ever"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mrg_",
        "mrg_0000000000000000_" + "0" * 64,
        "mrg_../../users/ann_" + "0" * 64,
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJyb2xlIjoiYWRtaW4ifQ.",
        "mrg_" + "f" * 16 + "_" + "0" * 63,
        "Bearer x",
        "mrg_\uff41",
    ],
)
def test_what_is_no_token_opens_nothing(desk: Desk, text: str):
    """Garbage, made-up ids and other people's formats are all the same refusal."""
    desk.person("ann")
    with pytest.raises(Unauthenticated):
        desk.access.by_token(text)


def test_the_right_id_with_a_wrong_secret_opens_nothing(desk: Desk):
    """Knowing a token's id from a list is worth nothing."""
    token, text = desk.access.tokens.create(desk.person("ann"), "ci")
    with pytest.raises(Unauthenticated):
        desk.access.by_token(f"mrg_{token.id}_{'0' * 64}")
    assert desk.access.by_token(text).name == "ann"


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
