"""One run of a playbook: what was asked for, on which hosts, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

State = Literal["queued", "running", "done", "failed", "cancelled", "lost"]
OVER: frozenset[State] = frozenset({"done", "failed", "cancelled", "lost"})
MOST_HOSTS = 1000
"""Of one play: all are locked in one transaction."""
MOST_WAITING = 50
OVERDUE = 254
"""Exit code of a play that took longer than it may."""


@dataclass(frozen=True, slots=True)
class PlayRequest:
    """`secrets` are names among `extra_vars` that are secret though their names do not say so."""

    playbook: str
    limit: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    extra_vars: Mapping[str, object] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How the tasks of one host went, as the recap counts them; `ok` has the changed ones in it."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class Play:
    """`plays/<n>`. `hosts` are those that were locked, and no other is touched.

    `digest` is that of the playbook's file. `vars` are the extra variables, sealed whole; `shown_vars` has `***` for
    the secret ones. `mark` is in the environment of what it starts on its hosts. `server` is the app server that runs
    it. `ending` is why it is being brought to an end: what it left on its hosts is ended first, and `left` says what
    that was. `lines` counts its output.
    """

    number: int
    playbook: str
    digest: str
    by: str
    at: datetime
    hosts: tuple[str, ...]
    mark: str
    limit: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    shown_vars: Mapping[str, object] = field(default_factory=dict)
    vars: str = ""
    reason: str = ""
    state: State = "queued"
    server: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    task: str = ""
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    rc: int | None = None
    why: str = ""
    lines: int = 0
    cancelled_by: str = ""
    ending: Literal["", "cancelled", "lost"] = ""
    left: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def changed(self) -> int:
        """Tasks that changed something, or with `check` would."""
        return sum(tally.changed for tally in self.tallies.values())

    @property
    def bad_hosts(self) -> tuple[str, ...]:
        return tuple(host for host, tally in self.tallies.items() if tally.failed or tally.unreachable)

    def __str__(self) -> str:
        """One line for people: `site.yml on 3 hosts, check only`."""
        told = f"{self.playbook} on {_counted(len(self.hosts), 'host')}"
        told += f", tags {', '.join(self.tags)}" if self.tags else ""
        return told + (", check only" if self.check else "")


@dataclass(frozen=True, slots=True)
class PlayNews:
    """One thing that Ansible said.

    `kind` is ok, failed, unreachable, skipped, ignored or rescued for a host's task, else `task`, `stats`, `end` or
    empty. `text` may have several lines. `why` is what is wrong, in one line, where a task failed. `tallies` come with
    `stats`, `rc` with `end`.
    """

    kind: str = ""
    host: str = ""
    task: str = ""
    changed: bool = False
    text: str = ""
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    rc: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PlayJob:
    """A play as Ansible is given it. `variables` are in clear: they go into a file for its user alone."""

    number: int
    playbook: str
    hosts: tuple[str, ...]
    mark: str
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    variables: Mapping[str, object] = field(default_factory=dict, repr=False)


def advanced(play: Play, news: PlayNews) -> Play:
    """The play after one piece of news."""
    if news.kind == "stats":
        return replace(play, tallies={**play.tallies, **news.tallies})
    if news.kind == "task":
        return replace(play, task=news.task)
    if news.kind == "end":
        return replace(play, rc=news.rc)
    if not news.host or news.kind not in _COUNTED:
        return play
    before = play.tallies.get(news.host, Tally())
    counts = {name: getattr(before, name) + 1 for name in _COUNTED[news.kind]}
    if news.changed and "ok" in counts:
        counts["changed"] = before.changed + 1
    return replace(play, tallies={**play.tallies, news.host: replace(before, **counts)})


def outcome(play: Play, at: datetime) -> Play:
    """The play at its end, by what Ansible's exit code and the tallies say."""
    if play.rc == 0:
        return replace(play, state="done", ended_at=at, task="", why="")
    bad = play.bad_hosts
    named = f"{', '.join(bad[:8])}{' …' if len(bad) > 8 else ''}"
    why = f"failed on {len(bad)} of {_counted(len(play.hosts), 'host')}: {named}" if bad else _CODES.get(play.rc or 0)
    return replace(play, state="failed", ended_at=at, why=why or f"Ansible ended with {play.rc}")


def ended(play: Play, at: datetime, left: Mapping[str, str]) -> Play:
    """A play that was brought to an end, with what was found on its hosts."""
    if play.ending == "cancelled":
        why = f"cancelled by {play.cancelled_by}"
        return replace(play, state="cancelled", ended_at=at, why=why, left=left)
    why = f"its app server {play.server} went away in mid-play; run it again"
    return replace(play, state="lost", ended_at=at, why=why, left=left)


_COUNTED: Mapping[str, tuple[str, ...]] = {
    "ok": ("ok",),
    "failed": ("failed",),
    "unreachable": ("unreachable",),
    "skipped": ("skipped",),
    "ignored": ("ok", "ignored"),
    "rescued": ("rescued",),
}
_CODES = {
    1: "Ansible gave up; its output says why",
    4: "Ansible gave up before it began; its output says why",
    250: "Ansible broke; its output says more",
    OVERDUE: "it took longer than a play may",
}


def last_words(text: str) -> str:
    """The lines of what Ansible printed that say what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("[ERROR]", "ERROR!", "Origin:"))]
    return " ".join(errors or lines[-3:]).replace("[ERROR]: ", "")[:1000] or "it said nothing"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
