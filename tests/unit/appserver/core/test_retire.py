"""Whether a node may leave for good, and what is said in its agent's place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appserver.core.entities import Desired, Observed
from appserver.core.fleet import Node
from appserver.core.retire import last_words, mistaken, why_not

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WANTED = Desired(revision=3, previous=0, run="running", by="ada")
LEAVING = Desired(revision=3, previous=0, run="removed", by="ada")


@pytest.mark.parametrize(
    ("is_on", "desired", "why"),
    [
        (False, {}, ""),
        (False, {"default.shop": LEAVING}, ""),
        (True, {}, "b is on: stop its agent first"),
        (False, {"default.shop": WANTED, "default.old": LEAVING}, "default.shop is wanted on b: deploy elsewhere"),
        (False, {"default.a": WANTED, "default.b": WANTED}, "default.a, default.b are wanted on b"),
    ],
)
def test_a_node_goes_once_nothing_is_wanted_there(is_on: bool, desired: dict[str, Desired], why: str) -> None:
    """The reason says what to do first."""
    assert why_not("b", is_on, desired).startswith(why) and bool(why_not("b", is_on, desired)) == bool(why)


@pytest.mark.parametrize(
    ("name", "lrn", "why"),
    [
        ("n3", 3, ""),
        ("n3", -1, ""),
        ("plain", 7, ""),
        ("nobody", 9, ""),
        ("nobody", -1, ""),
        ("n3", 4, "n3 is boot server 3 on record, not 4"),
        ("boot-3", 3, "boot server 3 is on record as n3, not as boot-3"),
        ("boot-4", 4, "boot server 4 is on record as a4, b4, not as boot-4"),
    ],
)
def test_a_name_and_a_number_stand_for_one_node(name: str, lrn: int, why: str) -> None:
    """Where they do not, the reason says what the record has."""
    lrns = {"n3": 3, "a4": 4, "b4": 4, "plain": -1}
    nodes = {known: Node(known, "192.0.2.1:8090", "default", lrn=number) for known, number in lrns.items()}
    assert mistaken(name, lrn, nodes).startswith(why) and bool(mistaken(name, lrn, nodes)) == bool(why)


def test_what_was_to_leave_is_said_to_have_left() -> None:
    """Of that alone, and once: what the agent said itself stands."""
    said = Observed(acted_on=9, revision=3, phase="removed", at=NOW)
    old = Observed(acted_on=5, revision=3, phase="done", at=NOW)
    desired = {"default.new": (LEAVING, 9), "default.old": (LEAVING, 9), "default.kept": (WANTED, 4)}
    words = last_words({**desired, "default.said": (LEAVING, 9)}, {"default.said": said, "default.old": old}, NOW)
    assert {app: (one.acted_on, one.phase) for app, one in words.items()} == {
        "default.new": (9, "removed"), "default.old": (9, "removed"),
    }  # fmt: skip
