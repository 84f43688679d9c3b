"""Curves to outlines and words: what a page draws of what was measured."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appserver.core.metrics import FIELDS, Subject
from appserver.core.metrics_fold import Line
from appserver.services.metrics import Measured
from appserver.web.chart import HEIGHT, WIDTH, Chart, Curve, ceiling, chart, moment
from appserver.web.charts import MOST_CURVES, containers, of_application, of_node

TIMES = range(1_763_710_200, 1_763_710_200 + 3_600, 900)
"""An hour from 07:30, in quarters."""


def drawn(*numbers: float | None, whole: float = 0.0, unit: str = "cores") -> Chart:
    return chart("CPU", unit, TIMES, (Curve("busy", numbers, numbers),), whole)


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    """It does not pretend that it went straight from one side to the other; a lone number is a dash."""
    line = drawn(1, None, 2, 2).curves[0].line
    assert line == "M0 50L250 50M625 0L875 0"
    assert drawn(None, None, None, None).is_known is False


def test_the_band_reaches_from_the_average_to_the_greatest() -> None:
    """Where there is one curve; several would hide each other."""
    curve = Curve("busy", (1, 1, None, 1), (2, 1, None, 2))
    assert chart("x", "cores", TIMES, (curve,)).curves[0].band == "M125 0L375 50L375 50L125 50Z"
    assert chart("x", "cores", TIMES, (curve, curve)).curves[0].band == ""


def test_the_legend_says_what_the_curve_shows() -> None:
    """Now, on average and at most; whoever does not see it is told in one sentence."""
    found = chart("Memory", "bytes", TIMES, (Curve("used", (1024, None, 3072, None), (2048, None, 4096, None)),))
    (told,) = found.curves
    assert (told.now, told.mean, told.peak) == ("3 KiB", "2 KiB", "4 KiB")
    assert found.summary == "Memory: used 3 KiB, at most 4 KiB"
    assert found.rows == ("4 KiB", "2 KiB", "0 B")
    assert found.marks == ("07:30", "07:45", "08:00", "08:15", "08:30")
    assert [tip.text.splitlines()[1] for tip in found.tips] == [
        "used: 1 KiB, at most 2 KiB",
        "used: 3 KiB, at most 4 KiB",
    ]


def test_the_plot_reaches_up_to_what_there_is() -> None:
    """So that a half is a half; further only where more was measured."""
    assert drawn(1, 1, 1, 1, whole=8).rows == ("8", "4", "0")
    assert drawn(9, 1, 1, 1, whole=8).rows[0] == "9"


@pytest.mark.parametrize(
    ("highest", "unit", "top"),
    [
        (0, "cores", 1),
        (0.03, "cores", 0.05),
        (2, "cores", 2),
        (2.1, "cores", 5),
        (70, "number", 100),
        (3000, "bytes", 4096),
    ],
)
def test_a_plot_ends_at_a_round_number(highest: float, unit: str, top: float) -> None:
    """Of ten, or of two for bytes."""
    assert ceiling(highest, unit) == pytest.approx(top)


@pytest.mark.parametrize(("span", "text"), [(3_600, "07:30"), (3 * 86_400, "21 Nov, 07:30"), (30 * 86_400, "21 Nov")])
def test_a_time_is_told_as_finely_as_the_range_asks(span: int, text: str) -> None:
    """In UTC."""
    assert moment(TIMES.start, range(TIMES.start, TIMES.start + span, 600)) == text


numbers = st.one_of(st.none(), st.floats(0, 1e15, allow_nan=False))


@example([(5e-324, None)], "cores")
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=80), st.sampled_from(["cores", "bytes", "ratio"]))
def test_nothing_is_drawn_outside_of_the_plot(given_: list[tuple[float | None, float | None]], unit: str) -> None:
    """From left to right, within its height; tips do not overlap."""
    means = [mean for mean, _ in given_]
    peaks = [None if mean is None else max(mean, peak or 0) for mean, peak in given_]
    found = chart("x", unit, range(0, 10 * len(given_), 10), (Curve("c", means, peaks),))
    for outline in (found.curves[0].line, found.curves[0].band):
        for part in re.findall(r"[^M]+", outline.replace("Z", "")):
            points = [tuple(map(float, point.split())) for point in part.split("L")]
            assert all(-0.01 <= x <= WIDTH + 0.01 and -0.01 <= y <= HEIGHT + 0.01 for x, y in points)
    for one, other in pairwise(found.tips):
        assert one.x + one.width <= other.x + 0.02
    assert found.is_known == any(mean is not None for mean in means)


def measured(node: str, lines: tuple[Line, ...], step: int = 900) -> Measured:
    start, end = (datetime.fromtimestamp(at, UTC) for at in (TIMES.start, TIMES.stop))
    return Measured(node, start, end, step, lines)


def line(subject: Subject, field: str, *values: float | None) -> Line:
    unit = next(one.unit for one in FIELDS[subject.kind] if one.name == field)
    return Line(subject, field, unit, values, values)


def test_a_node_has_charts_of_what_it_has() -> None:
    """No swap, no chart of it; what a file system does not count is no share of nothing."""
    node, disk = Subject("node"), Subject("disk", "/")
    lines = (
        line(node, "cpu", 1, 1, 1, 1),
        line(node, "cpus", 4, 4, 4, 4),
        line(node, "swap", 0, 0, 0, 0),
        line(node, "swap_total", 0, 0, 0, 0),
        line(disk, "used", 50, 50, None, 50),
        line(disk, "size", 100, 100, None, 100),
        line(disk, "inodes_used", 5, 5, 5, 5),
        line(disk, "inodes", 0, 0, 0, 0),
    )
    found = {one.title: one for one in of_node(measured("n1", lines))}
    assert list(found) == ["CPU, cores", "Space on disks"]
    assert found["CPU, cores"].rows[0] == "4"
    assert found["Space on disks"].curves[0].now == "50 %"


def test_of_many_containers_the_busiest_are_drawn() -> None:
    """And all of them are in the table."""
    lines = tuple(line(Subject("container", f"c{i:02}"), "cpu", i, i, i, i) for i in range(20))
    (found,) = of_node(measured("n1", lines))
    assert [one.name for one in found.curves] == [f"c{i}" for i in range(20 - MOST_CURVES, 20)]
    assert len(containers((measured("n1", lines),))) == 20


def test_containers_of_one_name_on_two_nodes_are_told_apart() -> None:
    """A node that can only tell more coarsely is in the table alone."""
    web = Subject("container", "shop-web-1", "default.shop", "web")
    parts = [measured(node, (line(web, "cpu", 1, 1, 1, 1),)) for node in ("n1", "n2")]
    coarse = measured("n3", (line(web, "cpu", 1, 1),), 1_800)
    (found,) = of_application([*parts, coarse])
    assert [one.name for one in found.curves] == ["shop-web-1 on n1", "shop-web-1 on n2"]
    assert [(one.node, one.cpu, one.memory) for one in containers([*parts, coarse])] == [
        (node, 1, None) for node in ("n1", "n2", "n3")
    ]
    assert of_application([]) == ()
