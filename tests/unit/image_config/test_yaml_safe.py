"""YAML from strangers: a value or a ConfigError with file and line, soon."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_config.bounds import Limits
from image_config.errors import ConfigError
from image_config.tree import Node
from image_config.yaml_safe import load, load_tree


def refusal(text, limits=None):
    with pytest.raises(ConfigError) as caught:
        load(text, "f.yml", limits or Limits())
    return str(caught.value)


def test_values_and_keys():
    """Keys are their own text; quoted scalars are text; merge keys fill in what is missing."""
    text = (
        'a: "1"\n8080: 80\nbase: &b {x: 1, y: 2}\nboth:\n  <<: *b\n  y: 3\n'
        "many:\n  <<: [*b, {z: 9, x: 7}]\nt: !!str 12\nf: !!float 3\n"
    )
    assert load(text, "f.yml") == {
        "a": "1",
        "8080": 80,
        "base": {"x": 1, "y": 2},
        "both": {"x": 1, "y": 3},
        "many": {"x": 1, "y": 2, "z": 9},
        "t": "12",
        "f": 3.0,
    }


def test_an_empty_document_is_none():
    """A file of comments says nothing."""
    assert load("", "f") is None
    assert load("# nothing\n", "f") is None


def test_tags_of_compose_come_through():
    """!reset and !override are kept, as mappings of one key among plain values."""
    assert load("a: !reset null\nb: !override [1]\n", "f") == {"a": {"!reset": None}, "b": {"!override": [1]}}


def test_a_value_stands_on_the_line_of_its_key():
    """Errors and origins point at the key, whatever the value's shape; an alias stands where it is used."""
    tree = load_tree("a: 1\nb:\n  c: x\n  d:\n    - e\n    - f\nuse: &u {q: 1}\nagain: *u\n", "f")
    assert tree is not None and isinstance(tree.value, dict)
    lines = {key: node.line for key, node in tree.value.items()}
    assert lines == {"a": 1, "b": 2, "use": 7, "again": 8}
    inner = tree.value["b"].value
    assert isinstance(inner, dict) and isinstance(inner["d"].value, tuple)
    assert (inner["d"].line, [item.line for item in inner["d"].value]) == (4, [5, 6])


def test_a_scalar_remembers_how_it_was_written():
    """0777 and 511 are one number but not one intent."""
    tree = load_tree("0777", "f")
    assert tree == Node(511, 1, "0777")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\na: 2", "f.yml:2: a: is written twice"),
        ("<<: {a: 1}\n<<: {b: 1}", "f.yml:2: <<: is written twice"),
        ("a: &a [*a]", "contains itself"),
        ("a: &a {<<: *a}", "contains itself"),
        ("a: *nobody", "refers to no anchor"),
        ("a: !!python/object:os.system x", "the tag !!python/object:os.system is not read"),
        ("a: !secret x", "the tag !secret is not read"),
        ("a: !!binary aGk=", "!!binary is not read"),
        ("a: !!int x", "is not what its tag !!int says"),
        ("a: !!seq {}", "is not what its tag !!seq says"),
        ("\ufeffa: 1", "byte order mark"),
        ("a: 1\nb: \0", "f.yml:2: holds a NUL byte"),
        ("a:\n\tb: 1", "f.yml:2: is indented with a tab"),
        ("a: .nan", ".nan is not a number"),
        (".inf: 1", ".inf is not a number"),
        ("a: 1\n---\nb: 2", "f.yml:2: holds more than one document"),
        ("? [a]\n: b", "a key must be text"),
        ("*a : b", "refers to no anchor"),
        ("x: &x y\n*x : b", "an alias as a key"),
        ("&k a: 1", "an anchor on a key"),
        ("~: 1", "a key is missing"),
        ("'<<': {a: 1}", "without quotes"),
        ("<<: 3", "<< takes a mapping"),
        ("a: [", "is not YAML"),
        ("a: \x07", "is not YAML: control characters"),
        ("a: 1\nb: \x07", "f.yml:2: is not YAML: control characters"),
        (b"a: 1\nb: \xff", "f.yml:2: is not UTF-8"),
        ("a: \ud800", "f.yml:1: is not UTF-8"),
        ("%YAML 3.0\n---\na: 1", "is not YAML"),
    ],
)
def test_refused_with_its_line(text, why):
    """Each refusal names the file, mostly the line, and what is wrong."""
    assert why in refusal(text)


def laughs(kind: str) -> str:
    """Twelve levels, each nine times the one before."""
    lines = ["a0: &a0 [x]"]
    for n in range(1, 12):
        nine = ", ".join(f"k{i}: *a{n - 1}" if kind == "map" else f"*a{n - 1}" for i in range(9))
        lines.append(f"a{n}: &a{n} {{{nine}}}" if kind == "map" else f"a{n}: &a{n} [{nine}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 400_000,
        "? " * 400_000,
        "{a: " * 200_000,
        "\n".join(f"{' ' * n}a:" for n in range(1000)),
        laughs("list"),
        laughs("map"),
        "x: [" + "a," * 200_000 + "]",
        "a: " + "x" * (2 << 20),
    ],
    ids=["flow", "block", "complex", "braces", "steps", "laughs", "laughing-maps", "long-list", "two-megabytes"],
)
def test_a_bomb_is_refused_at_once(text):
    """Nesting, expansion, length: refused within a second, whatever the file would have grown to."""
    started = time.process_time()
    assert "f.yml" in refusal(text)
    assert time.process_time() - started < 2


def test_limits_are_the_callers():
    """A compose file of ten thousand services is read where that is allowed."""
    text = "services:\n" + "".join(f"  s{n}: {{image: x, command: [a, b]}}\n" for n in range(10_000))
    assert "holds more than 1000 values" in refusal(text, Limits(nodes=1000))
    wide = load(text, "f", Limits(nodes=200_000))
    assert isinstance(wide, dict) and len(wide["services"]) == 10_000


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(), max_size=60) | st.text("ab:-[]{}&*!<>|#'\"\n \t%@`,?~.0179", max_size=80))
def test_any_text_gives_a_value_or_a_config_error(text):
    """Nothing else comes out of the door, whatever goes in."""
    try:
        load(text, "f")
    except ConfigError as error:
        assert error.file == "f"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_give_a_value_or_a_config_error(raw):
    """Nothing else comes out of the door, whatever goes in."""
    try:
        load(raw, "f")
    except ConfigError as error:
        assert error.file == "f"
