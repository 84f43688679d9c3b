"""What every app server does about plays: begin those whose turn it is, and end those whose app server has gone.

A play's hosts are locked under a lease that this app server keeps. Where the lease ends Ansible is killed, and any app
server that sees a running play without its locks takes it over to end it well. So there is no leader to wait for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

from appserver.core.play_queue import next_play, orphans
from appserver.core.plays import Play
from appserver.errors import AppServerError, Compacted, LeadershipLost, StoreError
from appserver.ports import KV, Playbooks
from appserver.services.play_records import Active, PlayRecords
from appserver.services.play_run import PlayRun
from appserver.store.watching import watching

log = logging.getLogger(__name__)

TTL_S = 15.0
"""A play whose app server is gone is ended by another after this long."""
_AGAIN_S = 2.0


class PlayRunner:
    def __init__(self, *, kv: KV, playbooks: Playbooks, run: PlayRun, at_once: int, ttl_s: float = TTL_S) -> None:
        """`at_once`: how many plays run here side by side."""
        self._kv = kv
        self._records = PlayRecords(kv)
        self._playbooks = playbooks
        self._run = run
        self._at_once = at_once
        self._ttl_s = ttl_s
        self._here: dict[int, Event] = {}
        """Plays under way here; the event is set when somebody cancels."""
        self._lock = Lock()
        self._woken = Event()

    def start(self, stop: Event) -> Thread:
        """Work in a thread of its own until told to stop; what runs then is killed, and is lost."""
        self._playbooks.tidy()
        thread = Thread(target=self._work, args=(stop,), name="plays", daemon=True)
        thread.start()
        return thread

    def _work(self, stop: Event) -> None:
        Thread(target=self._wake, args=(stop,), name="plays woken", daemon=True).start()
        while not stop.is_set():
            self._woken.clear()
            try:
                self._look(stop)
            except AppServerError as error:
                log.warning("event=plays_wait reason=%r", str(error))
            except Exception:  # a fault of ours in one look: the next one goes on
                log.exception("event=plays_broke")
            self._woken.wait(_AGAIN_S)

    def _look(self, stop: Event) -> None:
        """One pass: tell who is cancelled, take over what is orphaned, begin what may."""
        active = self._records.active()
        with self._lock:
            for number, cancelled in self._here.items():
                if number in active.plays and active.plays[number].record.cancelled_by:
                    cancelled.set()
            here = frozenset(self._here)
        for orphan in orphans(active.records, active.locks):
            if orphan.number not in here:
                self._begin(orphan, active, stop)
        while play := next_play(active.records, active.locks, self._count(), self._at_once, self._can):
            if not self._begin(play, active, stop):
                return
            active = self._records.active()

    def _count(self) -> int:
        with self._lock:
            return len(self._here)

    def _can(self, play: Play) -> bool:
        """Whether this app server has the playbook as it was when it was asked for."""
        with self._lock:
            if play.number in self._here:
                return False
        return any(one.name == play.playbook and one.digest == play.digest for one in self._playbooks.list())

    def _begin(self, play: Play, active: Active, stop: Event) -> bool:
        """True once its hosts are locked; somebody else may have been quicker."""
        cancelled, locked = Event(), Event()
        outcome: list[bool] = []

        def told(got: bool) -> None:
            outcome.append(got)
            locked.set()

        with self._lock:
            self._here[play.number] = cancelled
        named = f"play {play.number}"
        Thread(target=self._one, args=(play, active, cancelled, stop, told), name=named, daemon=True).start()
        locked.wait()
        return outcome[0]

    def _one(self, play: Play, active: Active, cancelled: Event, stop: Event, told: Callable[[bool], None]) -> None:
        """The whole of it in one thread: Ansible ends with the thread that began it."""
        got = False
        try:
            with self._kv.lease(self._ttl_s) as lease:
                fence = self._records.lock(play, active, lease.id)
                got = bool(fence)
                told(got)
                if got:
                    lost = lease.lost
                    self._run(play.number, fence, cancelled.is_set, lambda: stop.is_set() or lost.is_set())
        except (StoreError, LeadershipLost) as error:
            log.warning("event=play_left play=%s reason=%r", play.number, str(error))
        except Exception:  # a fault of ours: the locks are let go, and the play is ended as lost
            log.exception("event=play_broke play=%s", play.number)
        finally:
            with self._lock:
                self._here.pop(play.number, None)
            if not got:
                told(False)
            self._woken.set()

    def _wake(self, stop: Event) -> None:
        """Wakes the pass when a play changes; for locks that ended it looks by itself."""
        while not stop.is_set():
            try:
                start = self._kv.snapshot("token").revision
                with watching(self._kv, "plays/", start, stop) as watch:
                    for _ in watch:
                        self._woken.set()
            except Compacted:
                continue
            except StoreError:
                stop.wait(_AGAIN_S)
        self._woken.set()
