"""Citadel's values become placement's, and its own numbers come out."""

from __future__ import annotations

import pytest

from appserver.core.placement import translate
from appserver.core.placement.place import place
from appserver.core.placement.request import Candidate, Claim, Resident
from appserver.core.placement.values import MB, ClusterInfo, Engine, EngineSnapshot, Image, Port
from appserver.errors import Invalid, NoPlacement

BIG = Engine("e1", "http://10.0.0.1:2375", 8, 32000, ("ssd", "zone=a"))


@pytest.mark.parametrize(
    ("reserved", "cpus", "memory", "golden"),
    [
        ((1.0, 1024), 0.2, 512, (15.0, 4.8, 9.9)),
        ((7.0, 1000), 4.0, 512, (137.5, 4.725, 71.1125)),
        ((9.0, 1000), 4.0, 512, (162.5, 4.725, 83.6125)),
    ],
)
def test_citadel_s_own_scores(
    reserved: tuple[float, float], cpus: float, memory: float, golden: tuple[float, float, float]
) -> None:
    """Its golden vectors; where a share is beyond 100 its mean would have let it pass, and we refuse."""
    engine = EngineSnapshot("e1", 8, 32000, *reserved)
    found = translate.percent(engine, cpus, memory)
    assert (found.cpu, found.memory, found.total) == pytest.approx(golden)
    node = translate.candidate(BIG, {"there": Claim(reserved[0], int(reserved[1] * MB))})
    wanted = translate.request(Image("web", cpus, memory=memory), "new")
    if golden[0] > 100:
        with pytest.raises(NoPlacement):
            place(wanted, [node])
    else:
        assert place(wanted, [node]).scores[0].share == pytest.approx((golden[0] + golden[1]) / 100, abs=1e-4)


def test_an_image_becomes_a_request() -> None:
    """MB become bytes, links and shared networks neighbours, variables expressions, and no type is a service."""
    image = Image(
        "host:5000/app",
        0.2,
        memory=0.5,
        environment={"constraint:zone": "=a", "affinity:container!": "db", "reschedule:on-node-failure": ""},
        labels=("ssd",),
        bind_ports=(Port(port=80), Port(container_port=9000)),
        links={"db": "database"},
        network_mode="container:proxy",
        container_name="app",
        resources={"gpus": 1},
    )
    found = translate.request(image, "default.app")
    assert found.claim == Claim(0.2, MB // 2, (("", "80", "tcp"),), {"gpus": 1})
    assert (found.type, found.name, found.image) == ("service", "app", "host:5000/app:latest")
    assert (found.constraints, found.affinities) == (("zone==a",), ("container!=db",))
    assert found.beside == ("db", "proxy")


@pytest.mark.parametrize(
    ("image", "where"),
    [
        (Image("web", type="cron"), "type"),
        (Image("web", constraints=("zone=a",)), "constraints"),
        (Image("web", affinities=("container==/(a+)+/",)), "affinities"),
        (Image("web", bind_ports=(Port(port=80), Port(host_ip="10.0.0.1", port=80))), "bind_ports/1"),
    ],
)
def test_what_nobody_can_evaluate_is_refused(image: Image, where: str) -> None:
    """Before any node is looked at."""
    with pytest.raises(Invalid) as refused:
        translate.request(image, "x")
    assert refused.value.where == where


def test_labels_of_an_engine_are_words_and_pairs() -> None:
    """Citadel compares words; Swarm's expressions look at values."""
    node = translate.candidate(BIG)
    assert (node.words, node.labels, node.memory) == (("ssd", "zone=a"), {"zone": "a"}, 32000 * MB)


def test_what_is_in_use_counts_beyond_what_is_reserved() -> None:
    """A node that works harder than it promised is fuller than it says."""
    held = {"a": Claim(1.0, 100 * MB)}
    node = translate.candidate(BIG, held, live=EngineSnapshot("e1", current_cpu=3.0, current_memory=50))
    assert node.beyond == Claim(2.0, 0)
    assert translate.snapshot(node) == EngineSnapshot("e1", 8, 32000, 1.0, 100, 0.0, 3.0)


def test_a_cluster_is_the_sum_of_what_can_be_used() -> None:
    """Reservations are what was asked for: 0.2 of 32 cpus is not rounded to nothing."""
    nodes = [
        Candidate("a", 32, 1000 * MB, reserved={"x": Claim(0.2, MB)}, images=frozenset({"i:1"}),
                  residents=(Resident("x"), Resident("y", running=False))),
        Candidate("b", 8, 500 * MB, images=frozenset({"i:1", "i:2"})),
        Candidate("c", 8, 500 * MB, against="its agent is away"),
    ]  # fmt: skip
    assert translate.cluster_info(nodes) == ClusterInfo(40, 1500, 1, 2, 2, 0.2, 1)
