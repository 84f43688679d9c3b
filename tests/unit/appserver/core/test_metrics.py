"""Two readings to a sample, samples to fewer of them, and the words of a request to a range."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.metrics import FIELDS, Reading, Sample, Subject, field, sampled
from appserver.core.metrics_fold import Fold, Level, lines
from appserver.core.metrics_range import MOST_POINTS, Asked, asked, levels_for
from appserver.errors import Invalid
from tests.fakes import START

NET, DISK = Subject("network", "eth0"), Subject("disk", "/")
NOW = int(START.timestamp())
LEVELS = (Level("10s", 10, 43_200), Level("1m", 60, 604_800), Level("10m", 600, 7_776_000))


def net(at: float, received: float, sent: float = 0.0) -> Reading:
    return Reading(at, at, {NET: (received, sent, 0.0)})


def sample(at: int, received: float, peak: float | None = None) -> Sample:
    means = {NET: (received, math.nan, 0.0)}
    return Sample(at, means, means if peak is None else {NET: (peak, math.nan, 0.0)})


def test_counters_become_rates_and_levels_stay() -> None:
    """By the clock that does not jump, whatever the other one did."""
    before = Reading(5_000, 100, {NET: (1_000, 0, 0), DISK: (1, 2, 3, 4)})
    after = Reading(10, 110, {NET: (1_500, 0, 0), DISK: (9, 2, 3, 4)})
    found = sampled(before, after)
    assert found.at == 10
    assert field(found.means, NET, "received") == 50
    assert found.means[DISK] == [9, 2, 3, 4]


def test_a_counter_that_fell_began_anew() -> None:
    """Nothing is known of that time, and no rate is below zero."""
    found = sampled(net(0, 1_000), net(10, 20))
    assert math.isnan(field(found.means, NET, "received"))
    assert math.isnan(field(sampled(Reading(0, 0, {}), net(10, 20)).means, NET, "received")), "it is new"
    assert math.isnan(field(found.means, Subject("network", "gone"), "sent"))


def test_a_stretch_has_the_average_and_the_greatest() -> None:
    """What is not known counts neither way."""
    fold = Fold(60)
    for at, value in ((0, 1.0), (10, math.nan), (20, 4.0)):
        assert fold.take(sample(at, value)) is None
    done = fold.take(sample(60, 9.0))
    assert done and done.at == 0
    assert (field(done.means, NET, "received"), field(done.peaks, NET, "received")) == (2.5, 4.0)
    assert math.isnan(field(done.means, NET, "sent"))


samples_strategy = st.lists(
    st.tuples(st.integers(0, 5_000), st.floats(0, 1e9, allow_nan=False, width=32)), min_size=1, max_size=60
)


@given(samples_strategy)
def test_folding_loses_no_peak_and_keeps_within_what_was(given_: list[tuple[int, float]]) -> None:
    """Each stretch's average lies between its least and its greatest; every sample is in exactly one stretch."""
    taken = sorted(given_)
    fold, done = Fold(600), []
    for at, value in taken:
        over = fold.take(sample(at, value))
        done += [over] if over else []
    done += [last] if (last := fold.pending()) else []
    assert [one.at for one in done] == sorted({at - at % 600 for at, _ in taken})
    for one in done:
        inside = [value for at, value in taken if one.at <= at < one.at + 600]
        assert field(one.peaks, NET, "received") == max(inside)
        assert min(inside) * (1 - 1e-9) <= field(one.means, NET, "received") <= max(inside) * (1 + 1e-9)


def test_lines_have_a_place_for_every_step() -> None:
    """None where nothing is known; what is out of range is left out; finer and coarser ones go together."""
    found = lines(
        (sample(100, 1, 3), sample(110, 2), sample(140, 7), sample(160, 9), sample(90, 9)), range(100, 160, 20)
    )
    assert [line.field for line in found] == [one.name for one in FIELDS["network"]]
    assert (found[0].means, found[0].peaks) == ((1.5, None, 7), (3, None, 7))
    assert found[1].means == (None, None, None)


