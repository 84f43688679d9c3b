"""Accounts: the first by a set-up link, others by invitation; what administrators change, and what nobody may."""

from __future__ import annotations

import pytest

from appserver.core.access import Caller
from appserver.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed, Unauthenticated
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
