"""Tokens: what each may do, whose it is, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appserver.errors import Invalid, NotFound, Unauthenticated
from tests.fakes import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


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
