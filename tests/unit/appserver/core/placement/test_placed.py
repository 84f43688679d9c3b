"""Names, holders and records of containers that have a place."""

from __future__ import annotations

from dataclasses import replace

from appserver.core.placement import placed, placed_images
from appserver.core.placement.request import Claim
from appserver.core.placement.translate import request
from appserver.core.placement.values import Image, Port
from tests.fakes import START

WEB = Image("registry.example:5000/team/web:2", cpus=0.5, memory=64, labels=("ssd",), bind_ports=(Port("tcp", "", 80),))


def test_a_name_is_made_of_the_image() -> None:
    """Of its last part, without tag and digest, however long."""
    assert placed_images.named(WEB, "0a") == "web-0a"
    assert placed_images.named(Image("redis@sha256:" + "a" * 64), "0a") == "redis-0a"
    assert len(placed_images.named(Image("x" * 200), "0a")) == 43


def test_holders_of_containers_and_of_applications_are_apart() -> None:
    """By the slash, which no application's has."""
    assert placed.parted(placed.holder("default", "web")) == ("default", "web")
    assert placed.is_of_container("default/web") and not placed.is_of_container("default.web")


def test_copies_are_a_group_that_can_be_spread() -> None:
    """By their common name, where the request names none."""
    names = placed.copies("web", 2)
    found = [placed.one_of(request(WEB, ""), "default", name, "web") for name in names]
    assert [(one.holder, one.name, one.group) for one in found] == [
        ("default/web-1", "web-1", "web"),
        ("default/web-2", "web-2", "web"),
    ]
    assert placed.copies("web", 1) == ("web",)
    assert placed.one_of(request(replace(WEB, group="mine"), ""), "default", "web", "web").group == "mine"


def test_two_requests_are_the_same_by_what_decides_them() -> None:
    """What a container is told is none of it, so that no secret shows in what is kept."""
    one = placed.digest(request(WEB, "a"), 1)
    told = replace(WEB, container_name="b", environment={"PASSWORD": "hunter2"}, args=("--token=x",))
    assert placed.digest(request(told, "b"), 1) == one
    assert one not in {placed.digest(request(replace(WEB, cpus=1), "a"), 1), placed.digest(request(WEB, "a"), 2)}


def test_what_is_kept_gives_citadels_image_back() -> None:
    """As far as it is kept: not what the container is told."""
    wanted = request(replace(WEB, environment={"PASSWORD": "hunter2"}), "a")
    kept = placed.record(wanted, "n1", placed.Asked(START, "ann"))
    assert placed_images.image_of(kept, Claim(0.5, 64 << 20, wanted.claim.ports)) == replace(WEB, type="service")
    assert "hunter2" not in repr(kept)
