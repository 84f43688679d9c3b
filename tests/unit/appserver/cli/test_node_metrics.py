"""A node's numbers on a terminal."""

from __future__ import annotations

import pytest

from appserver.cli.node_metrics import sparkline


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
