"""What answers about playbooks and their runs look like."""

from __future__ import annotations

from typing import Any, Literal

from appserver.web.shapes import Shape


class Part(Shape):
    """One play of a playbook. `hosts` is a pattern of Ansible."""

    name: str
    hosts: str
    tags: list[str]


class Playbook(Shape):
    """`about` is the comment that it begins with, `title` its first line. `asks` are variables that have to be given.
    `error` says why it cannot be run.
    """

    name: str
    title: str
    about: str
    plays: list[Part]
    tags: list[str]
    asks: list[str]
    error: str


class InventoryHost(Shape):
    name: str
    groups: list[str]


class PlayHost(Shape):
    """How the tasks of one host went. `left`: what was ended there after Ansible was."""

    host: str
    ok: int
    changed: int
    failed: int
    unreachable: int
    skipped: int
    rescued: int
    ignored: int
    left: str


class Play(Shape):
    """One run of a playbook. `why`: for what it waits, or why it ended as it did. `lines` counts its output."""

    id: int
    playbook: str
    state: Literal["queued", "running", "done", "failed", "cancelled", "lost"]
    check: bool
    diff: bool
    limit: list[str]
    tags: list[str]
    skip_tags: list[str]
    extra_vars: dict[str, Any]
    reason: str
    by: str
    at: str
    began_at: str | None
    ended_at: str | None
    server: str
    task: str
    why: str
    rc: int | None
    changed: int
    lines: int
    cancelled_by: str
    ending: Literal["", "cancelled", "lost"]
    hosts: list[PlayHost]
