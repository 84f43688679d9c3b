"""What boot servers have, compared and searched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.boot import Difference, Installed, differences, is_image, told

LISTS = st.dictionaries(st.text("abc", min_size=1, max_size=2), st.sampled_from(["1", "2", "3"]))
INSTALLED = st.builds(Installed, LISTS, LISTS)


def test_each_kind_of_difference_in_order() -> None:
    """Containers first; a name in both with one version is none."""
    before = Installed({"etcd": "etcd:3.4"}, {"curl": "7", "jq": "1.6", "same": "1"})
    after = Installed({"etcd": "etcd:3.5"}, {"curl": "8", "same": "1", "vim": "9"})
    assert differences(before, after) == (
        Difference("container", "etcd", "etcd:3.4", "etcd:3.5"),
        Difference("deb", "curl", "7", "8"),
        Difference("deb", "jq", "1.6", ""),
        Difference("deb", "vim", "", "9"),
    )


@given(INSTALLED, INSTALLED)
def test_differences_carry_one_list_into_the_other(before: Installed, after: Installed) -> None:
    """Applied to the one they give the other, so nothing is left out and nothing invented."""
    lists = {"container": dict(before.containers), "deb": dict(before.debs)}
    for one in differences(before, after):
        assert lists[one.kind].pop(one.name, "") == one.before
        if one.after:
            lists[one.kind][one.name] = one.after
    assert Installed(lists["container"], lists["deb"]) == after


@given(INSTALLED)
def test_a_list_does_not_differ_from_itself(one: Installed) -> None:
    """So a host on which nothing changed writes nothing."""
    assert differences(one, one) == ()


def test_a_sentence_is_short() -> None:
    """Hundreds of packages are not told one by one."""
    found = [Difference("deb", f"p{n}", "", "1") for n in range(500)]
    assert told(found, 2) == "p0 1 added, p1 1 added and 498 more"
    assert told([Difference("deb", "a", "1", "2"), Difference("deb", "b", "1", "")]) == "a 1 → 2, b 1 removed"


@pytest.mark.parametrize(
    ("reference", "wanted", "is_it"),
    [
        ("caddy:2.8", "caddy", True),
        ("caddy:2.8", "caddy:2.8", True),
        ("caddy:2.8", "caddy:2.7", False),
        ("registry.lan:5000/web/caddy:2.8", "caddy", True),
        ("registry.lan:5000/web/caddy:2.8", "registry.lan:5000/web/caddy", True),
        ("registry.lan:5000/web/caddy", "registry.lan", False),
        ("caddy@sha256:12", "caddy", True),
        ("caddy-extra:1", "caddy", False),
    ],
)
def test_an_image_is_known_by_its_name(reference: str, wanted: str, is_it: bool) -> None:
    """Whole or its last part, with or without the tag; never by a part of a word."""
    assert is_image(reference, wanted) is is_it
