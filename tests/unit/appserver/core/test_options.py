"""What `x-moorage:` may say."""

from __future__ import annotations

import pytest

from appserver.core.entities import Options
from appserver.core.options import options
from appserver.errors import Invalid


def test_options_are_read_and_unknown_ones_refused_with_the_nearest() -> None:
    """A typo in x-moorage is told, not ignored."""
    read = options({"x-moorage": {"heal": True, "settle": "500ms", "timeout": "2m", "secrets": ["FOO"]}})
    assert read == Options(heal=True, settle_s=0.5, timeout_s=120.0, secrets=("FOO",))
    assert options({}) == Options()
    with pytest.raises(Invalid, match="did you mean heal"):
        options({"x-moorage": {"heall": True}})
    for bad in ({"heal": "yes"}, {"settle": "soon"}, {"timeout": "-1s"}, {"secrets": "FOO"}, "x"):
        with pytest.raises(Invalid):
            options({"x-moorage": bad})


def test_copies_and_their_update_are_read() -> None:
    """Each key has its field; a share is a parallelism too; Haven's strategies are names for two of them."""
    said = {"replicas": 5, "spread": "rack", "grace": "90s", "update": {"parallelism": "25%", "order": "start-first"}}
    read = options({"x-moorage": said})
    assert (read.replicas, read.spread, read.grace_s, read.has_copies) == (5, "rack", 90.0, True)
    assert (read.update.share, read.update.order, read.update.batch(8), read.update.batch(3)) == (
        25,
        "start-first",
        2,
        1,
    )
    assert options({"x-moorage": {"mode": "global"}}).has_copies
    for name, (batch, order) in {
        "stopThenStartEach": (1, "stop-first"),
        "startThenStopEach": (1, "start-first"),
        "stopThenStartAll": (7, "stop-first"),
    }.items():
        update = options({"x-moorage": {"update": {"strategy": name}}}).update
        assert (update.batch(7), update.order) == (batch, order)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"replicas": 0}, "x-moorage.replicas"),
        ({"replicas": True}, "x-moorage.replicas"),
        ({"replicas": 1001}, "x-moorage.replicas"),
        ({"replicas": "3"}, "x-moorage.replicas"),
        ({"mode": "everywhere"}, "x-moorage.mode"),
        ({"mode": "global", "replicas": 2}, "x-moorage.replicas"),
        ({"spread": "../x y"}, "x-moorage.spread"),
        ({"grace": "soon"}, "x-moorage.grace"),
        ({"update": "fast"}, "x-moorage.update"),
        ({"update": {"parallelism": -1}}, "x-moorage.update.parallelism"),
        ({"update": {"parallelism": "0%"}}, "x-moorage.update.parallelism"),
        ({"update": {"parallelism": "101%"}}, "x-moorage.update.parallelism"),
        ({"update": {"order": "any"}}, "x-moorage.update.order"),
        ({"update": {"percentage": 0.5}}, "x-moorage.update.percentage"),
        ({"update": {"paralelism": 1}}, "did you mean parallelism"),
        ({"update": {"strategy": "blueGreen"}}, "stopThenStartEach"),
        ({"update": {"strategy": "stopThenStartAll", "parallelism": 2}}, "says already"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(said: dict[str, object], where: str) -> None:
    with pytest.raises(Invalid, match=where.replace(".", r"\.")):
        options({"x-moorage": said})
