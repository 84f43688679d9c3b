"""What is learned of images: how it is told, shared, forgotten."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.learned import (
    MOST_CONTAINERS,
    MOST_IMAGES,
    Learned,
    Usage,
    by_image,
    count,
    in_period,
    is_empty,
    is_news,
    kept,
    measured,
    name_of,
    period_of,
    together,
    used_by,
)
from appserver.core.metrics import FIELDS

MIB = 1 << 20
AT = 1_763_710_200
WEEK = 7 * 86_400
DIGEST = f"sha256:{'a1' * 32}"


def numbers(cpu: float, memory: float) -> list[float]:
    known = {"cpu": cpu, "memory": memory}
    return [known.get(field.name, 0.0) for field in FIELDS["container"]]


def minutes(container: str, *told: tuple[float, float], at: int = AT) -> Usage:
    found = Usage()
    for number, (cpu, memory) in enumerate(told):
        found = measured(found, at + 60 * number, container, numbers(cpu, memory), numbers(cpu * 2, memory))
    return found


USAGES = st.builds(
    minutes,
    st.integers(0, 2**64 - 1).map(lambda number: f"{number:064x}"[::-1]),
    st.tuples(st.floats(0, 64), st.floats(0, 2.0**40)),
    st.tuples(st.floats(0, 64), st.floats(0, 2.0**40)),
    at=st.integers(1, 2**31),
)


@given(USAGES, USAGES, USAGES)
def test_what_nodes_learned_is_put_together_in_any_order(a: Usage, b: Usage, c: Usage) -> None:
    assert together(a, b) == together(b, a)
    assert together(together(a, b), c) == together(a, together(b, c))
    assert together(a, Usage()) == a


@given(st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=200))
def test_containers_are_counted_up_to_a_bound_and_estimated_above(found: set[int]) -> None:
    """A restart of the agent counts none twice; what is kept of them has an end."""
    whole = Usage()
    for one in found:
        whole = together(whole, minutes(f"{one:08x}{'0' * 56}", (1.0, MIB)))
    again = together(whole, whole)
    assert again.containers == whole.containers
    assert len(whole.containers) <= MOST_CONTAINERS
    if len(found) < MOST_CONTAINERS:
        assert count(whole.containers) == len(found)


def test_many_containers_are_estimated_well() -> None:
    ids = tuple(f"{number * 2654435761 % 2**32:08x}" for number in range(1, 1001))
    whole = Usage()
    for one in ids:
        whole = together(whole, Usage(1, containers=(one,)))
    assert 600 < count(whole.containers) < 1600


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("web", "web:latest"),
        ("web:1", "web:1"),
        ("quay.example:5000/team/web", "quay.example:5000/team/web:latest"),
        (f"web:1@{DIGEST}", "web:1"),
        (f"web@{DIGEST}", f"web@{DIGEST}"),
        (DIGEST, DIGEST),
    ],
)
def test_an_image_is_known_by_its_name_on_record(image: str, name: str) -> None:
    assert name_of(image) == name


def test_what_a_new_version_uses_is_told_by_the_others_of_its_repository() -> None:
    """Until somebody ran it. An id has no repository."""
    usages = {
        "web:1": minutes("aa", (1.0, 100 * MIB)),
        "web:2": minutes("bb", (3.0, 300 * MIB)),
        "db:1": minutes("cc", (9.0, 900 * MIB)),
        DIGEST: minutes("dd", (8.0, MIB)),
    }
    own = used_by("web:1", usages)
    assert own and (own.image, own.containers, own.since) == ("web:1", 1, AT)
    assert own.cpus.median == pytest.approx(1.0, rel=0.05)
    assert (own.cpus.highest, own.memory.highest) == (2.0, 100 * MIB)
    other = used_by("web:3", usages)
    assert other and (other.image, other.containers, other.cpus.highest) == ("web", 2, 6.0)
    assert used_by("cache:1", usages) is None
    assert used_by(f"sha256:{'b2' * 32}", usages) is None


def test_what_could_not_be_measured_is_no_minute() -> None:
    """A container's first sample has no rate."""
    assert measured(Usage(), AT, "aa", numbers(math.nan, MIB), numbers(math.nan, MIB)) == Usage()


def test_old_minutes_are_forgotten() -> None:
    """After two weeks they are those before; after four they are gone, and the image with them."""
    first = period_of(AT)
    learned = Learned("web:1", first, minutes("aa", (1.0, MIB)))
    later = in_period(learned, first + 1)
    assert (later.now, later.before) == (Usage(), learned.now)
    assert not is_empty(later)
    assert is_empty(in_period(later, first + 2))
    assert is_empty(in_period(learned, first + 5))
    assert in_period(later, first) == later
    assert period_of(AT + 2 * WEEK) == first + 1
    found = by_image([learned, in_period(learned, first + 1), Learned("db:1", first - 2, learned.now)], first + 1)
    assert {name: usage.cpu.total for name, usage in found.items()} == {"web:1": 2}


def test_it_is_written_when_it_tells_something_new() -> None:
    """Of a steady container ever less often."""
    period = period_of(AT)
    learned = Learned("web:1", period)
    written: Learned | None = None
    writes = 0
    usage = Usage()
    for number in range(2_000):
        usage = measured(usage, AT + number, "aa", numbers(1.0, MIB), numbers(1.0, MIB))
        learned = Learned("web:1", period, usage)
        if is_news(written, learned):
            written, writes = learned, writes + 1
    assert writes < 35
    assert written
    assert is_news(written, Learned("web:1", period, together(written.now, minutes("bb", (1.0, MIB)))))
    assert is_news(written, Learned("web:1", period, together(written.now, minutes("aa", (4.0, MIB)))))
    assert is_news(written, in_period(learned, period + 1))


def test_a_node_keeps_so_many_images() -> None:
    """Those that run there, before those that ran once."""
    period = period_of(AT)
    often = {f"a{n}:1": Learned(f"a{n}:1", period, minutes("aa", *[(1.0, MIB)] * 3)) for n in range(MOST_IMAGES)}
    once = {"b:1": Learned("b:1", period, minutes("aa", (1.0, MIB))), "c:1": Learned("c:1", period)}
    assert kept({**once, **often}).keys() == often.keys()
    assert kept(once).keys() == {"b:1"}
