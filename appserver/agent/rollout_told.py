"""What this boot server did in an update, as it is put down while it does it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from appserver.core.plays import PlayNews
from appserver.core.rollout_record import Phase, Progress, StepTime
from appserver.errors import AppServerError
from appserver.ports import KV, Clock
from appserver.store import rollout as store
from appserver.store.codec import encode

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_TRIES, _PAUSE_S = 5, 0.5
_OUTPUTS = 8
"""Of so many tries, the newest that failed, the output is kept."""


class Moot(Exception):
    """Nobody asks for it any more, or not now."""


class Told:
    """`expect` joins every write that counts: what the step is done for still holds."""

    def __init__(self, kv: KV, clock: Clock, lrn: int, before: Progress, expect: Mapping[str, int]) -> None:
        self._kv = kv
        self._clock = clock
        self._key = store.progress(lrn, before.number)
        self._progress = before
        self.expect = dict(expect)
        self._written = 0.0

    def tries(self, step: int) -> int:
        return len(self._progress.of(step))

    def note(self, step: int, name: str, fence: Mapping[str, int]) -> None:
        """A try, before it is begun: whatever happens then, it counts.

        Raises:
            Moot: it is not asked for any more.
        """
        begun = StepTime(step, name, self.tries(step) + 1, self._clock.now())
        self._progress = replace(self._progress, steps=(*self._progress.steps, begun))
        self.commit({self._key: encode(self._progress)}, fence)
        self._written = time.monotonic()

    def follow(self, news: PlayNews) -> None:
        last = self._progress.steps[-1]
        if news.kind == "task":
            last = replace(last, task=news.task, tasks=last.tasks + 1)
        elif news.changed:
            last = replace(last, changed=last.changed + 1)
        if last == self._progress.steps[-1]:
            return
        self._progress = replace(self._progress, steps=(*self._progress.steps[:-1], last))
        if time.monotonic() - self._written >= _EVERY_S:
            self._write()

    def waits(self, what: str) -> None:
        """For something beside a task."""
        last = replace(self._progress.steps[-1], task=what)
        if last != self._progress.steps[-1]:
            self._progress = replace(self._progress, steps=(*self._progress.steps[:-1], last))
            self._write()

    def over(self, phase: Phase, why: str, output: tuple[str, ...]) -> None:
        last = replace(
            self._progress.steps[-1], phase=phase, why=why, output=output, ended_at=self._clock.now(), task=""
        )
        self._progress = replace(self._progress, steps=_short((*self._progress.steps[:-1], last)))
        for _ in range(_TRIES):  # nothing else is written after it, perhaps
            if self._write():
                return
            time.sleep(_PAUSE_S)

    def commit(self, puts: Mapping[str, str], fence: Mapping[str, int]) -> None:
        """
        Raises:
            Moot
        """
        if not self._kv.commit({**self.expect, **fence}, puts):
            raise Moot

    def _write(self) -> bool:
        """How far it is, which is nobody's but this server's. A store that is away is told the next time."""
        self._written = time.monotonic()
        try:
            self._kv.commit({}, {self._key: encode(self._progress)})
        except AppServerError as error:
            log.warning("event=step_untold key=%s reason=%r", self._key, str(error))
            return False
        return True


def _short(steps: Sequence[StepTime]) -> tuple[StepTime, ...]:
    told = [at for at, one in enumerate(steps) if one.output]
    return tuple(replace(one, output=()) if at in told[:-_OUTPUTS] else one for at, one in enumerate(steps))