@pytest.mark.parametrize(
    ("start", "end", "step", "found"),
    [
        ("", "", "", Asked(NOW - 3_600, NOW + 1, 20)),
        ("-90m", "", "1m", Asked(NOW - 5_400, NOW + 1, 60)),
        ("-2h", "-1h", "300", Asked(NOW - 7_200, NOW - 3_600, 300)),
        (str(NOW - 95), str(NOW - 5), "10s", Asked(NOW - 100, NOW, 10)),
        ("2026-11-21T06:00:00Z", "2026-11-21T06:30:00+00:00", "", Asked(NOW - 3_600, NOW - 1_800, 10)),
        ("2026-11-21T06:00:00", "2099-01-01T00:00:00Z", "10m", Asked(NOW - 3_600, NOW + 1, 600)),
        ("-2160h", "", "", Asked(NOW - 7_776_000, NOW + 1, 43_200)),
    ],
)
def test_a_range_is_on_whole_steps(start: str, end: str, step: str, found: Asked) -> None:
    """From the step in which it begins to the end of the one in which it ends; not past now."""
    assert asked(START, start, end, step) == Asked(
        found.start - found.start % found.step_s, found.end + -found.end % found.step_s, found.step_s
    )


@pytest.mark.parametrize(
    ("start", "end", "step", "where"),
    [
        ("yesterday", "", "", "from"),
        ("", "2026-13-01", "", "to"),
        ("-1h", "-2h", "", "from"),
        ("2099-01-01T00:00:00Z", "", "", "from"),
        ("0", "", "", "from"),
        ("-1x", "", "", "from"),
        ("", "", "1s", "step"),
        ("", "", "-1m", "step"),
        ("", "", "soon", "step"),
        ("", "", "9" * 30, "step"),
        ("-90h", "", "10s", "step"),
        ("٣", "", "", "from"),
        ("9" * 40, "", "", "from"),
        ("0001-01-01T00:00:00+23:59", "", "", "from"),
    ],
)
def test_what_is_no_range_is_refused(start: str, end: str, step: str, where: str) -> None:
    """With the word that is wrong."""
    with pytest.raises(Invalid) as refused:
        asked(START, start, end, step)
    assert refused.value.where == where


texts = st.text(max_size=40) | st.from_regex(r"-?[0-9]{1,12}[smh]?|[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True)


@given(texts, texts, texts)
def test_whatever_is_asked_is_a_bounded_range_or_refused(start: str, end: str, step: str) -> None:
    """No words of a request make more points than there may be."""
    try:
        found = asked(START, start, end, step)
    except Invalid:
        return
    assert 0 < len(found.times) <= MOST_POINTS
    assert found.start % found.step_s == found.end % found.step_s == 0


def test_the_coarsest_level_that_is_fine_enough_answers_first() -> None:
    """And finer ones what came after it."""
    spans = {"10s": (NOW - 43_200, NOW), "1m": (NOW - 600_000, NOW), "10m": (NOW - 7_000_000, NOW)}
    whole = Asked(NOW - 3_600, NOW, 60)
    assert levels_for(whole, LEVELS, spans) == (whole, (LEVELS[1], LEVELS[0]))
    fine = Asked(NOW - 3_600, NOW, 10)
    assert levels_for(fine, LEVELS, spans) == (fine, (LEVELS[0],))


def test_what_is_no_longer_there_so_finely_is_told_more_coarsely() -> None:
    """The step says so. A level that begins in the middle of its first stretch does not count as reaching further."""
    spans = {"10s": (NOW - 43_200, NOW), "1m": (NOW - 43_230, NOW)}
    old = Asked(NOW - 86_400, NOW - 72_000, 10)
    assert levels_for(old, LEVELS, spans)[0].step_s == 10
    found, used = levels_for(old, LEVELS, {**spans, "1m": (NOW - 600_000, NOW)})
    assert (found.step_s, used) == (60, (LEVELS[1], LEVELS[0]))
    assert levels_for(old, LEVELS, {}) == (old, (LEVELS[0],)), "nothing is known at all"
