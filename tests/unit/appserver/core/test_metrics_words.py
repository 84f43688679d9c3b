"""Numbers that were measured, as people read them."""

from __future__ import annotations

import pytest

from appserver.core.metrics_words import amount


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "bytes", ""),
        (0.254, "cores", "0.25"),
        (2.0, "cores", "2"),
        (12.34, "number", "12.3"),
        (16_777_216.0, "number", "16777216"),
        (100.0, "bytes", "100 B"),
        (1024.0, "bytes", "1 KiB"),
        (1_610_612_736.0, "bytes", "1.5 GiB"),
        (1_048_576.0, "bytes/s", "1 MiB/s"),
        (2.0**70, "bytes", "1048576 PiB"),
        (12.5, "1/s", "12.5/s"),
        (0.5, "ratio", "50 %"),
        (0.0123, "ratio", "1.23 %"),
        (59.0, "seconds", "59 s"),
        (3_540.0, "seconds", "59 min"),
        (3_700.0, "seconds", "1 h 1 min"),
        (90_000.0, "seconds", "1 d 1 h"),
    ],
)
def test_a_number_has_its_unit(number: float | None, unit: str, text: str) -> None:
    """And no more digits than it has a meaning for."""
    assert amount(number, unit) == text
