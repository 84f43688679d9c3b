"""How git is told who pushes."""

from __future__ import annotations

from pathlib import Path

import pytest

from appserver.cli.clone import fields, helper, is_for, lasting


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("protocol=http\nhost=boot1:8080\npath=git/config.git\n\n", True),
        ("protocol=https\nhost=boot1:8080\n", False),
        ("protocol=http\nhost=boot1\n", False),
        ("protocol=http\nhost=boot1:8080.example.org\n", False),
        ("", False),
    ],
)
def test_the_token_is_given_for_its_own_server_alone(asked: str, right: bool) -> None:
    """Scheme, host and port have to be the same."""
    assert is_for(fields(asked.splitlines(keepends=True)), "http://boot1:8080") is right


def test_a_clone_outlives_the_release_it_was_made_with(tmp_path: Path) -> None:
    """git is told of `current`, which upgrades move; any other Python is named as it is."""
    made_with = tmp_path / "releases" / "192d2bf6601f" / "bin" / "python3"
    assert lasting(str(made_with)) == str(made_with)
    kept = tmp_path / "current" / "bin" / "python3"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert lasting(str(made_with)) == str(kept)
    assert lasting("/usr/bin/python3") == "/usr/bin/python3"


def test_a_path_with_blanks_stays_one_word() -> None:
    """git gives the line to a shell."""
    assert helper("/opt/my moorage/python") == "'/opt/my moorage/python' -P -m appserver.cli git-credential"
