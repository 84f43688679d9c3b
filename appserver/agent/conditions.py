"""What speaks for and against this node: disk, memory, clock, what its disks say. Others look after what else it tells.

How each is judged is in `core/conditions.py`, and for people in docs/nodes.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event

from appserver.core import conditions as core
from appserver.core.conditions import DiskHealth, Offset, Thresholds
from appserver.core.fleet import Condition
from appserver.errors import BackendError
from appserver.ports import Disks, Host, TimeSources

CLOCK_JUMP_S = 5.0
CLOCK_STEADY_S = 600.0
_CLOCKS_EVERY_S = 300.0
_CLOCKS_LAST_S = 900.0
_DISKS_EVERY_S = 1800.0
_LOOK_S = 5.0

Finding = tuple[bool, str] | None
"""Whether a condition is good, and why; None: nothing is known of it now, and what was known stands."""


@dataclass(slots=True)
class ClockWatch:
    """Compares the wall clock with one that cannot jump."""

    wall: float
    steady: float
    jumped_at: float = float("-inf")
    jump: float = 0.0

    def look(self, wall: float, steady: float) -> str:
        """What to say against it; "" when nothing is."""
        jump = (wall - self.wall) - (steady - self.steady)
        if abs(jump) > CLOCK_JUMP_S:
            self.jumped_at, self.jump = steady, jump
        self.wall, self.steady = wall, steady
        return f"it jumped by {self.jump:+.0f} s" if steady - self.jumped_at < CLOCK_STEADY_S else ""


class Watch:
    """`look` whenever the node is recorded; `run` in a thread of its own asks those whose answer may take long."""

    def __init__(
        self, host: Host, limits: Thresholds, clocks: TimeSources, disks: Disks, paths: Sequence[str] = ()
    ) -> None:
        """
        Args:
            paths: whose file systems count besides that of the engine and of `/`.
        """
        self._host = host
        self._limits = limits
        self._clocks = clocks
        self._disks = disks
        self._paths = paths
        self._good: dict[str, dict[str, bool]] = {}
        self._jumps = ClockWatch(time.time(), time.monotonic())
        self._offsets: tuple[Offset, ...] = ()
        self._told_at = float("-inf")
        self._health: tuple[DiskHealth, ...] | None = None

    def look(self, engine_root: str, before: Sequence[Condition]) -> tuple[tuple[str, Finding], ...]:
        """
        Args:
            engine_root: where the engine keeps its data; "" where it does not answer, and never did.
            before: conditions as they were recorded, by an agent that ran before this one too.
        """
        was = {one.name: one.ok for one in before}
        smart: tuple[tuple[str, Finding], ...] = (("smart", None),)  # not asked yet: what was known stands
        if self._health is not None:
            smart = (("smart", core.smart(self._health)),) if self._health else ()
        return (
            ("disk", self._disk(engine_root, was.get("disk", True))),
            ("memory", self._memory(was.get("memory", True))),
            ("clock", self._clock(was.get("clock", True))),
            *smart,
        )

    def run(self, stop: Event) -> None:
        """Ask other hosts' clocks and the disks, each in its time, until told to stop."""
        asked_at = float("-inf")
        while not stop.is_set():
            now = time.monotonic()
            if now - self._told_at >= _CLOCKS_EVERY_S or self._jumps.jumped_at > self._told_at:
                self._offsets, self._told_at = self._clocks.ahead(), now
            if now - asked_at >= _DISKS_EVERY_S:
                self._health, asked_at = self._disks.health(), now
            stop.wait(_LOOK_S)

    def _disk(self, engine_root: str, was_good: bool) -> Finding:
        limits = self._limits
        paths = tuple(dict.fromkeys(path for path in ("/", engine_root, *self._paths) if path))
        spaces = self._host.spaces(paths)
        shares = f"{limits.disk_free:.0%} of space and {limits.inodes_free:.0%} of inodes"
        well = f"more than {shares} is free at {', '.join(one.path for one in spaces)}"
        return self._judged("disk", core.disk(spaces, limits), was_good, well)

    def _memory(self, was_good: bool) -> Finding:
        try:
            measures = core.memory(*self._host.memory(), self._limits)
        except BackendError as error:
            return False, str(error)
        return self._judged("memory", measures, was_good, f"more than {self._limits.memory_free:.0%} is available")

    def _clock(self, was_good: bool) -> Finding:
        jumped = self._jumps.look(time.time(), time.monotonic())
        known = self._offsets if time.monotonic() - self._told_at < _CLOCKS_LAST_S else ()
        beside = f"within {self._limits.clock_apart_s:g} s of etcd's" if known else "nobody to compare it with"
        ok, reason = self._judged("clock", core.clock(known, self._limits), was_good, f"steady, {beside}")
        return ok and not jumped, "; ".join(filter(None, (jumped, reason if not (ok and jumped) else "")))

    def _judged(self, name: str, measures: Sequence[core.Measure], was_good: bool, well: str) -> tuple[bool, str]:
        found = core.judged(measures, self._good.get(name, {}), was_good, self._limits.margin)
        self._good[name] = dict(found.good)
        return found.ok, found.reason or well


def merged(before: Sequence[Condition], found: Sequence[tuple[str, Finding]], now: datetime) -> tuple[Condition, ...]:
    """`since` stays while `ok` does. A condition that is looked for no longer, or not here, is left out."""
    known = {condition.name: condition for condition in before}
    out = []
    for name, finding in found:
        old = known.get(name)
        if finding is None:
            out += [old] if old else []
            continue
        ok, reason = finding
        out.append(replace(old, reason=reason) if old and old.ok == ok else Condition(name, ok, reason, now))
    return tuple(out)
