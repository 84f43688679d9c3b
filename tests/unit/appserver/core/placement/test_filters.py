"""Every filter, as a table: what is asked, the node, and the reason against it."""

from __future__ import annotations

import pytest

from appserver.core.placement.filters import FILTERS, first_reason, unmet
from appserver.core.placement.request import Candidate, Claim, Request, Resident
from appserver.core.placement.schedulers import SCHEDULERS, filters, scheduler, strategy
from appserver.errors import Invalid

GIB = 2**30
WEB = Resident("web", "web:1", {"tier": "front"}, holder="default.web", id="c0ffee")
STOPPED = Resident("old", "web:2", running=False, holder="default.old")


def node(**kind: object) -> Candidate:
    return Candidate(**{"name": "n1", "cpus": 4.0, "memory": 8 * GIB, "id": "E1", **kind})  # type: ignore[arg-type]


def asks(**kind: object) -> Request:
    return Request(**{"holder": "default.shop", "claim": Claim(), **kind})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "candidate", "reason"),
    [
        (asks(), node(), None),
        (asks(), node(against="its agent is away"), "its agent is away"),
        (asks(whitelist=("n2", "n3")), node(), "is not one of n2, n3"),
        (asks(whitelist=("E1",)), node(), None),
        (asks(constraints=("node==E1", "node==n?")), node(), None),
        (asks(constraints=("node!=n1",)), node(), "constraint node!=n1: node is n1"),
        (asks(constraints=("zone==a",)), node(), "constraint zone==a: zone is not set"),
        (asks(constraints=("zone==~a",)), node(), None),
        (asks(claim=Claim(0.2, 512 << 20)), node(cpus=0.2, memory=512 << 20), None),
        (asks(claim=Claim(4.0001)), node(), "needs 4.001 cpus, 4 free"),
        (asks(claim=Claim(memory=8 * GIB + 1)), node(), "needs 8388609K of memory, 8G free"),
        (asks(claim=Claim(1)), node(reserved={"a.b": Claim(3.5)}), "needs 1 cpus, 0.5 free"),
        (asks(claim=Claim()), node(reserved={"a.b": Claim(9)}), None),
        (asks(claim=Claim(4)), node(reserved={"default.shop": Claim(4)}), None),
        (asks(claim=Claim(counted={"gpus": 1})), node(), "needs 1 gpus, 0 free"),
        (asks(claim=Claim(counted={"gpus": 1})), node(counted={"gpus": 1}), None),
        (asks(claim=Claim(counted={"fpga": 2})), node(labels={"resource.fpga": "3"}), None),
        (
            asks(claim=Claim(counted={"fpga": 2})),
            node(labels={"resource.fpga": "3"}, reserved={"a.b": Claim(counted={"fpga": 2})}),
            "needs 2 fpga, 1 free",
        ),
        (asks(claim=Claim(counted={"fpga": 1})), node(labels={"resource.fpga": "some"}), "needs 1 fpga, 0 free"),
        (
            asks(claim=Claim(counted={"disk": 100 * GIB})),
            node(labels={"resource.disk": "50G"}),
            "needs 100G disk, 50G free",
        ),
        (
            asks(claim=Claim(ports=(("", "80", "tcp"),))),
            node(reserved={"a.b": Claim(ports=(("10.0.0.1", "80", "tcp"),))}),
            "port 80/tcp is taken by a.b",
        ),
        (
            asks(claim=Claim(ports=(("", "53", "udp"),))),
            node(reserved={"a.b": Claim(ports=(("", "53", "tcp"),))}),
            None,
        ),
        (asks(), node(labels={"containerslots": "2"}, residents=(WEB, STOPPED)), "has no slot left of 2"),
        (asks(), node(labels={"containerslots": "3"}, residents=(WEB, STOPPED)), None),
        (asks(), node(labels={"containerslots": "few"}, residents=(WEB, STOPPED)), None),
        (asks(beside=("web",)), node(residents=(WEB,)), None),
        (asks(beside=("web", "db")), node(residents=(WEB,)), "does not have the container db"),
        (asks(affinities=("container==w*",)), node(residents=(WEB,)), None),
        (asks(affinities=("container==c0ffee",)), node(residents=(WEB,)), None),
        (asks(affinities=("container!=web",)), node(residents=(WEB,)), "affinity container!=web does not hold"),
        (asks(affinities=("image==redis*",)), node(images=frozenset({"redis:7"})), None),
        (asks(affinities=("image==redis*",)), node(), "affinity image==redis* does not hold"),
        (asks(affinities=("tier==front",)), node(residents=(WEB,)), None),
        (asks(affinities=("tier!=front",)), node(residents=(WEB,)), "affinity tier!=front does not hold"),
        (asks(holder="default.web", affinities=("container!=web",)), node(residents=(WEB,)), None),
    ],
)
def test_every_request_goes_through_these(wanted: Request, candidate: Candidate, reason: str | None) -> None:
    """The first reason names what is missing and what there is."""
    assert first_reason(FILTERS, wanted, candidate) == reason


