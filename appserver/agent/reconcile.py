"""One application on this node, in four beats: observe, decide, act, record.

A desired record that was not acted on yet is brought about (`agent/change.py`). One that was is looked after here:
what differs from it is reported, and mended where the application says so.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from threading import Lock

from appserver.agent.change import Change
from appserver.agent.gate import Parts, Superseded
from appserver.agent.lanes import Turn
from appserver.agent.report import Reports
from appserver.agent.saying import Saying, begin, told
from appserver.agent.wishes import Wish
from appserver.core import reconcile
from appserver.core.entities import AppKey, Desired, Drift, Observed
from appserver.core.operations import is_resting
from appserver.errors import ComposeError, EngineError

log = logging.getLogger(__name__)

_STACK_LOOK_S, _EXPOSED_LOOK_S = 5.0, 1.0
"""Nothing tells of what happens to a stack on other nodes: it is looked at, more often where proxies lead to it."""
_LONGEST_HEAL_S = 300.0
_STEADY_S = 60.0
"""So long without drift, and the next healing is at once again."""


class Reconcile:
    """The work of the lanes."""

    def __init__(self, parts: Parts, reports: Reports, node: str, stack_parts: Parts) -> None:
        """
        Args:
            stack_parts: stand in for the others where what is wanted is a stack.
        """
        self._parts = parts
        self._stack_parts = stack_parts
        self._reports = reports
        self._node = node
        self._lock = Lock()
        self._ids: dict[AppKey, frozenset[str]] = {}
        self._heal_at: dict[AppKey, float] = {}

    def __call__(self, key: AppKey, turn: Turn) -> float | None:
        """See `lanes.Work`."""
        wish, last = self._parts.wishes.get(key), self._reports.last(key)
        if wish is None:
            self._reports.forget(key)
            self._forget(key)
            return None
        saying = Saying(self._reports, self._parts.clock, self._node, key, begin(key, wish.at, last, self._parts.clock))
        parts = self._stack_parts if wish.desired.stack else self._parts
        change = Change(parts, key, wish, last, saying, turn)
        try:
            if last is None or last.acted_on != wish.at or not is_resting(last):
                again = self._change(key, change, saying)
            else:
                again = self._look_after(parts, key, wish, last, change, saying)
            look_s = _EXPOSED_LOOK_S if saying.is_exposed else _STACK_LOOK_S
            looks = wish.desired.stack and wish.desired.run == "running"
            return look_s if again is None and looks else again
        except Superseded:
            return None
        finally:
            with self._lock:
                self._ids[key] = frozenset(c.id for c in saying.containers)

    def owner(self, container_id: str) -> AppKey | None:
        """The application whose container this was when it was last looked at."""
        with self._lock:
            return next((key for key, ids in self._ids.items() if container_id in ids), None)

    def _change(self, key: AppKey, change: Change, saying: Saying) -> float | None:
        began = time.monotonic()
        try:
            change()
        except EngineError as error:
            saying.say("backoff", f"waiting for the engine: {error}")
            raise
        except ComposeError as error:
            saying.say("backoff", f"to be tried again: {error}")
            raise
        self._heal_at.pop(key, None)
        took_ms = (time.monotonic() - began) * 1000
        log.info("event=changed application=%s phase=%s took_ms=%.0f", key, saying.now.phase, took_ms)
        return None

    def _look_after(
        self, parts: Parts, key: AppKey, wish: Wish, last: Observed, change: Change, saying: Saying
    ) -> float | None:
        desired = wish.desired
        number = last.revision if last.phase == "failed" else desired.revision
        if not number or desired.run == "removed":
            return None
        standing = replace(desired, revision=number)
        revision = parts.wishes.revision(key, number)
        containers = parts.looks.containers(key.name)
        ended = parts.ended()
        plan = reconcile.plan(standing, revision, containers, last, ended)
        drift = reconcile.drift(standing, revision, containers, last, ended)
        saying.see(revision, containers, stopped=_stopped(standing, drift))
        now = time.monotonic()
        heal_at = self._heal_at.get(key, 0.0)
        if not drift or not revision.options.heal or plan.is_empty:
            attempts = last.attempts if now < heal_at + _STEADY_S else 0
            saying.say(last.phase, _step(last, saying, drift), drift=drift, attempts=attempts)
            return None
        if now < heal_at:
            saying.say(last.phase, f"{_step(last, saying, drift)}; to be healed", drift=drift)
            return heal_at - now
        wait_s = min(_LONGEST_HEAL_S, 2.0 ** min(last.attempts, 10))
        self._heal_at[key] = now + wait_s
        log.info("event=heal application=%s attempt=%d plan=%r", key, last.attempts + 1, str(plan))
        saying.say(last.phase, "healing", drift=drift, attempts=last.attempts + 1)
        causes = change.mend(revision, plan, last.phase)
        containers = parts.looks.containers(key.name)
        left = reconcile.drift(standing, revision, containers, saying.now, parts.ended())
        saying.see(revision, containers, stopped=_stopped(standing, left))
        why = "; ".join(f"{c.service}: {c.why}" for c in causes)
        step = f"healing failed: {why}; again in {wait_s:.0f} s" if causes else _step(last, saying, left)
        saying.say(last.phase, step, drift=left)
        return wait_s if causes or left else None

    def _forget(self, key: AppKey) -> None:
        self._heal_at.pop(key, None)
        with self._lock:
            self._ids.pop(key, None)


def _stopped(standing: Desired, drift: tuple[Drift, ...]) -> frozenset[str]:
    return frozenset(d.service for d in drift if d.what == "stopped") if standing.run == "running" else frozenset()


def _step(last: Observed, saying: Saying, drift: tuple[Drift, ...]) -> str:
    if last.phase == "failed" and not drift:
        return last.step
    if drift:
        first = drift[0]
        more = f" and {len(drift) - 1} more" if len(drift) > 1 else ""
        return f"drift: {first.service} {first.what} {first.before} → {first.after}{more}"
    return "stopped" if last.phase == "stopped" else told(saying.now.services)
