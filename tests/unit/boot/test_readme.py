"""The collection's README names what is in it."""

from __future__ import annotations

import re

import pytest

from tests.unit.boot.plugins import PLUGINS

COLLECTION = PLUGINS.parent
README = (COLLECTION / "README.md").read_text()


@pytest.mark.parametrize("kind", ["modules", "inventory", "lookup"])
def test_every_plugin_is_listed_once(kind: str) -> None:
    """People look here for what there is, and nothing that is gone is offered."""
    have = sorted(path.stem for path in (PLUGINS / kind).glob("*.py"))
    rows = re.findall(r"^\| `(\w+)` \|", README.partition("| module |")[2].partition("\n\n")[0], re.MULTILINE)
    plugins = re.findall(rf"^\| {kind} `moorage\.boot\.(\w+)` \|", README, re.MULTILINE)
    assert sorted(rows if kind == "modules" else plugins) == have


def test_every_role_is_listed_once() -> None:
    """With its README."""
    have = sorted(path.name for path in (COLLECTION / "roles").iterdir() if path.is_dir())
    assert sorted(re.findall(r"^\| \[\w+\]\(roles/(\w+)/README\.md\)", README, re.MULTILINE)) == have
