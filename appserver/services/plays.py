"""Plays as people ask for them: what may be run and on whom, starting, cancelling, looking at what came of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from threading import Event

from appserver.core.access import Caller, require
from appserver.core.play_queue import waits_for
from appserver.core.play_vars import check_vars, shown_vars
from appserver.core.playbooks import FILE, Inventory, Playbook, check_choice
from appserver.core.plays import MOST_HOSTS, Play, PlayRequest, Tally, ended
from appserver.errors import Conflict, Invalid, InvalidMany, NotFound
from appserver.ports import KV, Clock, Playbooks, Sealer
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.journal import Page
from appserver.services.play_output import Outputs, Said
from appserver.services.play_records import Active, PlayRecords
from appserver.store.records import Stored

_SUBJECT = "play:"
_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class PlayView:
    """A play and why it waits, where it does; `version` is the store revision."""

    play: Play
    waits: str
    version: int

    def to_json(self) -> Mapping[str, object]:
        play = self.play
        return {
            "id": play.number,
            "playbook": play.playbook,
            "state": play.state,
            "check": play.check,
            "diff": play.diff,
            "limit": list(play.limit),
            "tags": list(play.tags),
            "skip_tags": list(play.skip_tags),
            "extra_vars": dict(play.shown_vars),
            "reason": play.reason,
            "by": play.by,
            "at": play.at.isoformat(),
            "began_at": play.began_at.isoformat() if play.began_at else None,
            "ended_at": play.ended_at.isoformat() if play.ended_at else None,
            "server": play.server,
            "task": play.task,
            "why": self.waits or play.why,
            "rc": play.rc,
            "changed": play.changed,
            "lines": play.lines,
            "cancelled_by": play.cancelled_by,
            "ending": play.ending,
            "hosts": [
                {"host": host, **asdict(play.tallies.get(host, Tally())), "left": play.left.get(host, "")}
                for host in play.hosts
            ],
        }


class Plays:
    def __init__(
        self,
        *,
        kv: KV,
        playbooks: Playbooks,
        sealer: Sealer,
        audit: Audit,
        events: Events,
        clock: Clock,
        fresh: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._records = PlayRecords(kv)
        self._outputs = Outputs(kv, sealer)
        self._playbooks = playbooks
        self._sealer = sealer
        self._audit = audit
        self._events = events
        self._clock = clock
        self._fresh = fresh

    def playbooks(self, caller: Caller) -> tuple[Playbook, ...]:
        """What may be run from this app server."""
        require(caller, "R", _SUBJECT)
        return self._playbooks.list()

    def inventory(self, caller: Caller) -> Inventory:
        """Hosts and groups that a play can be limited to.

        Raises:
            PlaybookError: the inventory cannot be read.
        """
        require(caller, "R", _SUBJECT)
        return self._playbooks.inventory()

    def list(self, caller: Caller, after: str = "", limit: int = 50) -> Page[PlayView]:
        """Newest first."""
        require(caller, "R", _SUBJECT)
        page = self._records.list(after, limit)
        active = self._records.active() if any(not one.is_over for _, one in page.items) else Active()
        return Page(tuple((name, PlayView(one, _waits(one, active), 0)) for name, one in page.items), page.next)

    def show(self, caller: Caller, number: int) -> PlayView:
        require(caller, "R", _SUBJECT)
        return self._view(self._records.get(number))

    def output(self, caller: Caller, number: int, after: int = 0, tail: int = 0) -> tuple[tuple[int, str], ...]:
        """Numbered lines later than `after`, the last `tail` of them (0: all that are on record)."""
        require(caller, "R", _SUBJECT)
        return self._outputs.read(_said(self._records.get(number).record), after, tail)

    def follow(
        self, caller: Caller, number: int, after: int, stop: Event
    ) -> Iterator[tuple[int, str] | PlayView | None]:
        """The same as it comes; None as a heartbeat; the play itself at the end of it, and only then."""
        require(caller, "R", _SUBJECT)
        return self._following(number, _said(self._records.get(number).record), after, stop)

    def start(self, caller: Caller, wanted: PlayRequest) -> PlayView:
        """Into the queue. It begins when its hosts are free.

        Raises:
            Invalid, InvalidMany: something about it cannot be; where, and why.
            NotFound: no such playbook.
            TooMany: enough plays wait already.
        """
        with self._audit.of(caller, "run", f"playbook:{wanted.playbook[:80]}", _told(wanted)):
            require(caller, "E", _SUBJECT)
            if not FILE.fullmatch(wanted.playbook):
                raise Invalid("playbook", "is to be the name of a playbook, as site.yml")
            if len(wanted.reason) > _LONGEST_REASON:
                raise Invalid("reason", f"at most {_LONGEST_REASON} characters")
            play = self._records.add(self._checked(caller, wanted))
        return self._view(self._records.get(play.number))

    def cancel(self, caller: Caller, number: int) -> PlayView:
        """A waiting one is over at once; of a running one Ansible is killed, and what it left on its hosts ended.

        Raises:
            Conflict: it is over already.
        """
        with self._audit.of(caller, "cancel", f"play:{number}"):
            require(caller, "E", _SUBJECT)
            while True:
                stored = self._records.get(number)
                if self._cancelled(caller, stored):
                    return self.show(caller, number)

    def prune(self, kept: int) -> int:
        return self._records.prune(kept)

    def _checked(self, caller: Caller, wanted: PlayRequest) -> Play:
        """Observe what there is, and decide what this play would be."""
        playbook = next((one for one in self._playbooks.list() if one.name == wanted.playbook), None)
        if playbook is None:
            raise NotFound(f"there is no playbook {wanted.playbook}")
        inventory, tags = self._playbooks.inventory(), (*wanted.tags, *wanted.skip_tags)
        _all_faults(
            lambda: check_vars(wanted.extra_vars, wanted.secrets),
            lambda: check_choice(playbook, inventory, wanted.limit, tags, wanted.extra_vars),
        )
        hosts = self._playbooks.hosts(playbook.name, wanted.limit, wanted.extra_vars)
        if not hosts:
            raise Invalid("limit", f"{playbook.name} is for none of these hosts")
        if len(hosts) > MOST_HOSTS:
            raise Invalid("limit", f"{len(hosts)} hosts; one play takes at most {MOST_HOSTS}")
        mark = self._fresh(8)
        given = json.dumps(dict(wanted.extra_vars))
        return Play(
            number=0,
            playbook=playbook.name,
            digest=playbook.digest,
            by=caller.name,
            at=self._clock.now(),
            hosts=hosts,
            mark=mark,
            limit=wanted.limit,
            tags=wanted.tags,
            skip_tags=wanted.skip_tags,
            check=wanted.check,
            diff=wanted.diff,
            shown_vars=shown_vars(wanted.extra_vars, wanted.secrets),
            vars=self._sealer.seal(json.dumps([given, list(wanted.secrets)]), f"play.{mark}"),
            reason=wanted.reason,
        )

    def _cancelled(self, caller: Caller, stored: Stored[Play]) -> bool:
        """False when it was changed meanwhile."""
        play = stored.record
        if play.is_over:
            raise Conflict(f"play {play.number} is over: {play.state}")
        if play.cancelled_by or play.ending:
            return True
        meant = replace(play, cancelled_by=caller.name)
        if play.state == "running":
            return self._records.change(stored, meant) is not None
        over = ended(replace(meant, ending="cancelled"), self._clock.now(), {})
        if not self._records.end(stored, over, {}):
            return False
        self._events.emit("bus.cluman.job", "stop", "WARNING", f"play:{play.number}", over.why, caller.name)
        return True

    def _view(self, stored: Stored[Play]) -> PlayView:
        active = self._records.active() if stored.record.state == "queued" else Active()
        return PlayView(stored.record, _waits(stored.record, active), stored.revision)

    def _following(
        self, number: int, said: Said, after: int, stop: Event
    ) -> Iterator[tuple[int, str] | PlayView | None]:
        yield from self._outputs.follow(said, after, stop)
        if not stop.is_set():
            yield self._view(self._records.get(number))


def _all_faults(*checks: Callable[[], None]) -> None:
    """What every check finds, at once."""
    faults: list[tuple[str, str]] = []
    for check in checks:
        try:
            check()
        except InvalidMany as error:
            faults += error.faults
    if faults:
        raise InvalidMany(tuple(faults))


def _said(play: Play) -> Said:
    return Said(play.number, play.mark)


def _waits(play: Play, active: Active) -> str:
    if play.state != "queued":
        return ""
    reason = waits_for(play, active.records, active.locks)
    return reason or f"not taken up yet: by an app server with a free place whose {play.playbook} is what was asked for"


def _told(wanted: PlayRequest) -> str:
    """For the audit; what it is given stays out."""
    words = [
        f"limit {','.join(wanted.limit)}" if wanted.limit else "",
        f"tags {','.join(wanted.tags)}" if wanted.tags else "",
    ]
    words += ["check" if wanted.check else "", wanted.reason]
    return "; ".join(filter(None, words))
