"""The next manifest: the same text with newer versions."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.release_build import Parts, difference, next_version, parts, rewritten, split
from appserver.errors import Invalid

OLD, NEW = f"@sha256:{'0' * 64}", f"@sha256:{'1' * 64}"
TODAY = date(2026, 11, 22)
TEXT = f"""\
# What the boot servers run.
version: 2026.11.20-7  # by moorage update build

images:
  etcd: quay.example/etcd:3.5.9{OLD}   # one member at a time
  "web": 'example/web:1.2.3{OLD}'
debs: {{curl: 7.88.1-10, libcurl4: "7.88.1-10"}}
steps:
  - {{name: etcd, playbook: etcd.yml}}  # curl: 7.88.1-10
"""


def test_values_are_changed_where_they_stand_and_nothing_else() -> None:
    """Comments, order and quotes stay as their author has them; the difference tells what was changed."""
    wanted = Parts(
        "2026.11.22-8",
        {"etcd": f"quay.example/etcd:3.5.16{NEW}", "web": f"example/web:1.2.3{NEW}"},
        {"curl": "7.88.1-11", "libcurl4": "7.88.1-10"},
    )
    text = rewritten(TEXT, wanted)
    assert parts(text) == wanted
    changed = [line for line in difference(TEXT, text).splitlines() if line.startswith("+") and "+++" not in line]
    assert changed == [
        "+version: 2026.11.22-8  # by moorage update build",
        f"+  etcd: quay.example/etcd:3.5.16{NEW}   # one member at a time",
        f"""+  "web": 'example/web:1.2.3{NEW}'""",
        '+debs: {curl: 7.88.1-11, libcurl4: "7.88.1-10"}',
    ]


def test_a_manifest_without_a_version_gets_one_behind_its_comments() -> None:
    """Before the first line that says something."""
    text = rewritten("---\n# A release.\n\nsteps: []\n", Parts("2026.11.22-1"))
    assert text == "---\n# A release.\n\nversion: 2026.11.22-1\nsteps: []\n"


@pytest.mark.parametrize(
    "text",
    [
        f"images:\n  web: >-\n    example/web:1{OLD}\n",
        f"images: {{web: &web example/web:1{OLD}, other: *web}}\n",
    ],
)
def test_what_cannot_be_changed_in_its_line_is_left_and_told(text: str) -> None:
    """Never half a manifest."""
    names = parts(text).images
    with pytest.raises(Invalid, match="a line of its own"):
        rewritten(text, Parts("2026.11.22-1", dict.fromkeys(names, f"example/web:2{NEW}")))


@pytest.mark.parametrize("text", ["- a\n", "images: []\n", "images: {web: 1.2}\n", "debs: {curl: [1]}\n", "a: [\n"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    """With the place."""
    with pytest.raises(Invalid, match=r"release\.yml"):
        parts(text)


@pytest.mark.parametrize(
    ("before", "number", "version"),
    [
        ("", None, "2026.11.22-1"),
        ("2026.11.20-7", None, "2026.11.22-8"),
        ("2026.11.20-7", 20, "2026.11.22-20"),
        ("2026.12.24-7", None, "2026.12.24-8"),
    ],
)
def test_the_next_version_is_of_today_and_one_more(before: str, number: int | None, version: str) -> None:
    """And always newer than the one before, also where that was made with a clock ahead."""
    assert next_version(before, TODAY, number) == version


def test_a_number_that_is_not_newer_is_refused() -> None:
    """Nobody would take such a release."""
    with pytest.raises(Invalid, match="at least 8"):
        next_version("2026.11.20-7", TODAY, 7)
    with pytest.raises(Invalid):
        next_version("v1.0", TODAY)


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        (f"127.0.0.1:5000/a/web:1.2{OLD}", "127.0.0.1:5000/a/web", "1.2"),
        ("127.0.0.1:5000/web", "127.0.0.1:5000/web", "latest"),
        ("web:1", "web", "1"),
        (f"web{OLD}", "web", "latest"),
    ],
)
def test_an_image_is_its_name_and_its_tag(image: str, name: str, tag: str) -> None:
    """A port is no tag."""
    assert split(image) == (name, tag)


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.integers(0, 30), max_size=6),
    st.integers(0, 30),
)
def test_each_value_is_changed_by_itself(debs: dict[str, int], by: int) -> None:
    """However alike names and versions are."""
    text = "debs:\n" + "".join(f"  {name}: 1.{number}\n" for name, number in debs.items()) if debs else "debs: {}\n"
    wanted = {name: f"1.{number + by}" for name, number in debs.items()}
    given_text = "".join(f'  {name}: "1.{number}"\n' for name, number in debs.items())
    text = f"debs:\n{given_text}" if debs else "debs: {}\n"
    assert parts(rewritten(text, Parts("2026.11.22-1", {}, wanted))).debs == wanted