@pytest.mark.parametrize(
    ("kind", "wanted", "candidate", "reason"),
    [
        ("service", asks(labels=("ssd", "zone=a")), node(words=("ssd",), labels={"zone": "a"}), None),
        ("service", asks(labels=("ssd", "eu")), node(words=("ssd",)), "has no label eu"),
        ("service", asks(labels=("",)), node(), None),
        ("label", asks(labels=("SSD",)), node(words=("ssd",)), "has no label SSD"),
        ("batch", asks(labels=("eu",)), node(), "has no label eu"),
        ("unique", asks(image="web:1"), node(residents=(WEB,)), "runs web:1 already, as web"),
        ("unique", asks(image="web:2"), node(residents=(STOPPED,)), None),
        ("unique", asks(holder="default.web", image="web:1"), node(residents=(WEB,)), None),
        ("unique-name", asks(name="/web"), node(residents=(WEB,)), "has a container web already"),
        ("unique-name", asks(name="old"), node(residents=(STOPPED,)), "has a container old already"),
        ("unique-name", asks(), node(residents=(WEB,)), None),
        ("host", asks(labels=("any", "host:E1")), node(), None),
        ("host", asks(labels=("host:n1",)), node(), None),
        ("host", asks(labels=("xhost:n1",)), node(), None),
        ("host", asks(labels=("host:n2",)), node(), "is not the host n2"),
        ("host", asks(), node(), None),
        ("image", asks(image="web:1"), node(images=frozenset({"web:1"})), None),
        ("image", asks(image="web:1"), node(), "does not hold the image web:1"),
        ("port", asks(claim=Claim(ports=(("", "80", "tcp"),))), node(), None),
        ("multi", asks(labels=("eu",), image="web:1"), node(residents=(WEB,)), "has no label eu"),
        ("multi", asks(image="web:1"), node(residents=(WEB,)), "runs web:1 already, as web"),
    ],
)
def test_the_type_chooses_what_else_is_asked(
    kind: str, wanted: Request, candidate: Candidate, reason: str | None
) -> None:
    """Citadel's schedulers, with its slips mended: order of labels, slashes of names, stopped containers."""
    assert first_reason(filters(kind), wanted, candidate) == reason


def test_a_type_that_nobody_schedules_is_refused() -> None:
    """The answer names the types that there are."""
    with pytest.raises(Invalid, match=r"no scheduler for type 'cron'; there are batch, host"):
        scheduler("cron")


def test_who_asks_names_the_strategy_then_the_type_then_the_cluster() -> None:
    """A batch is packed on a cluster that spreads, unless somebody wants otherwise."""
    assert [strategy("batch", asked, "spread") for asked in (None, "random")] == ["binpack", "random"]
    assert strategy("service", None, "spread") == "spread"


def test_schedulers_can_be_added() -> None:
    """A site's own type is one entry beside ours."""
    known = {**SCHEDULERS, "night": SCHEDULERS["batch"]}
    assert filters("night", known) == filters("batch")


def test_wishes_are_counted_and_refuse_nobody() -> None:
    """Of two nodes that can take it, the one that meets more of what is wished for is better."""
    wanted = asks(constraints=("zone==~a", "zone==~b", "ssd!=~1"), affinities=("container==~web",))
    assert unmet(wanted, node(labels={"zone": "a"}, residents=(WEB,))) == 1
    assert unmet(wanted, node(labels={"ssd": "1"})) == 4
