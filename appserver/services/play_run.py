"""One play, from its locked hosts to its end: run Ansible, tell how far it is, end what it leaves behind."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from appserver.core.events import JOB, Severity
from appserver.core.play_vars import masking
from appserver.core.plays import OVERDUE, Play, PlayJob, PlayNews, State, advanced, ended, outcome
from appserver.errors import LeadershipLost, PlaybookError, SealError, StoreError
from appserver.ports import KV, Clock, Playbooks, Sealer
from appserver.services.events import Events
from appserver.services.play_output import Output, Said
from appserver.services.play_records import PlayRecords
from appserver.store.records import Stored

log = logging.getLogger(__name__)

_EVERY_S = 0.5
"""How often at most progress is written; less often where many hosts make the record large."""
_HOSTS_PER_S = 50
_AGAIN_S = 1.0

Asked = Callable[[], bool]


class PlayRun:
    """`server` tells people which app server ran a play."""

    def __init__(
        self, *, kv: KV, playbooks: Playbooks, sealer: Sealer, events: Events, clock: Clock, server: str
    ) -> None:
        self._kv = kv
        self._records = PlayRecords(kv)
        self._playbooks = playbooks
        self._sealer = sealer
        self._events = events
        self._clock = clock
        self._server = server

    def __call__(self, number: int, fence: Mapping[str, int], cancelled: Asked, gone: Asked) -> None:
        """
        Args:
            fence: holds while the hosts are locked for this play; joins what is expected of every write.
            gone: whether this app server may go on; if not, the play is left to be ended by another.
        Raises:
            StoreError: the store did not answer; the play is left.
        """
        stored = self._records.get(number)
        if stored.record.state == "running":
            taken = self._change(stored, lambda play: replace(play, ending=play.ending or "lost"), fence)
            self._clear_up(taken, fence, gone)
        elif stored.record.state == "queued" and (begun := self._begun(stored, fence)):
            self._whole(_Current(begun, Output(self._kv, self._sealer, _said(begun.record))), fence, cancelled, gone)

    def _begun(self, stored: Stored[Play], fence: Mapping[str, int]) -> Stored[Play] | None:
        """None when somebody cancelled it just now."""
        play = replace(stored.record, state="running", server=self._server, began_at=self._clock.now())
        log.info("event=play_begins play=%s playbook=%s hosts=%d", play.number, play.playbook, len(play.hosts))
        begun = self._records.change(stored, play, fence)
        if begun:
            self._tell(play, "start", None, f"{play} by {play.by}")
        return begun

    def _whole(self, current: _Current, fence: Mapping[str, int], cancelled: Asked, gone: Asked) -> None:
        try:
            self._act(current, fence, cancelled, gone)
        except SealError as error:
            current.fail(str(error))
        if gone():
            return
        self._write(current, fence)
        if cancelled():
            meant = self._change(current.stored, lambda play: replace(play, ending="cancelled", task=""), fence)
            self._clear_up(meant, fence, gone)
            return
        over = outcome(current.play, self._clock.now())
        left = self._swept(over) if over.rc == OVERDUE else {}
        self._finish(current, replace(over, why=current.play.why or over.why, left=left), fence, gone)

    def _act(self, current: _Current, fence: Mapping[str, int], cancelled: Asked, gone: Asked) -> None:
        given, secret = json.loads(self._sealer.open(current.play.vars, f"play.{current.play.mark}"))
        variables = json.loads(given)
        mask = masking(variables, secret)
        play = current.play
        job = PlayJob(
            play.number,
            play.playbook,
            play.hosts,
            play.mark,
            play.tags,
            play.skip_tags,
            play.check,
            play.diff,
            variables,
        )
        try:
            with closing(self._playbooks.run(job, lambda: cancelled() or gone())) as told:
                for news in told:
                    current.take(news, mask)
                    if current.is_due():
                        self._write(current, fence)
        except PlaybookError as error:
            current.fail(mask(str(error)))

    def _write(self, current: _Current, fence: Mapping[str, int]) -> None:
        """Output and progress. A store that is away is tried again with the next news, while the lease lasts."""
        try:
            current.output.write(fence)
            if current.is_new:
                current.stored = self._change(current.stored, current.onto, fence)
                current.is_new = False
        except StoreError as error:
            log.warning("event=play_unwritten play=%s reason=%r", current.play.number, str(error))

    def _clear_up(self, stored: Stored[Play], fence: Mapping[str, int], gone: Asked) -> None:
        """End what it left running on its hosts, then let them go."""
        left = self._swept(stored.record)
        self._settle(stored, lambda now: ended(now, self._clock.now(), left), fence, gone)

    def _swept(self, play: Play) -> Mapping[str, str]:
        try:
            return self._playbooks.sweep(play.mark, play.hosts)
        except PlaybookError as error:
            return dict.fromkeys(play.hosts, f"could not be looked at: {error}")

    def _finish(self, current: _Current, over: Play, fence: Mapping[str, int], gone: Asked) -> None:
        while not gone():
            try:
                current.output.write(fence)
                break
            except StoreError as error:
                log.warning("event=play_unwritten play=%s reason=%r", over.number, str(error))
                time.sleep(_AGAIN_S)
        lines = current.output.lines
        self._settle(current.stored, lambda now: replace(over, lines=lines, cancelled_by=now.cancelled_by), fence, gone)

    def _settle(self, stored: Stored[Play], how: Callable[[Play], Play], fence: Mapping[str, int], gone: Asked) -> None:
        """The end, on record; tried until it is written, or the hosts are no longer held."""
        while not gone():
            try:
                over = how(stored.record)
                if self._records.end(stored, over, fence):
                    log.info("event=play_ends play=%s state=%s rc=%s", over.number, over.state, over.rc)
                    self._tell(over, *_SAID[over.state], _ending(over))
                    return
                stored = self._again(stored)
            except LeadershipLost:
                raise
            except StoreError as error:
                log.warning("event=play_unsettled play=%s reason=%r", stored.record.number, str(error))
                time.sleep(_AGAIN_S)

    def _change(self, stored: Stored[Play], how: Callable[[Play], Play], fence: Mapping[str, int]) -> Stored[Play]:
        """Write a change over what who cancels wrote meanwhile.

        Raises:
            LeadershipLost: the hosts are no longer held; whoever holds them decides.
        """
        while True:
            if written := self._records.change(stored, how(stored.record), fence):
                return written
            stored = self._again(stored)

    def _again(self, stored: Stored[Play]) -> Stored[Play]:
        """As it is now, when a write of it was refused."""
        now = self._records.get(stored.record.number)
        if now.revision == stored.revision:
            raise LeadershipLost(f"the hosts of play {now.record.number} are no longer held here")
        return now

    def _tell(self, play: Play, action: str, severity: Severity | None, message: str) -> None:
        detail = {"playbook": play.playbook, "hosts": len(play.hosts), "changed": play.changed, "check": play.check}
        self._events.emit(JOB, action, severity, f"play:{play.number}", message, play.by, detail)


class _Current:
    """What is known of a running play, and what of it is not on record yet."""

    def __init__(self, stored: Stored[Play], output: Output) -> None:
        self.stored = stored
        self.play = stored.record
        self.output = output
        self.is_new = False
        self._written = time.monotonic()
        self._every_s = max(_EVERY_S, len(self.play.hosts) / _HOSTS_PER_S)

    def take(self, news: PlayNews, mask: Callable[[str], str]) -> None:
        if news.text:
            self.output.add(mask(news.text))
        play = replace(advanced(self.play, replace(news, task=mask(news.task))), lines=self.output.lines)
        self.is_new = self.is_new or play != self.play
        self.play = play

    def fail(self, why: str) -> None:
        """Ansible could not be run, or not to its end."""
        self.play = replace(self.play, why=why)
        self.output.add(why)

    def is_due(self) -> bool:
        """Whether it is time to write, counted from the last time."""
        if time.monotonic() - self._written < self._every_s and not self.output.is_loud:
            return False
        self._written = time.monotonic()
        return True

    def onto(self, now: Play) -> Play:
        """The progress over what is on record, who cancelled kept."""
        return replace(self.play, cancelled_by=now.cancelled_by)


def _said(play: Play) -> Said:
    return Said(play.number, play.mark)


def _ending(play: Play) -> str:
    return f"{play}: {play.state}" + (f", {play.why}" if play.why else f", changed={play.changed}")


_SAID: dict[State, tuple[str, Severity]] = {
    "done": ("stop", "INFO"),
    "failed": ("stop", "ERROR"),
    "cancelled": ("stop", "WARNING"),
    "lost": ("die", "ERROR"),
}
