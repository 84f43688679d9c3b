"""What becomes of the shared volume, decided of what one of its servers knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.boot.plugins import plugin

gluster: Any = plugin("module_utils/gluster.py")
A, B, C, D = "198.18.0.10", "198.18.0.11", "198.18.0.12", "198.18.0.13"
WANTED = gluster.Wanted("moorage", (A, B, C), "/brick", 3, {"network.ping-timeout": "5"})
MEMBERS = {A: "id-a", B: "id-b", C: "id-c"}
OPTIONS = {"features.quota": "on", "network.ping-timeout": "5"}
MADE = gluster.Seen(
    A, MEMBERS, (), {"id-b": B, "id-c": C}, MEMBERS, started=True, online=frozenset(MEMBERS), options=OPTIONS,
)  # fmt: skip


def commands(seen: Any, wanted: Any = WANTED) -> list[str]:
    plan = gluster.decide(seen, wanted)
    assert not plan.refusal
    return [" ".join(step.argv) for step in plan.steps]


def test_three_bare_servers_get_a_volume() -> None:
    """They meet, and each gets a copy."""
    assert commands(gluster.Seen(A, MEMBERS)) == [
        f"peer probe {B}",
        f"peer probe {C}",
        f"volume create moorage replica 3 {A}:/brick {B}:/brick {C}:/brick",
        "volume start moorage",
        "volume quota moorage enable",
        "volume set moorage network.ping-timeout 5",
    ]


def test_a_volume_as_it_is_to_be_is_left_alone() -> None:
    """A second run has nothing to do."""
    assert gluster.decide(MADE, WANTED) == gluster.Plan()


def test_a_new_host_joins_and_gets_a_copy_while_there_are_too_few() -> None:
    """The fourth of three copies only mounts it."""
    two = replace(MADE, peers={"id-b": B}, bricks={A: "id-a", B: "id-b"})
    assert commands(two) == [
        f"peer probe {C}",
        f"volume add-brick moorage replica 3 {C}:/brick",
        "volume heal moorage full",
    ]
    four = replace(MADE, members={**MEMBERS, D: "id-d"})
    assert commands(four, replace(WANTED, hosts=(A, B, C, D))) == [f"peer probe {D}"]


def test_a_new_machine_under_an_old_address_replaces_its_copy() -> None:
    """It is known by its server's id; the copy of the dead one is dropped, and healed onto the new one."""
    new = replace(MADE, members={**MEMBERS, C: "id-new"}, online=frozenset({A, B}), pending=7)
    assert commands(new) == [
        f"volume remove-brick moorage replica 2 {C}:/brick force",
        f"peer detach {C} force",
        f"peer probe {C}",
        f"volume add-brick moorage replica 3 {C}:/brick",
        "volume heal moorage full",
    ]


def test_a_host_that_left_the_inventory_gives_its_copy_up() -> None:
    """One that is gone for good is waited for by nobody; a fourth host takes its place."""
    left = replace(MADE, members={A: "id-a", B: "id-b", D: "id-d"}, online=frozenset({A, B}))
    wanted = replace(WANTED, hosts=(A, B, D))
    assert commands(left, wanted)[0] == f"volume remove-brick moorage replica 2 {C}:/brick force"
    assert commands(left, wanted)[3] == f"volume add-brick moorage replica 3 {D}:/brick"


@pytest.mark.parametrize(
    ("seen", "hosts", "told"),
    [
        (replace(MADE, pending=3), (A, B), "3 files are still being healed"),
        (replace(MADE, online=frozenset({A, C})), (A, B), f"the bricks of {B} are away"),
        (MADE, (A,), "one copy at a time"),
        (MADE, (D,), "no brick with data would be left"),
        (replace(MADE, members={A: "id-a", B: "n1", C: "n2"}, online=frozenset({A})), (A, B, C), "more than half"),
        (replace(MADE, members={A: "n0", B: "n1", C: "n2"}), (A, B, C), "no brick with data"),
        (gluster.Seen(C, {C: "id-c"}, unasked=("boot-0", "boot-1")), (A, B, C), "no second one is made"),
    ],
)
def test_what_could_cost_data_is_refused(seen: Any, hosts: tuple[str, ...], told: str) -> None:
    """No copy is dropped while another may lack what it has, nor a second volume made beside one that is not seen."""
    plan = gluster.decide(seen, replace(WANTED, hosts=hosts))
    assert told in plan.refusal
    assert plan.steps == ()


def test_a_host_that_is_away_keeps_its_copy() -> None:
    """A frozen or powered-off host is not a lost one; people are told."""
    away = replace(MADE, members={A: "id-a", B: "id-b"}, unasked=("boot-2",), online=frozenset({A, B}))
    plan = gluster.decide(away, WANTED)
    assert plan.steps == ()
    assert any("boot-2 could not be asked" in told for told in plan.warnings)
    assert any(f"bricks of {C} are away" in told for told in plan.warnings)


def test_one_host_has_a_volume_of_one_copy() -> None:
    """It can grow from there."""
    alone = replace(WANTED, hosts=(A,))
    assert f"volume create moorage {A}:/brick" in commands(gluster.Seen(A, {A: "id-a"}), alone)


def test_how_strictly_limits_are_kept_is_a_setting_of_the_quota() -> None:
    """Gluster has a verb of its own for these two."""
    wanted = replace(WANTED, options={"features.hard-timeout": "0"})
    assert commands(MADE, wanted) == ["volume quota moorage hard-timeout 0"]
