"""A revision made ready for Swarm: what it is given to read, for how long, and under which names."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from appserver.adapters.sealer import KeySealer
from appserver.agent.stack_project import StackProjects
from appserver.core.entities import AppKey, Revision
from tests.lab.records import revision

KEY = AppKey("harbour", "shop")
SEALER = KeySealer(bytes(32))
ENGINE: Any = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def texts(tmp_path: Path, folder: Path) -> StackProjects:
    return StackProjects(ENGINE, SEALER, tmp_path / "state", folder)


def wanted(key: AppKey = KEY, **parts: Any) -> Revision:
    return revision(key, 1, {"web": {"image": "img"}}, **parts)


def named(texts: StackProjects, key: AppKey = KEY, **parts: Any) -> str:
    with texts.stack(key, wanted(key, **parts)) as (text, kept):
        [name] = kept
        [one] = yaml.safe_load(text)["configs"].values()
        assert one["name"] == name
    return name


def test_a_secret_is_a_file_of_roots_for_a_moment(texts: StackProjects, folder: Path) -> None:
    """Opened, as its author wrote it; in no text and no argument; gone afterwards, whatever happens."""
    seal = SEALER.seal("cap$$tan", str(KEY))
    before = os.umask(0)
    try:
        with suppress(RuntimeError), texts.stack(KEY, wanted(secrets={"key": {"content": seal}})) as (text, kept):
            given = yaml.safe_load(text)["secrets"]["key"]
            file = Path(given["file"])
            assert file.read_text() == "cap$tan"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert {stat.S_IMODE(one.stat().st_mode) for one in (file.parent, folder)} == {0o700}
            assert "tan" not in text
            assert [given["name"]] == [*kept]
            raise RuntimeError
    finally:
        os.umask(before)
    assert [*folder.iterdir()] == []


def test_what_a_killed_agent_left_is_removed(tmp_path: Path, folder: Path) -> None:
    (folder / "shop-x").mkdir(parents=True)
    StackProjects(ENGINE, SEALER, tmp_path, folder)
    assert not folder.exists()


def test_a_config_is_known_by_its_content(texts: StackProjects) -> None:
    """Swarm never changes one: another content is another config, and the same is the same."""
    one, same, other = (named(texts, configs={"motd": {"content": text}}) for text in ("a", "a", "b"))
    assert one == same != other
    assert one.startswith("shop_motd-")


def test_a_long_name_is_short_enough_for_swarm(texts: StackProjects) -> None:
    name = named(texts, AppKey("harbour", "s" * 40), configs={"m" * 40: {"content": ""}})
    assert len(name) == 64


def test_what_is_somebody_elses_is_named_and_not_made(texts: StackProjects) -> None:
    theirs = {"external": True, "name": "theirs"}
    with texts.stack(KEY, wanted(configs={"motd": theirs})) as (text, kept):
        assert (yaml.safe_load(text)["configs"]["motd"], [*kept]) == (theirs, [])


def test_the_text_is_a_stacks(texts: StackProjects) -> None:
    """Its name is told apart from it."""
    with texts.stack(KEY, wanted()) as (text, _):
        told = yaml.safe_load(text)
    assert (told["version"], "name" in told, [*told["services"]]) == ("3.13", False, ["web"])
