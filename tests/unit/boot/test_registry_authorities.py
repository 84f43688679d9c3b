"""Which certificates of registries are put and taken away, and that those of people are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.boot.plugins import plugin

m: Any = plugin("module_utils/registry_authorities.py")

ONE, OTHER = (f"{m.CERTIFICATE}\n{text}\n" for text in ("one", "other"))
HOST = "registry.example.net:5000"


def test_a_certificate_is_put_renewed_and_taken_away() -> None:
    """What is ours follows what is wanted."""
    assert m.change({}, (), {HOST: ONE}) == m.Change({HOST: ONE}, (), frozenset({HOST}))
    assert m.change({HOST: ONE}, (HOST,), {HOST: OTHER}) == m.Change({HOST: OTHER}, (), frozenset({HOST}))
    assert m.change({HOST: ONE}, (HOST,), {}) == m.Change({}, (HOST,), frozenset())


def test_what_people_put_there_is_left_alone() -> None:
    """It is neither overwritten nor taken away, even where it is what is wanted."""
    assert m.change({HOST: ONE}, (), {}) == m.Change({}, (), frozenset())
    assert m.change({HOST: ONE}, (), {HOST: ONE}) == m.Change({}, (), frozenset())
    with pytest.raises(m.Refused, match=r"not put there by Moorage"):
        m.change({HOST: ONE}, (), {HOST: OTHER})


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "a:b", "../x:1", "a b", "x:123456", "a:1\n"])
def test_a_name_that_is_no_registry_is_refused(name: str) -> None:
    """It becomes the name of a directory."""
    with pytest.raises(m.Refused, match="is not a registry"):
        m.change({}, (), {name: ONE})


def test_a_text_that_is_no_certificate_is_refused() -> None:
    """A key that was named by mistake is not spread over the hosts."""
    with pytest.raises(m.Refused, match="no certificate in PEM"):
        m.change({}, (), {HOST: "-----BEGIN PRIVATE KEY-----"})


TEXTS = st.dictionaries(st.sampled_from(["a", "b:1", "[::1]:2"]), st.sampled_from([ONE, OTHER]))


@given(found=TEXTS, ours=st.frozensets(st.sampled_from(["a", "b:1", "[::1]:2"])), wanted=TEXTS)
def test_a_second_run_changes_nothing_and_takes_only_what_is_ours(
    found: dict[str, str], ours: frozenset[str], wanted: dict[str, str]
) -> None:
    """Whatever is found."""
    try:
        change = m.change(found, ours, wanted)
    except m.Refused:
        return
    after = {name: text for name, text in {**found, **change.put}.items() if name not in change.remove}
    assert set(change.remove) <= ours
    assert wanted.items() <= after.items()
    assert {name: text for name, text in found.items() if name not in ours}.items() <= after.items()
    assert m.change(after, change.ours, wanted) == m.Change({}, (), change.ours)
