"""Tasks that one host does for all, some of whom may not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
BOOT = ROOT / "collections/ansible_collections/moorage/boot"


class Loader(yaml.SafeLoader):
    """Ansible's own tags are read as what they mark."""


Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


def tasks(found: Any) -> Iterator[dict[str, Any]]:
    """All of a file, those in blocks too."""
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield one
            for part in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
                yield from tasks(one.get(part))


def test_a_host_that_does_not_answer_ends_no_play_where_that_is_allowed() -> None:
    """`run_once` makes what is unreachable fatal for all hosts, though ignored, unless errors are ignored as well."""
    files = [*BOOT.rglob("tasks/*.yml"), *(ROOT / "playbooks").glob("*.yml")]
    asked = [
        (path, task)
        for path in files
        for task in tasks(yaml.load(path.read_text(), Loader))  # noqa: S506  # a safe loader, with Ansible's tags
        if task.get("run_once") and task.get("ignore_unreachable")
    ]
    assert len(asked) >= 5
    assert [f"{path.name}: {task['name']}" for path, task in asked if not task.get("ignore_errors")] == []


def test_errors_are_ignored_for_that_alone() -> None:
    """Whatever else goes wrong there is part of the answer (`failed_when`), or ends the play in the next task."""
    swallowed = []
    for path in (*BOOT.rglob("tasks/*.yml"), *(ROOT / "playbooks").glob("*.yml")):
        found = list(tasks(yaml.load(path.read_text(), Loader)))  # noqa: S506  # a safe loader, with Ansible's tags
        for task, after in zip(found, [*found[1:], {}], strict=True):
            if not task.get("ignore_errors"):
                continue
            asserted = task.get("register", "none") in str(after.get("ansible.builtin.assert", {}).get("that"))
            if not task.get("ignore_unreachable") or not (task.get("failed_when") is False or asserted):
                swallowed.append(f"{path.name}: {task['name']}")
    assert swallowed == []
