"""One file, read without a thought for its neighbours."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from image_config.documents import extension, read
from image_config.options import NAMES


def test_what_a_file_says():
    """Values, tags and includes, each with its line."""
    document = read("a.yml", "include: [b.yml]\ncpus: 1\nports: !reset null\n")
    assert [(found.path, found.line) for found in document.found] == [(("cpus",), 2)]
    assert document.marks == ((("ports",), 3),)
    assert document.includes == (("b.yml", 1),)
    assert document.faults == ()


def test_a_broken_file_is_one_fault():
    """Nothing of it counts."""
    document = read("a.yml", "cpus: 1\nb: [")
    assert (document.found, len(document.faults)) == ((), 1)


def test_extensions():
    """Of a name with a tag too."""
    assert [extension(path) for path in ("a.yml", "a:1.2.yaml", "a.properties", "a.txt", "a", "dir.yml/a")] == [
        ".yml",
        ".yaml",
        ".properties",
        "",
        "",
        "",
    ]


KEYS = st.sampled_from(sorted(NAMES)) | st.text("ab._-0", max_size=6)
ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
TREES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_any_tree_is_values_or_faults(tree):
    """No option's reading raises, whatever it is given."""
    document = read("a.yml", json.dumps(tree))
    assert all(fault.file == "a.yml" for fault in document.faults)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(KEYS, st.text("ab.0", max_size=4), st.text(st.characters(codec="utf-8"), max_size=12)), max_size=4
    )
)
def test_any_properties_are_values_or_faults(lines):
    """Likewise line by line."""
    document = read("a.properties", "".join(f"{key}.{below}={text}\n" for key, below, text in lines))
    assert all(fault.file == "a.properties" for fault in document.faults)
