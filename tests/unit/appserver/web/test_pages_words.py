"""How the pages say states, times and lines from strangers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from appserver.core.app_state import AppState
from appserver.core.entities import Phase
from appserver.core.events import Severity
from appserver.core.operations import OperationState
from appserver.core.plan import Action
from appserver.errors import NodeError
from appserver.web import pages_words
from appserver.web.errors import STATUS
from appserver.web.pages_words import LINE, LOOKS, ago, back, lasting, look, parted, plain, sentence, short, size

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
RESULTS = ("ok", "refused", "failed")


@pytest.mark.parametrize(
    "word",
    [
        *get_args(AppState),
        *get_args(OperationState),
        *get_args(Phase),
        *get_args(Action),
        *get_args(Severity),
        *RESULTS,
    ],
)
def test_every_state_has_a_look_of_its_own(word):
    """No state of the record is shown as if it were unknown to the pages."""
    assert word in LOOKS


def test_a_look_never_speaks_by_colour_alone():
    """Every state has an icon and a word."""
    assert all(one.icon and one.text for one in LOOKS.values())


def test_looks_of_one_tone_differ_in_word_or_icon():
    """Two states that look alike in every way could not be told apart."""
    shown = [(one.icon, one.text) for one in LOOKS.values()]
    assert len(set(shown)) >= len(shown) - 1, "only the audit's `ok` and an operation's `done` say the same"


def test_a_word_nobody_foresaw_is_shown_as_it_is():
    """An engine of the future may have states we do not know."""
    assert look("hibernating").text == "hibernating"
    assert look("").text == "Unknown"


@pytest.mark.parametrize("status", sorted({code for _, code in STATUS} | {404, 405, 500}))
def test_every_error_says_what_to_do_next(status):
    """A page that says no shows a way on."""
    assert pages_words.ADVICE[status].advice


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=3, seconds=40), "3 min ago"),
        (timedelta(hours=25), "25 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=41), "11 Oct 2026"),
        (timedelta(days=-77, hours=-1), "in 77 days"),
    ],
)
def test_times_are_told_from_now(passed, told):
    """A reader at night wants to know how long ago, not to subtract."""
    assert ago(NOW - passed, NOW) == told


def test_lasting_never_runs_backwards():
    """A node whose clock is ahead has been well `for 0 s`, not for a negative time."""
    assert lasting(NOW + timedelta(minutes=5), NOW) == "for 0 s"


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 B"), (1536, "1.5 KiB"), (33_285_996_544, "31 GiB"), (2**50, "1024.0 TiB")]
)
def test_sizes_have_binary_units(count, told):
    """Memory is told as the options spell it."""
    assert size(count) == told


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("a\rb\x00c\x07", "abc"),
        ("\u202egnp.exe", "gnp.exe"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_a_line_cannot_steer_a_terminal_or_turn_text_around(line, shown):
    """What containers print is text, whatever they meant by it."""
    assert plain(line) == shown


def test_an_endless_line_is_cut_and_says_so():
    """Ten megabytes on one line do not reach the browser."""
    shown = plain("x" * 10_000_000)
    assert len(shown) < LINE + 50 and "10000000 characters" in shown


def test_digests_are_cut_for_tables():
    """The first twelve characters tell images apart."""
    assert short(f"web@sha256:{'8f1c0f6e2b7d' + 'a' * 52}") == "web@sha256:8f1c0f6e2b7d"


def test_the_way_back_never_leaves_this_server():
    """Of a referrer only the path counts."""
    assert back("https://evil.example/applications?x=1") == "/applications?x=1"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("there is no application x", "There is no application x."),
        ("Slow down.", "Slow down."),
        ("compose.yaml:3: is not YAML", "compose.yaml:3: is not YAML."),
        ("web: no such service", "web: no such service."),
        ("etcd does not answer", "etcd does not answer."),
        ("grace (viewer) may not delete", "grace (viewer) may not delete."),
    ],
)
def test_a_reason_by_itself_is_a_sentence(reason, told):
    """A file, a service or a person at its beginning is not spelled anew."""
    assert sentence(reason) == told


def test_an_agent_that_is_away_is_told_among_the_lines():
    """What was read so far stays; the page is no error for it."""

    def lines() -> Iterator[str | None]:
        yield "web-1 | ready"
        yield None
        raise NodeError("node n1: its agent is away")

    assert list(parted(lines())) == [("web-1", "ready"), ("", "node n1: its agent is away")]
