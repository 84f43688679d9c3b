"""B5 by git push: every trap of the other doors, in one tree, is told by its file, and the push refused whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad_input.test_b5_yaml import DEEP_CIRCLE, REFUSED_CONFIGURATION
from tests.lab.pushing import House, hosting

BYTES = {"latin1": b"environment: {A: caf\xe9}\n", "utf16": "mem_limit: 1G\n".encode("utf-16")}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with hosting(tmp_path / "state") as found:
        yield found


def test_every_trap_in_a_tree_is_told_by_its_file(house: House, tmp_path: Path) -> None:
    """One look finds them all; nothing of the tree comes into force, not its good files either."""
    key = house.app("shop")
    before = house.records.get("config").state
    copy = house.copy(tmp_path / "copy")
    small = {name: text for name, text in REFUSED_CONFIGURATION.items() if len(text) <= 1 << 20}
    paths = {name: f"trap{number}.yml" for number, name in enumerate(small)}
    copy.commit({"default/web.yml": "mem_limit: 512M\n", **{paths[name]: text for name, text in small.items()}})
    said = copy.push()
    assert said.code != 0
    unseen = [name for name, path in paths.items() if not any(line.startswith(f"{path}:") for line in said.remote)]
    assert unseen == [], said.err
    assert said.remote[-1].endswith("nothing was changed")
    assert "Traceback" not in said.err
    assert house.records.get("config").state == before
    assert house.revision(key) == 1
    assert ("root", "refused") in house.audited("push")


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_text_are_told_by_line(house: House, tmp_path: Path, name: str) -> None:
    """From an editor of another age."""
    copy = house.copy(tmp_path / "copy")
    copy.commit({f"{name}.yml": BYTES[name]})
    said = copy.push()
    assert said.code != 0
    assert said.remote[0] == f"{name}.yml:1: is not UTF-8"


def test_includes_in_a_circle_of_two_hundred_are_refused(house: House, tmp_path: Path) -> None:
    """Found without following them for ever."""
    copy = house.copy(tmp_path / "copy")
    copy.commit(dict(DEEP_CIRCLE))
    said = copy.push()
    assert said.code != 0
    assert any("include" in line for line in said.remote), said.err


def test_a_hundred_megabytes_of_yaml_are_refused_by_their_size(house: House, tmp_path: Path) -> None:
    """They pack into a few kilobytes, and are never unpacked into a reader."""
    copy = house.copy(tmp_path / "copy")
    copy.commit({"huge.yml": b"a: 1\n" * (20 << 20)})
    said = copy.push()
    assert said.code != 0
    assert said.remote[0] == "huge.yml: is 100 MiB; files over 1 MiB are refused"
