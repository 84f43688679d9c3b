"""The documents that are made from the code are those of the code, and say something of everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask

import appserver.core.site_config
import appserver.settings
import appserver.store.key_table
import appserver.web.reference
import image_config.docs
from appserver.core import access, events
from appserver.settings import AgentSettings, ServeSettings
from appserver.web.api import api, spec

DOCS = Path(__file__).parents[2] / "docs"

GENERATED: dict[str, tuple[str, Callable[[], str]]] = {
    "config.md": ("appserver.core.site_config", appserver.core.site_config.document),
    "etcd.md": ("appserver.store.key_table", appserver.store.key_table.document),
    "settings.md": ("appserver.settings", appserver.settings.document),
    "rest.md": ("appserver.web.reference", appserver.web.reference.document),
    "config-sources.md": ("image_config docs", image_config.docs.text),
}


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_generated_document_is_that_of_the_code(name: str):
    """Whoever changes a key, a setting, a route, a verb or an option makes its document anew."""
    module, made = GENERATED[name]
    assert (DOCS / name).read_text(encoding="utf-8") == made(), f"run: python -m {module} > docs/{name}"


def test_every_record_of_the_table_of_keys_is_told_by_whom():
    """No key is there that nobody is said to write."""
    for key in appserver.store.key_table.TABLE:
        assert key.value, key.shape
        assert key.written_by, key.shape


@pytest.mark.parametrize("settings", [ServeSettings, AgentSettings])
def test_every_setting_is_told(settings: type):
    """A sentence for each, in the document."""
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    for field in fields(settings):
        assert f"| `{field.name}` |" in text


def test_every_route_says_what_it_does():
    """No route of the API is a bare path: each has a sentence, and names what it answers."""
    app = Flask("routes")
    app.register_blueprint(api)
    with app.app_context():
        paths = spec.spec["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert "<" not in operation["summary"], f"{method} {path} has no docstring"


def test_every_kind_of_object_has_its_rights_written_down():
    """Rights and buses are tables: nothing in them is without a row of its own."""
    assert all(row for row in access.RIGHTS.values())
    assert set(access.OWN) <= set(access.RIGHTS)
    assert events.ERRORS not in events.ACTIONS
