"""Long lists in as many transactions as they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 100
"""Keys for one transaction, with room beside them: etcd takes 128 operations where nobody raised its limit."""


def parts(items: Sequence[T]) -> list[Sequence[T]]:
    """In their order; none of none."""
    return [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]
