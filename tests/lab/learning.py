"""What an agent would have learned of an image."""

from __future__ import annotations

import time

from appserver.core.learned import Learned, Usage, measured, period_of
from appserver.core.metrics import FIELDS

MIB = 1 << 20


def learned_of(image: str, at: int, *containers: str, cpu: float = 0.25, memory: float = 64.0 * MIB) -> Learned:
    """Of one minute of each of these containers, by their ids; at its peak each had twice as many cores."""
    usage = Usage()
    for one in containers:
        usage = measured(usage, at, one, _numbers(cpu, memory), _numbers(2 * cpu, memory))
    return Learned(image, period_of(at), usage)


def learned_now(image: str) -> Learned:
    """Of three containers."""
    return learned_of(image, int(time.time()), "a" * 64, "b" * 64, "c" * 64)


def _numbers(cpu: float, memory: float) -> list[float]:
    known = {"cpu": cpu, "memory": memory}
    return [known.get(field.name, 0.0) for field in FIELDS["container"]]
