"""Who may do what: the table of rights, and what a password may be."""

from __future__ import annotations

import pytest

from appserver.core.access import RIGHTS, ROLES, Caller, Role, reason_against, require, weaker
from appserver.errors import Forbidden

LETTERS = "CRUDEA"


@pytest.mark.parametrize(
    ("role", "kind", "held"),
    [
        ("admin", "application", "CRUDEA"),
        ("operator", "application", "CRUDEA"),
        ("viewer", "application", "R"),
        ("operator", "cluster", "RA"),
        ("viewer", "node", "R"),
        ("operator", "source", "RUE"),
        ("operator", "user", ""),
        ("viewer", "audit", ""),
        ("operator", "audit", ""),
        ("admin", "audit", "R"),
        ("viewer", "event", "R"),
    ],
)
def test_letters_of_a_role(role: Role, kind: str, held: str):
    """Each role has exactly the letters of its row, on every object of the kind."""
    caller = Caller("bob", role)
    assert "".join(letter for letter in LETTERS if caller.may(letter, f"{kind}:shop")) == held


def test_a_kind_without_a_row_is_denied_to_everybody():
    """What nobody has thought of is not allowed, not even to administrators."""
    assert not any(Caller("bob", role).may(letter, "reactor:core") for role in ROLES for letter in LETTERS)


@pytest.mark.parametrize(
    "subject", ["", ":", "application", "user", ":bob", "user:", "user:ann", "user:bob:x", "USER:bob"]
)
def test_a_viewer_holds_nothing_by_an_odd_subject(subject: str):
    """No way to write a subject gives more rights than its row does."""
    caller = Caller("bob", "viewer")
    assert not any(caller.may(letter, subject) for letter in LETTERS if (letter, subject) != ("R", "application"))


def test_everybody_looks_after_their_own_account():
    """One's own account may be read, and what is inside it changed; its role may not."""
    bob = Caller("bob", "viewer")
    assert [letter for letter in LETTERS if bob.may(letter, "user:bob")] == ["R", "A"]
    assert not bob.may("R", "user:ann")


def test_stronger_roles_hold_what_weaker_ones_do():
    """Nobody loses a right by being given a stronger role."""
    for kind, row in RIGHTS.items():
        held = [set(row.get(role, "")) for role in ROLES]
        assert held[0] <= held[1] <= held[2], kind


def test_refusal_names_the_right_and_the_subject():
    """The reader of a refusal learns what was wanted, of what, and as whom."""
    with pytest.raises(Forbidden, match=r"bob \(viewer\) may not delete application:default.shop"):
        require(Caller("bob", "viewer"), "D", "application:default.shop")


def test_a_scope_never_raises_a_role():
    """A token of an administrator's that is scoped to viewers views; one of a viewer's administers nothing."""
    assert weaker("admin", "viewer") == "viewer"
    assert weaker("viewer", "admin") == "viewer"


@pytest.mark.parametrize(
    ("password", "refused"),
    [
        ("correct horse", False),
        ("x8!kQ2#m0p", False),
        ("short", True),
        ("aaaaaaaaaaaa", True),
        ("bobbobbob1", True),
        ("", True),
        ("p" * 10 + "abcdefgh" * 100, True),
        ("päßwörter sind lang", False),
    ],
)
def test_passwords_that_may_be(password: str, refused: bool):
    """Long enough, not one letter over and over, not the name; any characters."""
    assert bool(reason_against(password, "bob")) is refused
