"""How a play goes on by what Ansible says, and how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core.plays import Play, PlayNews, Tally, advanced, ended, last_words, outcome
from tests.fakes import START

PLAY = Play(7, "site.yml", "d", "ann", START, ("web1", "web2"), "m", state="running", server="http://one")


def test_tasks_are_counted_per_host_as_they_come():
    """As the recap will count them: what changed is ok too, what was ignored as well."""
    play = PLAY
    for news in (
        PlayNews("task", task="Installed"),
        PlayNews("ok", "web1", changed=True),
        PlayNews("ok", "web2"),
        PlayNews("skipped", "web1"),
        PlayNews("ignored", "web2"),
        PlayNews("failed", "web2"),
        PlayNews("unreachable", "web3"),
        PlayNews(text="nothing to count"),
        PlayNews("ok"),
    ):
        play = advanced(play, news)
    assert play.task == "Installed"
    assert play.tallies == {
        "web1": Tally(ok=1, changed=1, skipped=1),
        "web2": Tally(ok=2, failed=1, ignored=1),
        "web3": Tally(unreachable=1),
    }
    assert (play.changed, play.bad_hosts) == (1, ("web2", "web3"))
    recap = advanced(play, PlayNews("stats", tallies={"web1": Tally(ok=9, changed=3)}))
    assert recap.changed == 3


@pytest.mark.parametrize(
    ("rc", "tallies", "state", "why"),
    [
        (0, {"web1": Tally(ok=1)}, "done", ""),
        (2, {"web1": Tally(failed=1)}, "failed", "failed on 1 of 2 hosts: web1"),
        (4, {}, "failed", "Ansible gave up before it began; its output says why"),
        (254, {}, "failed", "it took longer than a play may"),
        (99, {}, "failed", "Ansible ended with 99"),
        (None, {}, "failed", "Ansible ended with None"),
    ],
)
def test_the_end_is_by_the_exit_code_and_the_hosts(rc: int | None, tallies: dict[str, Tally], state: str, why: str):
    """Each with a sentence that says where to look."""
    over = outcome(replace(PLAY, rc=rc, tallies=tallies, task="x"), START)
    assert (over.state, over.why, over.ended_at) == (state, why, START)


def test_who_ended_it_is_told():
    """Cancelled by somebody; lost with its app server."""
    cancelled = ended(replace(PLAY, ending="cancelled", cancelled_by="ben"), START, {"web1": "processes ended: 1"})
    assert (cancelled.state, cancelled.why, cancelled.left) == (
        "cancelled",
        "cancelled by ben",
        {"web1": "processes ended: 1"},
    )
    lost = ended(replace(PLAY, ending="lost"), START, {})
    assert (lost.state, lost.why) == ("lost", "its app server http://one went away in mid-play; run it again")


def test_a_play_is_told_in_one_line():
    """For events and the log."""
    assert str(PLAY) == "site.yml on 2 hosts"
    assert str(replace(PLAY, hosts=("a",), tags=("x", "y"), check=True)) == "site.yml on 1 host, tags x, y, check only"


def test_of_what_was_printed_the_lines_that_say_what_is_wrong_count() -> None:
    """Ansible draws an arrow under the place; that was taken for the reason."""
    printed = (
        '[ERROR]: YAML parsing failed: unknown escape\nOrigin: /x/a.yml:15:29\n\n15  regexp: "^\\S"\n    ^ column 5\n'
    )
    assert last_words(printed) == "YAML parsing failed: unknown escape Origin: /x/a.yml:15:29"
    assert last_words("one\n\ntwo\n") == "one two"
    assert last_words("\n") == "it said nothing"
