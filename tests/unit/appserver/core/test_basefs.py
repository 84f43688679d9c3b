"""Versions of the base file system on record."""

from __future__ import annotations

from dataclasses import replace

from appserver.core.basefs import Basefs, forgotten, otherwise, why_not

ONE = Basefs("1", "sha256:a", "sha256:m", "inputs", "bookworm", {"bash": "5.2", "sudo": "1.9"})


def test_a_version_is_made_of_the_same_for_ever() -> None:
    """New inputs want a new version; the first ones are free."""
    assert why_not(None, "anything") == ""
    assert why_not(ONE, "inputs") == ""
    assert "give what you want a new version" in why_not(ONE, "other inputs")


def test_a_build_that_differs_says_in_what() -> None:
    """The mirror has moved on, with the packages that did; else the bytes alone differ."""
    assert otherwise(ONE, ONE) == ""
    moved = replace(ONE, image="sha256:b", packages={"bash": "5.3", "less": "1"})
    assert "(bash 5.2 → 5.3, less – → 1, sudo 1.9 → –)" in otherwise(ONE, moved)
    assert otherwise(ONE, replace(ONE, image="sha256:b")) == "its bytes differ"


def test_versions_that_nobody_has_are_forgotten() -> None:
    """Not the one in use, which hosts that come later will have."""
    assert forgotten(["1", "2", "3"], ["2"], "3") == ("1",)
