"""An engine that is here already is used and left as it is: wherever the role's settings are written, that is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.lab.checkout import ROOT

BOOT = ROOT / "collections/ansible_collections/moorage/boot"
BOOKS = [*ROOT.glob("playbooks/*.yml"), *BOOT.glob("roles/*/tasks/*.yml")]


def tasks(given: object) -> Iterator[Mapping[str, Any]]:
    """All of a file, those in blocks too."""
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict):
            yield one
            for part in ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always"):
                yield from tasks(one.get(part))


def configures() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for book in BOOKS:
        for task in tasks(yaml.safe_load(book.read_text())):
            role = task.get("ansible.builtin.import_role") or task.get("ansible.builtin.include_role") or {}
            if role.get("name") == "moorage.boot.engine" and role.get("tasks_from") in ("configure", "proxy"):
                yield f"{book.relative_to(ROOT)}: {task['name']}", task
            if task.get("ansible.builtin.import_tasks") == "configure.yml" and "roles/engine/" in str(book):
                yield f"{book.relative_to(ROOT)}: {task['name']}", task


@pytest.mark.parametrize(("where", "task"), [pytest.param(*one, id=one[0]) for one in configures()])
def test_its_settings_and_service_are_left_alone(where: str, task: Mapping[str, Any]) -> None:
    """`./up --lab` wrote settings for an engine that somebody had started, and started a second one beside it."""
    said = task.get("when", [])
    assert "not _engine_foreign" in ([said] if isinstance(said, str) else said), where


def test_there_are_such_places() -> None:
    assert {where.partition(":")[0] for where, _ in configures()} >= {
        "playbooks/lab.yml",
        "collections/ansible_collections/moorage/boot/roles/engine/tasks/main.yml",
    }
