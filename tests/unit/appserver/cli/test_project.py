"""Gathering a project: the files it refers to, and no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appserver.cli.project import gather
from appserver.errors import Invalid, NotFound


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tree = {
        "compose.yaml": "include: [db/compose.yaml]\nservices: {web: {image: a, env_file: web.env}}",
        "web.env": "A=1",
        ".env": "STAGE=dev",
        "db/compose.yaml": "services: {db: {image: b, env_file: ./db.env}}",
        "db/db.env": "B=2",
        "id_rsa": "private",
        "notes.txt": "not referred to",
    }
    for path, text in tree.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_only_what_is_referred_to_is_sent(project: Path) -> None:
    """Over includes, with the paths the project knows them by; `.env` travels by itself."""
    found = gather([project / "compose.yaml"], [])
    assert sorted(found.files) == ["compose.yaml", "db/compose.yaml", "db/db.env", "web.env"]
    assert found.compose_files == ("compose.yaml",)
    assert found.env == "STAGE=dev"
    assert found.notes == ()


def test_files_are_found_where_compose_finds_them(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without -f: compose.yaml, and its override beside it."""
    (project / "compose.override.yaml").write_text("services: {}")
    monkeypatch.chdir(project)
    assert gather([], []).compose_files == ("compose.yaml", "compose.override.yaml")
    (project / "compose.yaml").unlink()
    with pytest.raises(NotFound, match=r"docker-compose\.yml"):
        gather([], [])


def test_several_env_files_take_the_place_of_the_projects(project: Path) -> None:
    """The later one last, so that it wins."""
    (project / "other.env").write_text("STAGE=prod")
    assert gather([project / "compose.yaml"], [project / ".env", project / "other.env"]).env == "STAGE=dev\nSTAGE=prod"


def test_a_file_may_be_named_by_hand(project: Path) -> None:
    """For what no reference tells of."""
    assert "notes.txt" in gather([project / "compose.yaml"], [], ["notes.txt"]).files


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.env", "~/.ssh/id_rsa", "db/../../outside.env"])
def test_files_outside_the_project_are_refused(project: Path, path: str) -> None:
    """With the place that names them, before anything is sent."""
    (project / "compose.yaml").write_text(f"services: {{web: {{image: a, env_file: {path}}}}}")
    with pytest.raises(Invalid, match="outside the project's directory") as refused:
        gather([project / "compose.yaml"], [])
    assert refused.value.where == "services/web/env_file/0"


@pytest.mark.parametrize("link", ["web.env", "db"])
def test_links_are_refused(project: Path, link: str) -> None:
    """A file and a directory: neither is followed."""
    target = project / "elsewhere"
    os.rename(project / link, target)  # noqa: PTH104  # a directory or a file
    (project / link).symlink_to(target)
    with pytest.raises(Invalid, match="symbolic link"):
        gather([project / "compose.yaml"], [])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "not a regular file"),
        (Path.mkdir, "not a regular file"),
        (lambda path: path.write_bytes(b"x" * (1 << 20) + b"y"), "over 1 MiB"),
        (lambda path: path.write_bytes(b"A=1\n\xff"), "not UTF-8"),
        (lambda path: None, "cannot be read"),
    ],
    ids=["fifo", "directory", "large", "binary", "absent"],
)
def test_what_is_no_small_text_is_refused(project: Path, make: Callable[[Path], object], why: str) -> None:
    """At once: a FIFO nobody writes to is not waited for."""
    (project / "web.env").unlink()
    make(project / "web.env")
    with pytest.raises(Invalid, match=why):
        gather([project / "compose.yaml"], [])


def test_a_file_that_is_no_yaml_is_sent_for_compose_to_refuse(project: Path) -> None:
    """With a note that its references were not looked for."""
    (project / "compose.yaml").write_text("services: {web: [")
    found = gather([project / "compose.yaml"], [])
    assert list(found.files) == ["compose.yaml"]
    assert "not looked for" in found.notes[0]


def test_includes_in_a_circle_end(project: Path) -> None:
    """That they do not end well is for Compose to say."""
    (project / "db/compose.yaml").write_text("include: [../compose.yaml]")
    with pytest.raises(Invalid, match="outside"):
        gather([project / "db/compose.yaml"], [])
    assert "db/compose.yaml" in gather([project / "compose.yaml"], []).files


def test_a_path_only_compose_can_tell_is_to_be_named(project: Path) -> None:
    """Nothing is guessed."""
    (project / "compose.yaml").write_text("services: {web: {image: a, env_file: '${WHICH:?}.env'}}")
    with pytest.raises(Invalid, match="--with"):
        gather([project / "compose.yaml"], [])
