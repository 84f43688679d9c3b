"""`moorage config lint`: offline, by the rules of a push, over a directory nobody has cleaned."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from appserver.cli.lint import examine
from appserver.cli.main import main


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_yml", ".yml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


def test_a_sound_directory_has_nothing_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that are no configuration are let be, .git too."""
    write(tmp_path, web_yml="mem_limit: 512M\n", README="hello", **{".git__config_yml": "nonsense: ["})
    assert main(["config", "lint", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: 1 file of configuration, nothing wrong\n"


def test_each_fault_is_a_line_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, the faults on stderr."""
    write(tmp_path, dev__web_yml="mem_limt: 512M\nports: ['80:x']\n")
    assert main(["config", "lint", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("dev/web.yml:1: mem_limt: ") and lines[0].endswith("did you mean mem_limit?")
    assert lines[1].startswith("dev/web.yml:2: ports/0: ")


def test_json_lists_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """{"items": [...]}, exit code as without."""
    write(tmp_path, web_yml="mem_limt: 512M\n")
    assert main(["config", "lint", str(tmp_path), "--json"]) == 2
    assert [sorted(item) for item in json.loads(capsys.readouterr().out)["items"]] == [["key", "where", "why"]]


def test_what_a_push_refuses_is_refused_here(tmp_path: Path) -> None:
    """Links to files and to directories, a FIFO, a name of git's own, a file too large: none is opened."""
    (tmp_path / "link.yml").symlink_to("/etc/passwd")
    (tmp_path / "linked").symlink_to("/etc")
    os.mkfifo(tmp_path / "fifo.yml")
    write(tmp_path, sub__web_yml="{}")
    (tmp_path / "sub/.git").mkdir()
    (tmp_path / "sub/.git/web.yml").write_text("{}")
    (tmp_path / "large.yml").write_bytes(b"#" * (1 << 20) + b"#")
    faults, files = examine(tmp_path)
    assert files == 0
    assert {fault.where for fault in faults} == {"fifo.yml", "large.yml", "link.yml", "linked", "sub/.git/web.yml"}


def test_bytes_that_are_no_text_are_a_fault(tmp_path: Path) -> None:
    """With their line; the other files are read all the same."""
    (tmp_path / "a.yml").write_bytes(b"ok: 1\n\xff")
    write(tmp_path, b_yml="mem_limt: 1\n")
    assert [fault.where for fault in examine(tmp_path)[0]] == ["a.yml:2", "b.yml:1"]


@pytest.mark.parametrize("name", ["none", "file"])
def test_what_is_no_directory_is_exit_2(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, no traceback."""
    (tmp_path / "file").write_text("")
    assert main(["config", "lint", str(tmp_path / name)]) == 2
    assert "is not a directory" in capsys.readouterr().err
