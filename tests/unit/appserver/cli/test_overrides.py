"""`--set` to overrides."""

from __future__ import annotations

import pytest

from appserver.cli.overrides import parse
from appserver.errors import Invalid


def test_options_and_entries_of_maps() -> None:
    """Values as YAML reads them; entries of a map stay text."""
    given = [
        "web.mem_limit=512M",
        "web.scale=2",
        'web.ports=["8080:80"]',
        "web.environment.A=1",
        "web.environment.B=x=y",
        "db.cpus=0.5",
    ]
    assert parse(given) == {
        "web": {"mem_limit": "512M", "scale": 2, "ports": ["8080:80"], "environment": {"A": "1", "B": "x=y"}},
        "db": {"cpus": 0.5},
    }


@pytest.mark.parametrize("text", ["web", "web=1", "web.=1", ".x=1", "mem_limit", "web.ports=[", "=1"])
def test_other_forms_are_refused(text: str) -> None:
    """With the text as it was given."""
    with pytest.raises(Invalid, match="--set"):
        parse([text])


@pytest.mark.parametrize("text", ["web.environment.DB_PASSWORD=x", "web.environment.URL=postgres://a:b@c/d"])
def test_a_secret_is_not_taken_from_a_command_line(text: str) -> None:
    """Others on the machine can read it there; the error does not repeat it."""
    with pytest.raises(Invalid, match="--env-file") as refused:
        parse([text])
    assert text.partition("=")[2] not in str(refused.value)
