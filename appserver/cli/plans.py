"""A plan as people read it, and its exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import show

PENDING = 3
"""Exit code: changes are pending."""


def print_plan(plan: Mapping[str, Any], diff: bool = False, err: bool = False) -> None:
    """Steps that do something, each with its cause; what was noticed; on demand the difference of the project."""
    for warning in plan["warnings"]:
        show.say(f"warning: {warning}", "yellow", err=True)
    told = [step for step in plan["steps"] if step["action"] != "none"]
    for step in told:
        subject, cause = show.clean(step["subject"]), show.clean(step["cause"])
        click.echo(f"{subject}: {show.styled(step['action'])} — {cause}", err=err)
    if diff:
        print_diff(plan["diff"], err)
    if not plan["changed"]:
        show.say(f"nothing to do: {plan['application']} is as wanted", err=err)
    elif not told:
        show.say("no service changes; the revision is recorded", err=err)


def print_diff(text: str, err: bool = False) -> None:
    for line in text.splitlines():
        show.say(line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""), err=err)


def exit_of(plan: Mapping[str, Any]) -> int:
    return PENDING if plan["changed"] else 0
