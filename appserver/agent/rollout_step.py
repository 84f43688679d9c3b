"""One step of an update on this boot server: its guard, the release's playbook, its health; told as it goes."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread

from appserver.agent.rollout_told import Moot, Told
from appserver.core.play_vars import masking
from appserver.core.plays import OVERDUE, PlayNews, last_words
from appserver.core.release import Probe
from appserver.core.rollout_record import Content, Phase, Progress, Run
from appserver.core.rollout_worker import Mine
from appserver.errors import AppServerError, StoreError
from appserver.ports import KV, Clock
from appserver.ports.steps import Probes, StepJob, Steps
from appserver.store import rollout as store
from appserver.store.codec import encode
from appserver.store.records import find

log = logging.getLogger(__name__)

INTERRUPTIONS = 3
"""How often a step may be begun anew because its agent ended: a release may bring a new one with it."""
LEASE_S = 60.0
"""Without etcd for longer than that, a step is given up: nobody could know that it still runs."""
_TURN_S = 10.0
_OUTPUT, _LONGEST_LINE, _LONGEST_WHY = 40, 500, 2000
"""Last lines that are kept of a try that failed, and their characters."""
_PROBE_S, _PAUSE_S = 1.0, 2.0

Files = Callable[[str], Mapping[str, str]]
"""All files of a release, by its version."""


@dataclass(frozen=True, slots=True)
class Parts:
    kv: KV
    clock: Clock
    steps: Steps
    probes: Probes
    files: Files
    node: str


class Doing:
    """A step that was begun, in a thread of its own."""

    def __init__(self, parts: Parts, lrn: int, run: Run, step: int, request: int, before: Progress) -> None:
        """
        Args:
            step: its number, from 1.
            request: the store revision of the request that it is done for.
            before: what this server did in the update until now.
        """
        self.number = run.number
        self.step = step
        self._parts = parts
        self._lrn = lrn
        self._run = run
        self._told = run.steps[step - 1]
        self._record = Told(parts.kv, parts.clock, lrn, before, {store.REQUEST: request})
        self._cancelled = Event()
        self._ended = Event()
        self._mine = Mine("running", step)
        self._heard = False
        self._over_told: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._whole, name=f"step {step}", daemon=True)

    def start(self, over: Callable[[], None]) -> None:
        """`over` is called at its end."""
        self._over_told = over
        self._thread.start()

    def cancel(self) -> None:
        self._cancelled.set()

    def end(self) -> None:
        """Cancel, and wait until it is over."""
        self.cancel()
        self._thread.join()

    def is_alive(self) -> bool:
        return not self._ended.is_set()

    def mine(self) -> Mine:
        self._heard = not self.is_alive()
        return self._mine

    def is_news(self) -> bool:
        """It has ended, and nobody has asked since."""
        return not self._heard and not self.is_alive()

    def _whole(self) -> None:
        try:
            with self._parts.kv.lease(LEASE_S) as lease:
                self._begin(lease.id)
                Thread(target=self._until_lost, args=(lease.lost,), name="step lease", daemon=True).start()
                self._mine = self._tried()
        except Moot:
            self._mine = Mine()
        except StoreError as error:
            log.warning("event=step_breaks step=%d reason=%r", self.step, str(error))
            self._mine = Mine()
        except Exception as error:  # a fault of ours is told as the step's: the others would wait for ever
            log.exception("event=step_broke step=%d", self.step)
            self._mine = Mine("failed", self.step, f"step {self._told.name}: {type(error).__name__}: {error}")
        finally:
            self._cancelled.set()
            self._ended.set()
            self._over_told()

    def _until_lost(self, lost: Event) -> None:
        while not self._cancelled.wait(_PROBE_S):
            if lost.is_set():
                self.cancel()

    def _begin(self, lease: int) -> None:
        """On record that it runs here, for as long as this agent lives.

        Raises:
            Moot: it is not asked for any more, or an agent before this one has not been gone for long enough.
        """
        busy = store.busy(self._lrn)
        revision = self._parts.kv.commit(
            {**self._record.expect, busy: 0}, {busy: f"{self.number}/{self.step}"}, lease=lease
        )
        if not revision:
            self._cancelled.wait(_PROBE_S)
            raise Moot
        self._record.expect[busy] = revision

    def _tried(self) -> Mine:
        tries = self._record.tries(self.step)
        if tries > self._told.retries + INTERRUPTIONS:
            return Mine("failed", self.step, f"step {self._told.name}: was interrupted or failed {tries} times")
        with self._turn() as fence:
            why = "" if self._is_done(fence) else self._again_and_again(fence)
        if self._cancelled.is_set():
            return Mine()
        return Mine("failed", self.step, why) if why else Mine("done", self.step)

    @contextmanager
    def _turn(self) -> Iterator[Mapping[str, int]]:
        """Where not all do it at once, `leader/worker/` is held while it is done. What joins every write then."""
        if self._told.scope == "all":
            yield {}
            return
        held: AbstractContextManager[object] = self._parts.kv.leader("worker", _TURN_S, str(self._lrn), self._cancelled)
        with held as leadership:
            if leadership is None:
                raise Moot
            yield leadership.fence  # type: ignore[attr-defined]

    def _is_done(self, fence: Mapping[str, int]) -> bool:
        """Whether another server has done what is done once for all."""
        if self._told.scope != "once":
            return False
        key = store.content(self._told.target)
        stored = find(self._parts.kv.snapshot(key), key, Content)
        return bool(stored and stored.record.version == self._run.version and stored.record.success)

    def _again_and_again(self, fence: Mapping[str, int]) -> str:
        """Why it failed in the end; "" where it did not."""
        key = store.content(self._told.target) if self._told.scope == "once" else ""
        if key:
            stored = find(self._parts.kv.snapshot(key), key, Content)
            if stored and stored.record.version == self._run.version and self._run.cause != "retry":
                return f"step {self._told.name}: {self._told.target} failed on another server"
        why = ""
        for attempt in range(self._told.retries + 1):
            if attempt and self._cancelled.wait(_PAUSE_S):
                break
            self._record.note(self.step, self._told.name, fence)
            why = self._once()
            if not why or self._cancelled.is_set():
                break
            log.warning("event=step_failed step=%d attempt=%d reason=%r", self.step, attempt + 1, why)
        if key and not self._cancelled.is_set():
            self._put_down(key, Content(self._run.version, not why), fence)
        return why

    def _put_down(self, key: str, content: Content, fence: Mapping[str, int]) -> None:
        """What was done once has to be on record, or another server does it again: a store that is away is waited for.

        Raises:
            Moot: it is not asked for any more, or another server has the turn.
        """
        while not self._cancelled.is_set():
            try:
                self._record.commit({key: encode(content)}, fence)
                return
            except StoreError as error:
                log.warning("event=content_unwritten key=%s reason=%r", key, str(error))
                self._cancelled.wait(_PAUSE_S)

    def _once(self) -> str:
        said: deque[str] = deque(maxlen=_OUTPUT)
        try:
            why = (
                self._probed("guard", self._told.guard)
                or self._played(said)
                or self._probed("health", self._told.health)
            )
        except AppServerError as error:
            why = str(error)
        if why:
            mask = masking(self._told.variables)
            why = f"step {self._told.name} on {self._parts.node}: {mask(why)}"[:_LONGEST_WHY]
        phase: Phase = "cancelled" if self._cancelled.is_set() else "failed" if why else "done"
        self._record.over(phase, why, tuple(said) if phase == "failed" else ())
        return why

    def _played(self, said: deque[str]) -> str:
        run, step = self._run, self._told
        given = {
            **step.variables,
            "moorage_release": run.version,
            "moorage_images": dict(run.images),
            "moorage_debs": dict(run.debs),
            "moorage_lrn": self._lrn,
            "moorage_servers": list(run.servers),
            "moorage_node": self._parts.node,
        }
        mask = masking(step.variables)
        job = StepJob(self._parts.files(run.files or run.version), step.playbook, given, step.timeout_s)
        failed, rc = "", None
        with closing(self._parts.steps.run(job, self._cancelled.is_set)) as told:
            for news in told:
                said.extend(line[:_LONGEST_LINE] for line in mask(news.text).splitlines() if line.strip())
                failed = failed or mask(_against(news))
                self._record.follow(replace(news, task=mask(news.task)))
                rc = news.rc if news.rc is not None else rc
        if self._cancelled.is_set():
            return "was cancelled"
        if rc == OVERDUE:
            return f"took longer than {step.timeout_s:.0f} s"
        if rc:
            printed = "\n".join(said)
            return (failed or f"{step.playbook}: {last_words(printed)}")[:1000]
        return ""

    def _probed(self, kind: str, probes: Sequence[Probe]) -> str:
        """What is not well, once each was given its time."""
        for probe in probes:
            until = time.monotonic() + probe.within_s
            while why := self._parts.probes.ask(probe, self._cancelled.is_set):
                self._record.waits(masking(self._told.variables)(f"{kind}: {why}")[:_LONGEST_LINE])
                if time.monotonic() >= until:
                    return f"not well after {probe.within_s:.0f} s: {why}"
                if self._cancelled.wait(_PROBE_S):
                    return "was cancelled"
        return ""


def _against(news: PlayNews) -> str:
    if news.kind not in ("failed", "unreachable"):
        return ""
    return f"task {news.task!r}: {news.why or last_words(news.text)}"
