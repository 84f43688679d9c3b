"""Packing beforehand: never over, close to what cannot be undercut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appserver.core.placement.packing import lower_bound, pack

items = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), max_size=25)


@settings(deadline=None)
@given(items, st.integers(0, 12))
def test_no_node_is_over_its_capacity_and_who_is_left_out_fits_nowhere(asked: Any, count: int) -> None:
    """Each item has a node with room for it, or there is none."""
    sizes = np.array(asked, dtype=np.int64).reshape(-1, 2)
    free = np.full((count, 2), 10, dtype=np.int64)
    found = pack(sizes, free)
    for number, node in enumerate(found.tolist()):
        if node >= 0:
            free[node] -= sizes[number]
    assert (free >= 0).all()
    for number in (found < 0).nonzero()[0]:
        assert not (free >= sizes[number]).all(axis=1).any()


@settings(deadline=None)
@given(items)
def test_no_packing_needs_fewer_nodes_than_the_bound(asked: Any) -> None:
    """The bound is one."""
    sizes = np.array(asked, dtype=np.int64).reshape(-1, 2)
    found = pack(sizes, np.full((max(len(asked), 1), 2), 10, dtype=np.int64))
    assert (found >= 0).all()
    assert lower_bound(sizes, np.array([10, 10])) <= max(len(set(found.tolist())), 1)


@pytest.mark.parametrize(
    ("asked", "bound"),
    [([], 0), ([(1, 1)], 1), ([(6, 1)] * 3, 3), ([(5, 1)] * 3, 2), ([(1, 9), (9, 1)], 1), ([(0, 0)], 1)],
)
def test_the_bound(asked: list[tuple[int, int]], bound: int) -> None:
    """Sums, and those of which no two share a node."""
    assert lower_bound(np.array(asked, dtype=np.int64).reshape(-1, 2), np.array([10, 10])) == bound


def test_what_an_item_may_not_have_it_does_not_get() -> None:
    """Labels and the like, by node."""
    asked = np.array([(5, 5), (5, 5)], dtype=np.int64)
    found = pack(asked, np.full((3, 2), 10, dtype=np.int64), lambda node: np.array([node == 2, node != 0]))
    assert found.tolist() == [2, 1]


def test_virtual_machines_of_usual_sizes_are_packed_close_to_the_bound() -> None:
    """1.015 of what cannot be undercut."""
    random = np.random.default_rng(3)
    cores = random.choice([1, 2, 4, 8, 16], 600, p=[0.35, 0.3, 0.2, 0.1, 0.05])
    sizes = np.stack([cores * 1000, cores * random.choice([2, 4, 8], 600, p=[0.3, 0.5, 0.2]) << 20], axis=1)
    node = np.array([96_000, 384 << 20])
    bound = lower_bound(sizes, node)
    assert len(set(pack(sizes, np.tile(node, (2 * bound, 1))).tolist())) <= max(1.015 * bound, bound + 1)
