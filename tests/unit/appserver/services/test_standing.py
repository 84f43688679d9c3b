"""Nodes as a deployment sees them: with what runs there, and what has been promised room."""

from __future__ import annotations

from dataclasses import replace

from appserver.core.entities import AppKey
from appserver.core.placement.request import Candidate, Resident
from appserver.services.standing import standing_of
from tests.unit.appserver.services.berth import ANN, REDIS, Berth, asks


def seen(berth: Berth) -> dict[str, Candidate]:
    return {one.name: one for one in standing_of(berth.kv, AppKey("default", "shop")).candidates}


def test_a_node_has_its_labels_as_words_and_as_pairs() -> None:
    """Citadel's labels are words, Classic Swarm's have values."""
    berth = Berth()
    berth.node("n1", zone="a", ssd="")
    node = seen(berth)["n1"]
    assert (node.id, node.words, node.labels) == ("n1", ("ssd", "zone=a"), {"zone": "a", "ssd": ""})


def test_what_runs_there_is_known_by_its_record() -> None:
    """Whose it is, its image with a tag, whether it runs; images are held where a container has them."""
    berth = Berth()
    berth.node("n1")
    berth.runs("blog-web-1", "n1", "exited", "default.blog", "nginx")
    berth.runs("stray", "n1", image="redis:7")
    node = seen(berth)["n1"]
    assert node.residents == (
        Resident("blog-web-1", "nginx:latest", running=False, id="id-blog-web-1", group="default.blog",
                 holder="default.blog"),
        Resident("stray", "redis:7", id="id-stray"),
    )  # fmt: skip
    assert node.images == {"nginx:latest", "redis:7"}


def test_what_was_promised_room_is_there_before_its_container() -> None:
    """And is one with it when it comes; an image is not held before that."""
    berth = Berth()
    berth.node("n1")
    berth.server()(ANN, asks(replace(REDIS, container_name="web", group="g")))
    promised = Resident("web", "crosbymichael/redis:latest", group="g", holder="default/web")
    assert (seen(berth)["n1"].residents, seen(berth)["n1"].images) == ((promised,), frozenset())
    assert set(seen(berth)["n1"].reserved) == {"default/web"}
    berth.runs("web", "n1", image="crosbymichael/redis")
    assert seen(berth)["n1"].residents == (replace(promised, id="id-web"),)
