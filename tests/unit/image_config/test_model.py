"""Sources as people read them."""

import pytest

from image_config.model import KINDS, Source, freeze, thaw


def test_sources_in_print():
    """As the plan and the pages print them; the whole ids stay in the fields."""
    digest = "sha256:" + "ab" * 32
    assert str(Source("image", image="web:1", digest=digest)) == "image sha256:abababababab…"
    assert str(Source("image", image="web:1")) == "image web:1"
    assert str(Source("git", commit="3f2c1a99", file="dev/web.yml", line=4)) == "3f2c1a:dev/web.yml:4"
    assert str(Source("git", file="dev/web.yml", line=4)) == "dev/web.yml:4"
    assert str(Source("compose", file="compose.yaml", line=12)) == "compose.yaml:12"
    assert str(Source("compose", file="compose.yaml")) == "compose.yaml"
    assert str(Source("form", user="alice", at="2026-11-21T10:00:00Z")) == "alice 2026-11-21T10:00:00Z"


def test_sources_in_json():
    """What is set, and the printed form."""
    assert Source("git", commit="c0ffee00", file="a.yml", line=2).to_json() == {
        "kind": "git",
        "commit": "c0ffee00",
        "file": "a.yml",
        "line": 2,
        "text": "c0ffee:a.yml:2",
    }


def test_layers_by_strength():
    """The order of the specification, weakest first."""
    assert KINDS == ("image", "git", "compose", "form")


def test_values_freeze_and_thaw():
    """JSON in, JSON out; names sorted, so that equal values are equal text."""
    value = {"b": [1, {"z": None, "a": True}], "a": 0.5}
    assert thaw(freeze(value)) == value
    assert list(freeze(value)) == ["a", "b"]  # type: ignore[arg-type]  # a mapping
    with pytest.raises(TypeError):
        freeze({1, 2})
