"""Plain values and trees of nodes are two forms of one thing."""

import pytest

from image_config.errors import ConfigError
from image_config.tree import Node, from_plain, plain_value


def test_there_and_back():
    """Positions are all that is lost."""
    value = {"a": [1, "x", None, True, 0.5], "b": {"!reset": None}, "c": {"!override": [1]}, "d": {}}
    assert plain_value(from_plain(value)) == value


def test_tags_are_mappings_of_one_key_where_they_are_wanted():
    """In JSON a tag is a mapping of one key; what Compose rendered holds no tags, whatever it is called."""
    assert from_plain({"!reset": None}) == Node(None, tag="!reset")
    assert from_plain({"!reset": "x"}, tags=False) == Node({"!reset": Node("x")})
    assert from_plain({"!reset": None, "b": 1}).tag == ""


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"a": {1, 2}}, "a set"),
        ({"a": b"x"}, "a bytes"),
        ({"a": float("nan")}, "not a number"),
        ({"a": [float("inf")]}, "not a number"),
    ],
)
def test_what_json_does_not_have_is_refused(value, why):
    """The key of the option is named."""
    with pytest.raises(ConfigError, match=why) as caught:
        from_plain(value)
    assert caught.value.key == "a"


def test_depth_is_bounded():
    """An API body cannot exhaust the stack."""
    value: object = 1
    for _ in range(200):
        value = [value]
    with pytest.raises(ConfigError, match="nested more than"):
        from_plain({"a": value})
