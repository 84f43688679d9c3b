"""The audit: what it writes around an action, how it is read and shortened."""

from __future__ import annotations

import logging

import pytest

from appserver.core.access import Caller
from appserver.errors import Forbidden, Invalid, StoreError, TooMany
from appserver.services.journal import prune
from tests.fakes import Desk

ANN = Caller("ann", "admin", "192.0.2.1")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "ok"),
        (Invalid("name", "is bad"), "refused"),
        (Forbidden("no"), "refused"),
        (StoreError("etcd is away"), "failed"),
        (ZeroDivisionError(), "failed"),
    ],
)
def test_how_a_block_ended_is_told(desk: Desk, error: Exception | None, result: str):
    """The caller's mistake is `refused`, anything else that went wrong `failed`; the error goes on its way."""

    def act() -> None:
        with desk.audit.of(ANN, "deploy", "application:default.shop"):
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            act()
    else:
        act()
    assert desk.entries() == [("ann", "deploy", "application:default.shop", result)]


def test_being_told_to_wait_leaves_no_entry(desk: Desk):
    """A flood of requests is not turned into a flood of writes."""
    with pytest.raises(TooMany), desk.audit.of(ANN, "log in", "user:ann"):
        raise TooMany("slow down", 1.0)
    assert desk.entries() == []


def test_a_store_that_fails_does_not_undo_what_was_done(desk: Desk, caplog: pytest.LogCaptureFixture):
    """The action stands, and the log has the entry that the store did not take."""

    def away(*_: object, **__: object) -> int:
        raise StoreError("etcd is away")

    desk.kv.commit = away  # type: ignore[method-assign]
    with caplog.at_level(logging.INFO), desk.audit.of(ANN, "deploy", "application:default.shop"):
        pass
    assert "audit user=ann action=deploy subject=application:default.shop result=ok" in caplog.text
    assert "audit not recorded" in caplog.text


def test_a_detail_is_one_line_and_not_endless(desk: Desk, caplog: pytest.LogCaptureFixture):
    """What a stranger sent cannot write lines of its own into the log, or fill the record."""
    with caplog.at_level(logging.INFO):
        desk.audit.record(ANN, "deploy", "application:default.shop", "refused", "x\nlevel=ERROR forged" + "y" * 5000)
    assert "\nlevel=ERROR forged" not in caplog.text
    (_, entry) = desk.audit.list(ANN).items[0]
    assert len(entry.detail) == 1000


def test_pages_go_back_in_time_without_gap_or_repeat(desk: Desk):
    """Every entry is on exactly one page, the newest first."""
    for number in range(25):
        desk.clock.pass_by(seconds=1)
        desk.audit.record(ANN, "deploy", f"application:default.a{number}", "ok")
    seen, cursor = [], ""
    while True:
        page = desk.audit.list(ANN, after=cursor, limit=10)
        seen += [entry.subject for _, entry in page.items]
        cursor = page.next
        if not cursor:
            break
    assert seen == [f"application:default.a{number}" for number in reversed(range(25))]


def test_a_page_that_ends_with_the_list_has_no_next(desk: Desk):
    """A list of exactly one page does not promise another."""
    for _ in range(10):
        desk.audit.record(ANN, "deploy", "application:default.a", "ok")
    assert desk.audit.list(ANN, limit=10).next == ""


def test_a_list_narrows_to_a_user_or_a_subject(desk: Desk):
    """One person's deeds, or what was done to one thing."""
    desk.audit.record(ANN, "deploy", "application:default.a", "ok")
    desk.audit.record(Caller("bob", "operator"), "deploy", "application:default.b", "ok")
    assert [e.user for _, e in desk.audit.list(ANN, user="bob").items] == ["bob"]
    assert [e.user for _, e in desk.audit.list(ANN, subject="application:default.a").items] == ["ann"]


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_only_administrators_read_the_audit(desk: Desk, role: str):
    """It says who did what, and is not everybody's to read."""
    with pytest.raises(Forbidden):
        desk.audit.list(Caller("bob", role))  # type: ignore[arg-type]


def test_the_oldest_go_when_there_are_too_many(desk: Desk):
    """Retention is by count."""
    for number in range(250):
        desk.clock.pass_by(seconds=1)
        desk.audit.record(ANN, "deploy", f"application:default.a{number}", "ok")
    assert prune(desk.kv, "audit/", 30) == 220
    assert [subject for _, _, subject, _ in desk.entries()] == [f"application:default.a{n}" for n in range(220, 250)]
    assert desk.audit.prune() == 0
