"""What is in use on a node, as placement may go by it: smoothed over minutes, and told in steps. Pure.

A number that wavers would be written all the time, and would place the same application here and there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from appserver.core.metrics import FIELDS, Sample, Subject

_MINUTES = 5
_STEPS = 20
"""Of what the node has: it is told in twentieths, and told anew when it is a whole one away."""
_NODE = Subject("node")
_AT = {field.name: number for number, field in enumerate(FIELDS["node"])}


@dataclass(frozen=True, slots=True)
class InUse:
    """Cores and bytes, by everything that runs there."""

    cpus: float
    memory: int


@dataclass(frozen=True, slots=True)
class Trend:
    """Moving means, over some minutes; `at` is that of the sample seen last."""

    cpus: float
    memory: float
    at: int


def follow(before: Trend | None, sample: Sample) -> Trend | None:
    """The trend with one more sample; as it was where that says nothing of the node."""
    found = sample.means.get(_NODE)
    if found is None or math.isnan(found[_AT["cpu"]]) or math.isnan(found[_AT["memory"]]):
        return before
    cpus, memory = found[_AT["cpu"]], found[_AT["memory"]]
    if before is None or sample.at <= before.at:
        return before or Trend(cpus, memory, sample.at)
    share = 1.0 - math.exp(-(sample.at - before.at) / (_MINUTES * 60))
    return Trend(
        before.cpus + share * (cpus - before.cpus), before.memory + share * (memory - before.memory), sample.at
    )


def told(before: InUse | None, trend: Trend | None, cpus: float, memory: int) -> InUse | None:
    """What is said of it: what was said, until the trend is a step away.

    Args:
        cpus, memory: what the node has.
    """
    if trend is None or cpus <= 0 or memory <= 0:
        return before
    steps = cpus / _STEPS, memory / _STEPS
    if before and abs(trend.cpus - before.cpus) < steps[0] and abs(trend.memory - before.memory) < steps[1]:
        return before
    return InUse(round(round(trend.cpus / steps[0]) * steps[0], 3), round(round(trend.memory / steps[1]) * steps[1]))
