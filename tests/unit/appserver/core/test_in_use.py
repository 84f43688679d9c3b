"""What is in use on a node, as it is told."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from appserver.core.in_use import InUse, Trend, follow, told
from appserver.core.metrics import FIELDS, Sample, Subject

GIB = 1 << 30


def sample(at: int, cpu: float, memory: float) -> Sample:
    known = {"cpu": cpu, "memory": memory}
    values = {Subject("node"): [known.get(field.name, math.nan) for field in FIELDS["node"]]}
    return Sample(at, values, values)


def test_a_peak_of_seconds_is_no_trend_and_minutes_of_work_are() -> None:
    quiet = follow(None, sample(0, 1.0, 4 * GIB))
    assert quiet == Trend(1.0, 4 * GIB, 0)
    peak = follow(quiet, sample(10, 16.0, 4 * GIB))
    assert peak is not None
    assert peak.cpus < 1.6
    busy = peak
    for number in range(2, 92):
        busy = follow(busy, sample(number * 10, 16.0, 4 * GIB)) or busy
    assert busy.cpus > 15.0


def test_what_could_not_be_measured_changes_nothing() -> None:
    before = Trend(2.0, GIB, 10)
    assert follow(before, sample(20, math.nan, GIB)) == before
    assert follow(before, Sample(20, {}, {})) == before
    assert follow(before, sample(10, 9.0, GIB)) == before
    assert told(InUse(1.0, GIB), None, 4.0, 8 * GIB) == InUse(1.0, GIB)


@given(st.floats(0, 16), st.floats(0, 64 * GIB), st.floats(-0.79, 0.79), st.floats(-3 * GIB, 3 * GIB))
def test_it_is_told_anew_only_a_step_away(cpus: float, memory: float, more: float, bytes_more: float) -> None:
    """Of 16 cores and 64 GiB a step is 0.8 cores and 3.2 GiB; and what is told is at most half a step off."""
    first = told(None, Trend(cpus, memory, 0), 16.0, 64 * GIB)
    assert first is not None
    assert abs(first.cpus - cpus) <= 0.401
    assert abs(first.memory - memory) <= 1.61 * GIB
    near = Trend(max(0.0, first.cpus + more), max(0.0, first.memory + bytes_more), 1)
    assert told(first, near, 16.0, 64 * GIB) == first
    far = told(first, Trend(first.cpus + 0.9, first.memory, 1), 16.0, 64 * GIB)
    assert far is not None
    assert far.cpus > first.cpus
