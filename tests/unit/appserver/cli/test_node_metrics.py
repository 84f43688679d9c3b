"""A node's numbers on a terminal."""

from __future__ import annotations

import pytest

from appserver.cli.node_metrics import amount, sparkline


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ((), ""),
        ((None, 0.0, 1.0, 0.5), " ▁█▅"),
        ((0.0, 0.0), "▁▁"),
        ((1.0,) * 100, "█" * 40),
        ((None,) * 50 + (2.0,) * 50, " " * 20 + "█" * 20),
    ],
)
def test_a_course_is_as_wide_as_there_is_to_tell(numbers: tuple[float | None, ...], line: str) -> None:
    """Forty bars at the most; a blank where nothing is known."""
    assert sparkline(numbers) == line


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "bytes", ""),
        (0.254, "cores", "0.25"),
        (2.0, "cores", "2"),
        (1024.0, "bytes", "1.0 KiB"),
        (1048576.0, "bytes/s", "1.0 MiB/s"),
        (12.5, "1/s", "12.5/s"),
        (0.5, "ratio", "50 %"),
    ],
)
def test_a_number_has_its_unit(number: float | None, unit: str, text: str) -> None:
    """As people read it."""
    assert amount(number, unit) == text
