"""Server-sent events from lines."""

from __future__ import annotations

from appserver.cli.sse import Event, parse


def test_events_comments_and_ids() -> None:
    """Data of several lines is joined; a comment is a sign of life; an id stays until the next one."""
    lines = [
        ":",
        "",
        "id: 7",
        "event: progress",
        "data: a",
        "data: b",
        "",
        "data:c",
        "",
        ": beat",
        "",
        "id: 9",
        "data: d",
        "",
    ]
    assert list(parse(lines)) == [
        None,
        Event("progress", "a\nb", "7"),
        Event("message", "c", "7"),
        None,
        Event("message", "d", "9"),
    ]


def test_half_an_event_at_the_end_is_none() -> None:
    """A stream that broke off in an event has not told it."""
    assert list(parse(["id: 3", "data: x"])) == []


def test_a_stream_taken_up_again_keeps_its_id() -> None:
    """Until the server gives another."""
    assert list(parse(["data: x", ""], "5")) == [Event("message", "x", "5")]
