"""Classic Swarm's expressions: what they hold of, what they may not be."""

from __future__ import annotations

import time

import pytest

from appserver.core.placement.expressions import Said, parse, said
from appserver.errors import Invalid


@pytest.mark.parametrize(
    ("expression", "text", "holds"),
    [
        ("storage==ssd", "ssd", True),
        ("storage==ssd", "SSD", False),
        ("storage==ssd", "ssd2", False),
        ("storage==s*", "ssd", True),
        ("storage==s?d", "ssd", True),
        ("storage==*", "", True),
        ("storage==", "", True),
        ("storage!=ssd", "", True),
        ("storage!=ssd", "ssd", False),
        ("storage!=s*", "ssd", False),
        ("node==/^web[0-9]+$/", "web12", True),
        ("node==/eb1/", "web12", True),
        ("node!=/^web/", "db", True),
        ("node=~^(a|b)$", "b", True),
        ("node=~/^a/", "b", False),
        ("zone==~west", "west", True),
        ("zone!=~w*", "west", False),
        ("kernel==4.1+", "4.1+", True),
        ("kernel==4.1+", "4x1+", False),
    ],
)
def test_an_expression_holds_of(expression: str, text: str, holds: bool) -> None:
    """Globs match the whole text, regular expressions a part of it; what is no sign of either stands for itself."""
    assert parse(expression).holds((text,)) is holds


@pytest.mark.parametrize(
    ("expression", "soft"), [("a==~b", True), ("a!=~b", True), ("a=~~b", True), ("a==b", False), ("a=~b", False)]
)
def test_a_wish_is_told_by_its_tilde(expression: str, soft: bool) -> None:
    """`~` before the value, and nowhere else."""
    assert parse(expression).soft is soft


def test_of_several_texts_one_is_enough_and_none_may_be() -> None:
    """A node holds several images; `==` wants one of them, `!=` none."""
    assert parse("image==redis*").holds(("web:1", "redis:7"))
    assert not parse("image!=redis*").holds(("web:1", "redis:7"))
    assert parse("image!=redis*").holds(())


@pytest.mark.parametrize(
    "text",
    [
        "", "storage", "storage=ssd", "==x", "a b==c", "a==b\n", "a==\x00", "a" * 129 + "==b", "a==" + "b" * 257,
        "a==/(/", "a==/(a+)+$/", "a==/(a|a)*b/", "a==/a*a*a*a*b/", r"a==/(a)\1/", "a==/(?=a)b/", "a==/a{99999999999}/",
        "a=~[", "a==/(x{1,9}){1,9}/",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(text: str) -> None:
    """A constraint that nobody can evaluate never silently holds, and none takes for ever."""
    with pytest.raises(Invalid) as refused:
        parse(text, "constraints/0")
    assert refused.value.where == "constraints/0"


def test_the_worst_expression_that_is_taken_is_quick() -> None:
    """Three repetitions over the longest text: what a stranger may make us do is bounded."""
    worst = parse("a==/x*x*x*y/")
    begun = time.perf_counter()
    assert not worst.holds(("x" * 5000,))
    assert time.perf_counter() - begun < 2


def test_what_a_container_says_of_its_place() -> None:
    """Classic Swarm's two ways, the variables of the environment and the labels."""
    found = said(
        {"constraint:storage": "=ssd", "affinity:container!": "~db*", "whitelist:node": "=n1|n2", "PATH": "/bin"},
        {
            "com.docker.swarm.constraints": '["zone==a","region==us*"]',
            "com.docker.swarm.reschedule-policies": '["on-node-failure"]',
        },
    )
    assert found == Said(
        ("storage==ssd", "zone==a", "region==us*"), ("container!=~db*",), ("n1", "n2"), reschedulable=True
    )
