"""What speaks for and against this node: engine, disk, memory, clock. Others look after what else it tells."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from appserver.core.fleet import Condition

DISK_FREE = 0.05
DISK_LEAST = 1 << 30
MEMORY_FREE = 0.03
CLOCK_JUMP_S = 5.0
CLOCK_STEADY_S = 600.0
_MEMINFO = Path("/proc/meminfo")

Finding = tuple[bool, str] | None
"""Whether a condition is good, and why; None: nothing is known of it now, and what was known stands."""


@dataclass(slots=True)
class ClockWatch:
    """Compares the wall clock with one that cannot jump."""

    wall: float
    steady: float
    jumped_at: float = float("-inf")
    jump: float = 0.0

    def look(self, wall: float, steady: float) -> tuple[bool, str]:
        jump = (wall - self.wall) - (steady - self.steady)
        if abs(jump) > CLOCK_JUMP_S:
            self.jumped_at, self.jump = steady, jump
        self.wall, self.steady = wall, steady
        if steady - self.jumped_at < CLOCK_STEADY_S:
            return False, f"the clock jumped by {self.jump:+.0f} s"
        return True, "steady"


def disk(root: str) -> tuple[bool, str]:
    """Of the file system that holds the engine's images and volumes."""
    try:
        found = os.statvfs(root or "/")
    except OSError as error:
        return False, f"{root}: {error.strerror}"
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    told = f"{free / (1 << 30):.1f} GiB free of {size / (1 << 30):.0f} GiB at {root or '/'}"
    return free >= min(DISK_LEAST, size / 2) and free >= DISK_FREE * size, told


def memory() -> tuple[bool, str]:
    """What the kernel could give without swapping."""
    try:
        lines = (line.split() for line in _MEMINFO.read_text().splitlines())
        found = {parts[0].rstrip(":"): int(parts[1]) * 1024 for parts in lines if len(parts) > 1}
        available, total = found["MemAvailable"], found["MemTotal"]
    except (OSError, KeyError, ValueError) as error:
        return False, f"cannot be read: {error}"
    return available >= MEMORY_FREE * total, f"{available >> 20} MiB available of {total >> 20} MiB"


def merged(before: Sequence[Condition], found: Sequence[tuple[str, Finding]], now: datetime) -> tuple[Condition, ...]:
    """`since` stays while `ok` does, and so does a good condition's reason: nothing is written for its sake."""
    known = {condition.name: condition for condition in before}
    out = []
    for name, finding in found:
        old = known.get(name)
        if finding is None:
            out += [old] if old else []
            continue
        ok, reason = finding
        if old and old.ok == ok:
            out.append(old if ok else replace(old, reason=reason))
        else:
            out.append(Condition(name, ok, reason, now))
    return tuple(out)
