"""How git is told who pushes."""

from __future__ import annotations

import pytest

from appserver.cli.clone import fields, helper, is_for


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


def test_a_path_with_blanks_stays_one_word() -> None:
    """git gives the line to a shell."""
    assert helper("/opt/my moorage/python") == "'/opt/my moorage/python' -P -m appserver.cli git-credential"
