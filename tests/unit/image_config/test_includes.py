"""Files that include others."""

import pytest

from image_config.includes import chain, closure, meant


@pytest.mark.parametrize(
    ("path", "name", "found"),
    [
        ("web.yml", "base.yml", "base.yml"),
        ("dev/shop/web.yml", "../../base.yml", "base.yml"),
        ("dev/web.yml", "./a/../b.yml", "dev/b.yml"),
        ("dev/web.yml", "../../x.yml", ""),
        ("web.yml", "../x.yml", ""),
        ("web.yml", "/etc/x.yml", ""),
        ("web.yml", "a\\..\\x.yml", ""),
        ("web.yml", "", ""),
        ("web.yml", ".", ""),
        ("web.yml", "a\0.yml", ""),
    ],
)
def test_a_name_is_relative_to_its_file_and_stays_inside(path, name, found):
    """Whatever the way out is written as."""
    assert meant(path, name, {}) == found


def test_a_colon_may_be_written_at_in_an_include():
    """Either way, if there is such a file; of the same kind."""
    known = {"web:1": ("web@1.yml",)}
    assert meant("a.yml", "web:1.yml", known) == "web@1.yml"
    assert meant("a.yml", "web:1.properties", known) == "web:1.properties"
    assert meant("a.yml", "web@1.yml", known) == "web@1.yml"


def test_what_is_included_comes_first_and_once():
    """Depth first, in the order written."""
    graph = {"a": ("x", "y"), "x": ("y", "z"), "y": (), "z": ("y",)}
    assert closure("a", lambda path: graph[path]) == ("y", "z", "x", "a")


def test_a_ladder_of_includes_costs_its_length():
    """Each file twice includes the next: two to the power of its depth, if it were walked naively."""
    graph = {str(n): (str(n + 1), str(n + 1)) for n in range(5000)} | {"5000": ()}
    assert len(closure("0", lambda path: graph[path])) == 5001


def test_a_circle_ends():
    """And its way is told."""
    graph = {"a": ("b",), "b": ("c", "a"), "c": ("b",), "d": ("d",)}
    assert set(closure("a", lambda path: graph[path])) == {"a", "b", "c"}
    assert chain("b", "a", lambda path: graph[path]) == ("b", "a")
    assert chain("c", "a", lambda path: graph[path]) == ("c", "b", "a")
    assert chain("d", "d", lambda path: graph[path]) == ("d",)
    assert chain("a", "d", lambda path: graph[path]) == ()
